"""Understands: text to a score that shows its reasons."""

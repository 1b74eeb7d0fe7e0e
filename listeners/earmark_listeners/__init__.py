"""Hears: what is polled, how one poll goes, and what a query means."""

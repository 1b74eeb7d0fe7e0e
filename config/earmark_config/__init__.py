"""Typed settings and the seeds that are applied as a diff."""

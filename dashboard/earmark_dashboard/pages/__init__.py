"""One file a page; no SQL and no decisions."""

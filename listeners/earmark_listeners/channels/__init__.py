"""One platform, one file, found by scan."""

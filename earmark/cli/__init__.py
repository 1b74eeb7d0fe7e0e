"""The terminal: one file a command group, found in `earmark.cli.app`."""

from earmark.cli.app import main

__all__ = ["main"]

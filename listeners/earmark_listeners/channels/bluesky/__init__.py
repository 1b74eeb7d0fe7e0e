"""Bluesky: search and our own mentions, through the account's own server, and replies."""

from earmark_listeners.channels.bluesky.listening import Bluesky
from earmark_listeners.channels.bluesky.options import BlueskyOptions

__all__ = ["Bluesky", "BlueskyOptions"]

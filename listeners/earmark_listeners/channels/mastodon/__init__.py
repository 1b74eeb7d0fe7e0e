"""Mastodon and servers that speak its API: hashtags, search, our own mentions, and replies."""

from earmark_listeners.channels.mastodon.listening import Mastodon
from earmark_listeners.channels.mastodon.options import MastodonOptions

__all__ = ["Mastodon", "MastodonOptions"]

"""An Instagram account: comments, tags, mentions and hashtags, with replies to comments."""

from earmark_listeners.channels.instagram.listening import Instagram
from earmark_listeners.channels.instagram.options import InstagramOptions

__all__ = ["Instagram", "InstagramOptions"]

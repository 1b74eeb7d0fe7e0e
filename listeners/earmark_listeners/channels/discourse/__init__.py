"""Discourse forums: latest posts, a search, our notifications, and replies."""

from earmark_listeners.channels.discourse.listening import Discourse
from earmark_listeners.channels.discourse.options import DiscourseOptions

__all__ = ["Discourse", "DiscourseOptions"]

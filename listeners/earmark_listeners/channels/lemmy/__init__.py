"""Lemmy: communities, search and what is said to us, and replies."""

from earmark_listeners.channels.lemmy.listening import Lemmy
from earmark_listeners.channels.lemmy.options import LemmyOptions

__all__ = ["Lemmy", "LemmyOptions"]

"""YouTube: comments below our videos, with replies, and videos that a search finds."""

from earmark_listeners.channels.youtube.listening import YouTube
from earmark_listeners.channels.youtube.options import YouTubeOptions

__all__ = ["YouTube", "YouTubeOptions"]

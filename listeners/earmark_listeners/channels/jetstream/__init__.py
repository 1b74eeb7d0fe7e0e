"""Jetstream: all that is posted on Bluesky as it is said, of which our words are kept."""

from earmark_listeners.channels.jetstream.listening import Jetstream
from earmark_listeners.channels.jetstream.options import JetstreamOptions

__all__ = ["Jetstream", "JetstreamOptions"]

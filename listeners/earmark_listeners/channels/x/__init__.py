"""X: recent search and our own mentions, with a cap on what is read, and replies."""

from earmark_listeners.channels.x.listening import X
from earmark_listeners.channels.x.options import XOptions

__all__ = ["X", "XOptions"]

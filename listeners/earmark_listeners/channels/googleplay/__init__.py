"""Reviews of an app on Google Play, and one reply to each."""

from earmark_listeners.channels.googleplay.listening import GooglePlay
from earmark_listeners.channels.googleplay.options import GooglePlayOptions

__all__ = ["GooglePlay", "GooglePlayOptions"]

"""Apple's App Store: the public list of reviews, or App Store Connect with replies."""

from earmark_listeners.channels.appstore.listening import AppStore
from earmark_listeners.channels.appstore.options import AppStoreOptions

__all__ = ["AppStore", "AppStoreOptions"]

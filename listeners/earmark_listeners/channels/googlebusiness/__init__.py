"""Reviews of one location on Google (Business Profile), and one reply to each."""

from earmark_listeners.channels.googlebusiness.listening import GoogleBusiness
from earmark_listeners.channels.googlebusiness.options import GoogleBusinessOptions

__all__ = ["GoogleBusiness", "GoogleBusinessOptions"]

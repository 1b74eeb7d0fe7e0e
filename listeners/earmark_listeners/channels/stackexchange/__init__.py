"""Stack Exchange: questions, answers and comments by tag or search, and replies."""

from earmark_listeners.channels.stackexchange.listening import StackExchange
from earmark_listeners.channels.stackexchange.options import StackExchangeOptions

__all__ = ["StackExchange", "StackExchangeOptions"]

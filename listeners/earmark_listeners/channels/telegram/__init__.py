"""Telegram: what is written to a bot, in its groups and its channels, and replies."""

from earmark_listeners.channels.telegram.listening import Telegram
from earmark_listeners.channels.telegram.options import TelegramOptions

__all__ = ["Telegram", "TelegramOptions"]

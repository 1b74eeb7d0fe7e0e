"""Discord: one text channel or thread of a server, and replies."""

from earmark_listeners.channels.discord.listening import Discord
from earmark_listeners.channels.discord.options import DiscordOptions

__all__ = ["Discord", "DiscordOptions"]

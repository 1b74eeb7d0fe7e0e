"""Reviews of a game on Steam. Read only."""

from earmark_listeners.channels.steam.listening import Steam, SteamOptions

__all__ = ["Steam", "SteamOptions"]

"""The world's news as GDELT has seen it: a search by headline, read only."""

from earmark_listeners.channels.gdelt.listening import Gdelt, GdeltOptions

__all__ = ["Gdelt", "GdeltOptions"]

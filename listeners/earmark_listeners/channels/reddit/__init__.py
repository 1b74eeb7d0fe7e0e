"""Reddit: searches, new posts and comments of subreddits, our inbox, and replies."""

from earmark_listeners.channels.reddit.listening import Reddit
from earmark_listeners.channels.reddit.options import RedditOptions

__all__ = ["Reddit", "RedditOptions"]

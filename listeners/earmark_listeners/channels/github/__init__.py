"""GitHub: issues, pull requests, discussions and their comments, found by search or whole."""

from earmark_listeners.channels.github.channel import GitHub
from earmark_listeners.channels.github.options import GitHubOptions

__all__ = ["GitHub", "GitHubOptions"]

"""A Facebook Page: comments, posts, recommendations and posts that tag it, with replies."""

from earmark_listeners.channels.facebook.listening import Facebook, FacebookOptions

__all__ = ["Facebook", "FacebookOptions"]

"""Posts, comments and recommendations as the Graph API gives them, and as items."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

_COUNTED = "comments.summary(true).limit(0),reactions.summary(true).limit(0),shares"
COMMENT_FIELDS = (
    "id,message,from{id,name},created_time,parent{id},like_count,comment_count,can_comment,"
    "is_hidden,permalink_url"
)
POST_FIELDS = f"id,message,story,from{{id,name}},created_time,permalink_url,{_COUNTED}"
RATING_FIELDS = (
    "created_time,recommendation_type,review_text,rating,has_review,reviewer{id,name},"
    "open_graph_story{id}"
)
# The parts of an id stand in the address, too.
_COMMENT_ADDRESS = re.compile(
    r"/posts/(\w+)/?\?(?:[^#]*&)?comment_id=(\w+)(?:&reply_comment_id=(\w+))?"
)
_WORDS = {
    "positive": "Recommends the Page",
    "negative": "Does not recommend the Page",
}


class _Person(Wire):
    id: Word = ""
    name: Word = ""


class _Thing(Wire):
    id: Word = ""


class Comment(Wire):
    """A comment, or an answer to one."""

    id: Word = ""
    message: Word = ""
    writer: _Person | None = Field(default=None, alias="from")
    created_time: datetime | None = None
    parent: _Thing | None = None
    like_count: int | None = None
    comment_count: int | None = None
    can_comment: bool | None = None
    permalink_url: Word = ""

    @property
    def place(self) -> tuple[str, str]:
        """Gives its id and that of the comment it answers, by its address where need be."""
        found = _COMMENT_ADDRESS.search(self.permalink_url)
        above = self.parent.id if self.parent else ""
        if found is None:
            return self.id, above
        post, comment, answer = found.groups()
        own = f"{post}_{answer or comment}"
        return self.id or own, above or (f"{post}_{comment}" if answer else "")


class _Post(Wire):
    id: Id
    message: Word = ""
    story: Word = ""
    writer: _Person | None = Field(default=None, alias="from")
    created_time: datetime | None = None
    permalink_url: Word = ""


class _Rating(Wire):
    created_time: datetime
    recommendation_type: Word = ""
    review_text: Word = ""
    rating: int | None = Field(default=None, ge=1, le=5)
    reviewer: _Person | None = None
    open_graph_story: _Thing | None = None


class Found(NamedTuple):
    """A comment as it came, and below which post."""

    post_id: str
    raw: Any


def made_at(raw: Any) -> datetime | None:
    """Gives when an entry was made; None if it does not say so in a way that can be read."""
    if not isinstance(raw, dict):
        return None
    try:
        moment = read_as(Comment, {"created_time": raw.get("created_time")}).created_time
    except Malformed:
        return None
    return as_utc(moment) if moment else None


def comment_item(found: Found, page_id: str) -> Item:
    """Gives a comment as an item."""
    comment = read_as(Comment, found.raw)
    own_id, above = comment.place
    if not own_id:
        raise Malformed("id: there is none")
    counts = {"likes": comment.like_count, "replies": comment.comment_count}
    return Item(
        external_id=own_id,
        kind="comment",
        text=comment.message,
        url=comment.permalink_url,
        author=_author(comment.writer),
        published_at=as_utc(comment.created_time) if comment.created_time else None,
        thread_id=found.post_id,
        parent_id=above or found.post_id,
        metrics={name: count for name, count in counts.items() if count is not None},
        reply_ref={"comment_id": own_id, "root_id": above or own_id},
        is_own=_is_page(comment.writer, page_id),
        raw=raw_text(found.raw),
    )


def post_item(raw: Any, page_id: str) -> Item:
    """Gives a post on the Page, or one that tags it, as an item."""
    post = read_as(_Post, raw)
    return Item(
        external_id=post.id,
        text=post.message,
        title="" if post.message else post.story,
        url=post.permalink_url or f"https://www.facebook.com/{post.id}",
        author=_author(post.writer),
        published_at=as_utc(post.created_time) if post.created_time else None,
        thread_id=post.id,
        metrics=_counts(raw),
        reply_ref={"post_id": post.id},
        is_own=_is_page(post.writer, page_id),
        raw=raw_text(raw),
    )


def rating_item(raw: Any, page_id: str) -> Item:
    """Gives a recommendation as an item.

    It has no id of its own: that of its story stands for it, else who gave it and when. There are
    stars only on old ones; a recommendation without words says in its title what it is.
    """
    rating = read_as(_Rating, raw)
    made = as_utc(rating.created_time)
    story = rating.open_graph_story.id if rating.open_graph_story else ""
    who = rating.reviewer.id if rating.reviewer else ""
    return Item(
        external_id=story or f"rating {who or '?'} {made:%Y-%m-%dT%H:%M:%SZ}",
        kind="review",
        title=_WORDS.get(rating.recommendation_type, ""),
        text=rating.review_text,
        url=f"https://www.facebook.com/{story or f'{page_id}/reviews'}",
        author=_author(rating.reviewer),
        rating=rating.rating,
        published_at=made,
        thread_id=story,
        reply_ref={"post_id": story} if story else {},
        raw=raw_text(raw),
    )


def _author(person: _Person | None) -> Author | None:
    """Gives who wrote it: left out where the token may not know."""
    return Author(person.id, name=person.name) if person and person.id else None


def _is_page(person: _Person | None, page_id: str) -> bool:
    return person is not None and person.id == page_id


def _counts(raw: Mapping[str, Any]) -> dict[str, int]:
    shares = raw.get("shares")
    found = {
        "comments": _total(raw.get("comments")),
        "reactions": _total(raw.get("reactions")),
        "shares": shares.get("count") if isinstance(shares, dict) else None,
    }
    return {name: count for name, count in found.items() if isinstance(count, int)}


def _total(edge: Any) -> Any:
    summary = edge.get("summary") if isinstance(edge, dict) else None
    return summary.get("total_count") if isinstance(summary, dict) else None

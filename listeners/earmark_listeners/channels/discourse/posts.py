"""Posts of a Discourse forum as items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import Field
from selectolax.lexbor import LexborHTMLParser

from earmark_core.clock import as_utc
from earmark_core.markup import LONGEST
from earmark_core.model import Author, Item
from earmark_core.text import clean
from earmark_listeners.newest_first import Deleted
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

_SPOKEN: Final = (1, 2)  # a post, words of a moderator; not: an action, a whisper among staff
_LIKE: Final = 2


class Post(Wire):
    """A post; `post_number` counts within its topic, `id` over the whole forum."""

    id: Id
    topic_id: Id
    post_number: int
    created_at: datetime
    updated_at: datetime | None = None
    post_type: int = 1
    username: Word = ""
    name: Word = ""
    user_id: Word = ""
    cooked: Word = ""
    raw: Word = ""
    version: int = 1
    reply_to_post_number: int | None = None
    topic_slug: Word = ""
    topic_title: Word = ""
    hidden: bool | None = None
    user_deleted: bool | None = None
    deleted_at: datetime | None = None
    reply_count: int | None = None
    reads: int | None = None
    yours: bool | None = None
    actions_summary: Sequence[Mapping[str, Any]] = Field(default=())

    @property
    def gone(self) -> str:
        """Says why its words may not be kept; "" if they may."""
        if self.deleted_at or self.user_deleted:
            return "The post was deleted."
        return "The post was hidden by the forum." if self.hidden else ""

    @property
    def html(self) -> str:
        """What its author said: without what is quoted from others."""
        return own_words(self.cooked)

    def text(self) -> str:
        """Gives the words as a person reads them."""
        return clean(self.html, is_html=True) if self.cooked else clean(self.raw)

    def edited_at(self) -> datetime | None:
        """Gives when it was last changed; the forum counts versions."""
        return as_utc(self.updated_at) if self.version > 1 and self.updated_at else None


def read_post(raw: Any) -> Post:
    """Gives a post; raises `Malformed`."""
    return read_as(Post, raw)


def to_item(raw: Any, base_url: str, own: str, title: str = "") -> Item | Deleted | None:
    """Gives a post as an item, that it is gone, or None for what nobody said in public."""
    post = read_post(raw)
    if post.post_type not in _SPOKEN:
        return None
    if post.gone:
        return Deleted(post.id)
    is_first = post.post_number == 1
    above = post.reply_to_post_number or 1
    slug = post.topic_slug or "-"
    page = f"{base_url}/u/{post.username}"
    return Item(
        external_id=post.id, kind="topic" if is_first else "post",
        title=post.topic_title or title, text=post.html if post.cooked else post.raw,
        is_html=bool(post.cooked), url=f"{base_url}/t/{slug}/{post.topic_id}/{post.post_number}",
        # Numbers of users and topics begin anew in each forum.
        author=Author(f"{base_url}#{post.user_id or post.username}", post.username, post.name, page)
        if post.username else None,
        published_at=as_utc(post.created_at), edited_at=post.edited_at(),
        thread_id=f"{base_url}/t/{post.topic_id}",
        parent_id="" if is_first else f"{post.topic_id}/{above}",
        metrics=_metrics(post), is_own=bool(own) and post.username.casefold() == own.casefold(),
        reply_ref={"post_id": post.id, "topic_id": post.topic_id,
                   "post_number": str(post.post_number)},
        raw=raw_text(raw),
    )  # fmt: skip


def own_words(html: str) -> str:
    """Gives HTML without quotations of other posts and previews of other pages.

    A post of nothing else is given whole.
    """
    if "<aside" not in html:
        return html
    tree = LexborHTMLParser(html[:LONGEST])
    for node in tree.css("aside.quote, aside.onebox"):
        node.decompose(recursive=True)
    left = tree.body.inner_html if tree.body is not None else None
    return left if left and clean(left, is_html=True) else html


def _metrics(post: Post) -> dict[str, int]:
    likes = [each.get("count") for each in post.actions_summary if each.get("id") == _LIKE]
    counts = {"replies": post.reply_count, "reads": post.reads, "likes": next(iter(likes), None)}
    return {name: count for name, count in counts.items() if isinstance(count, int)}

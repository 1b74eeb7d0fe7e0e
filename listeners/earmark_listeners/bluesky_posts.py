"""What Bluesky and its stream say of a post, and how it becomes an item.

Shared by the channels `bluesky` and `jetstream`: the same post has the same name in both.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from pydantic import Field, TypeAdapter, ValidationError

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

POSTS = "app.bsky.feed.post"
_WEB = "https://bsky.app/profile"
_NO_HANDLE = "handle.invalid"
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)


class Ref(Wire):
    """A record, by its place and its content."""

    uri: Id
    cid: Id


class Place(Wire):
    """Where a reply stands: the first post of the thread, and the one it answers."""

    root: Ref
    parent: Ref


class Record(Wire):
    """What the author wrote."""

    text: Word = ""
    created_at: Word = Field(default="", alias="createdAt")
    langs: tuple[Word, ...] | None = ()
    reply: Place | None = None


class Standing(Wire):
    """How we stand with an author; each is the name of a block, or absent."""

    blocked_by: bool | None = Field(default=None, alias="blockedBy")
    blocking: Word = ""


class Person(Wire):
    """Who wrote."""

    did: Id
    handle: Word = ""
    display_name: Word = Field(default="", alias="displayName")
    viewer: Standing = Standing()


class Permission(Wire):
    """What we may do with a post."""

    reply_disabled: bool | None = Field(default=None, alias="replyDisabled")


class Post(Wire):
    """One post as the AppView shows it; a notification has the same parts but for the counts."""

    uri: Id
    cid: Id
    author: Person
    record: Record
    indexed_at: datetime = Field(alias="indexedAt")
    replies: int | None = Field(default=None, alias="replyCount")
    reposts: int | None = Field(default=None, alias="repostCount")
    likes: int | None = Field(default=None, alias="likeCount")
    quotes: int | None = Field(default=None, alias="quoteCount")
    viewer: Permission = Permission()

    @property
    def ref(self) -> Ref:
        """Gives the post by its place and its content."""
        return Ref(uri=self.uri, cid=self.cid)


def read_post(raw: object) -> Post:
    """Gives the post, or raises `Malformed` with the first thing that is wrong in it."""
    return read_as(Post, raw)


def said_at(post: Post) -> datetime:
    """Gives the time that Bluesky sorts by: the author's claim, unless it lies in the future."""
    indexed = as_utc(post.indexed_at)
    try:
        claimed = as_utc(_MOMENT.validate_python(post.record.created_at))
    except (ValidationError, OverflowError):
        return indexed
    return min(claimed, indexed)


def parts_of(uri: str) -> tuple[str, str, str]:
    """Gives account, collection and key of `at://did/collection/key`; `Malformed` for another."""
    kind, _, rest = uri.partition("://")
    parts = rest.split("/")
    if kind != "at" or len(parts) != 3 or not all(parts):
        raise Malformed("This is no address of a post on Bluesky.")
    return parts[0], parts[1], parts[2]


def web_url(uri: str) -> str:
    """Gives the page of a post, by the account's id: handles change."""
    did, _, key = parts_of(uri)
    return f"{_WEB}/{quote(did, safe=':')}/post/{quote(key, safe='')}"


def place_below(post: Post) -> Place:
    """Gives where a reply to *post* stands.

    The root is the one the post names itself: a wrong one takes the reply out of the thread
    without a word.
    """
    root = post.record.reply.root if post.record.reply else post.ref
    return Place(root=root, parent=post.ref)


def to_item(post: Post, raw: object, *, own_did: str) -> Item:
    """Gives the item; the same post has the same id wherever it is found."""
    record = post.record
    handle = "" if post.author.handle == _NO_HANDLE else post.author.handle
    return Item(
        external_id=post.uri,
        kind="comment" if record.reply else "post",
        text=record.text,
        url=web_url(post.uri),
        uri=post.uri,
        author=Author(
            id=post.author.did,
            handle=handle,
            name=post.author.display_name or handle,
            url=f"{_WEB}/{quote(post.author.did, safe=':')}",
        ),
        lang=next(iter(record.langs or ()), ""),
        published_at=said_at(post),
        thread_id=record.reply.root.uri if record.reply else post.uri,
        parent_id=record.reply.parent.uri if record.reply else "",
        metrics=_metrics(post),
        reply_ref=_reply_ref(post),
        is_own=post.author.did == own_did,
        raw=raw_text(raw),
    )


def _metrics(post: Post) -> Mapping[str, int]:
    counts = {
        "replies": post.replies,
        "reposts": post.reposts,
        "likes": post.likes,
        "quotes": post.quotes,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _reply_ref(post: Post) -> Mapping[str, str]:
    place = place_below(post)
    return {
        "uri": post.uri,
        "cid": post.cid,
        "root_uri": place.root.uri,
        "root_cid": place.root.cid,
    }

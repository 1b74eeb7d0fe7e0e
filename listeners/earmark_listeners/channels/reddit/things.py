"""What Reddit calls things: comments (t1), posts (t3) and private messages (t4)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.newest_first import Deleted
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

DELETED: Final = "[deleted]"
_REMOVED: Final = ("[removed]", "[ Removed by Reddit ]")
_KINDS: Final = {"t1": "comment", "t3": "post", "t4": "message"}
_CONTEXT = re.compile(r"/comments/([a-z0-9]{1,20})/", re.IGNORECASE)


class Thing(Wire):
    """A comment, a post or a message; old ones lack what was added to Reddit later."""

    name: Id = Field(pattern=r"^t[134]_[A-Za-z0-9]+$")
    created_utc: float
    author: Word = ""
    author_fullname: Word = ""
    subreddit: Word = ""
    body: Word = ""
    selftext: Word = ""
    title: Word = ""
    subject: Word = ""
    link_title: Word = ""
    link_id: Word = ""
    parent_id: Word = ""
    first_message_name: Word = ""
    permalink: Word = ""
    context: Word = ""
    edited: bool | float | None = None
    score: int | None = None
    score_hidden: bool | None = None
    num_comments: int | None = None
    removed_by_category: Word = ""
    locked: bool | None = None
    archived: bool | None = None

    @property
    def kind(self) -> str:
        """comment, post or message."""
        return _KINDS[self.name[:2]]

    @property
    def words(self) -> str:
        """What was said, in Markdown."""
        return self.selftext if self.kind == "post" else self.body

    @property
    def thread(self) -> str:
        """The post at the root of it; of a message, the first one."""
        if self.kind == "post":
            return self.name
        if self.kind == "message":
            return self.first_message_name or self.name
        found = _CONTEXT.search(self.context or self.permalink)
        return self.link_id or (f"t3_{found[1]}" if found else self.parent_id)

    @property
    def gone(self) -> str:
        """Says why its words may not be kept; "" if they may."""
        if self.words in _REMOVED or self.removed_by_category not in ("", "deleted", "author"):
            return "It was removed by moderators or by Reddit."
        if self.removed_by_category or (self.author == DELETED and self.words == DELETED):
            return "It was deleted by its author."
        return ""


def read_thing(entry: Any) -> Thing:
    """Gives an entry of a listing; raises `Malformed`."""
    data = entry.get("data") if isinstance(entry, dict) else None
    return read_as(Thing, data)


def made_at(entry: Any) -> datetime | None:
    """Gives when an entry was made, also of one that is gone; None for one that cannot be read."""
    try:
        return _moment(read_thing(entry).created_utc)
    except Malformed:
        return None


def to_item(entry: Any, site: str, own: str) -> Item | Deleted:
    """Gives an entry as an item, or that it is gone."""
    thing = read_thing(entry)
    if thing.gone:
        return Deleted(thing.name)
    named = thing.author if thing.author != DELETED else ""
    return Item(
        external_id=thing.name,
        kind=thing.kind,
        title=thing.link_title or thing.title or (thing.subject if thing.kind == "message" else ""),
        text=thing.words,
        url=_page_of(thing, site),
        author=Author(thing.author_fullname or named, named, named, f"{site}/user/{named}")
        if named
        else None,
        published_at=_moment(thing.created_utc),
        edited_at=None if isinstance(thing.edited, bool | None) else _moment(thing.edited),
        thread_id=thing.thread,
        parent_id=thing.parent_id,
        metrics=_metrics(thing),
        reply_ref={
            "thing_id": thing.name,
            "link_id": thing.thread if thing.kind == "comment" else "",
            "subreddit": thing.subreddit,
        },
        is_own=bool(own) and named.casefold() == own.casefold(),
        raw=raw_text(entry),
    )


def _page_of(thing: Thing, site: str) -> str:
    """Gives the address of its page; in an inbox it stands under `context`."""
    if thing.kind == "message":
        return f"{site}/message/messages/{thing.name[3:]}"
    path = thing.permalink or thing.context.partition("?")[0]
    return f"{site}{path}" if path.startswith("/") else page_of(thing.name, thing.thread, site)


def page_of(name: str, link_id: str, site: str) -> str:
    """Gives an address that leads to a comment or post by its id alone."""
    if name.startswith("t3_") or not link_id.startswith("t3_"):
        return f"{site}/comments/{name[3:]}" if name.startswith("t3_") else ""
    return f"{site}/comments/{link_id[3:]}/_/{name[3:]}"


def _metrics(thing: Thing) -> dict[str, int]:
    """Gives the counts that are its own: in an inbox `num_comments` is that of the post above."""
    found: dict[str, int] = {}
    if thing.score is not None and not thing.score_hidden and thing.kind != "message":
        found["score"] = thing.score
    if thing.num_comments is not None and thing.kind == "post":
        found["comments"] = thing.num_comments
    return found


def _moment(epoch: float) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)
    except (OverflowError, ValueError):
        raise Malformed("created_utc is no moment of this calendar") from None

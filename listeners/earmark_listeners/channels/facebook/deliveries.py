"""What Meta tells of a Page on its own, as items.

A comment comes with its words, and so do most posts. What is told too shortly (a recommendation, a
post that tags the Page, a photo) is left to the next poll, which finds it among the newest.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_core.model import Item
from earmark_listeners.channels.facebook.items import Found, comment_item, post_item
from earmark_listeners.graph_deliveries import Change, Gathered, moment
from earmark_listeners.wire import Wire, Word, raw_text, read_as

_FIELDS: Final = {
    "comments": ("feed", {"comment"}),
    "posts": ("feed", {"post", "status", "photo", "video", "share", "album", "link", "note"}),
    "ratings": ("ratings", {"rating"}),
    "tagged": ("mention", {"post", "status", "photo", "video", "share"}),
}
_SAID: Final = {"add"}
_EDITED: Final = {"edit", "edited"}
_GONE: Final = {"remove", "delete"}


class _Told(Wire):
    item: Word = ""
    verb: Word = ""
    comment_id: Word = ""
    post_id: Word = ""
    parent_id: Word = ""
    story_id: Word = Field(default="", alias="open_graph_story_id")
    message: Word = ""
    writer: dict[str, Any] | None = Field(default=None, alias="from")
    created_time: int | None = None
    published: int = 1


def taker(kind: str, page_id: str) -> Callable[[Gathered, Change], None]:
    """Gives what takes a change of the Page for a source of this kind."""
    about, things = _FIELDS[kind]

    def take(found: Gathered, change: Change) -> None:
        told = read_as(_Told, change.value)
        if change.about != about or told.item not in things:
            return
        name = {"comments": told.comment_id, "ratings": told.story_id}.get(kind, told.post_id)
        if not name and kind != "ratings":
            raise Malformed("there is no id")
        if told.verb in _GONE:
            found.gone |= {name: None} if name else {}
        elif told.verb in _SAID | _EDITED:
            _take_words(found, change, told, kind, page_id)

    return take


def _take_words(found: Gathered, change: Change, told: _Told, kind: str, page_id: str) -> None:
    made = moment(told.created_time)
    is_edit = told.verb in _EDITED
    said_at = change.at if is_edit else made
    is_whole = kind == "comments" or (kind == "posts" and told.message and told.published == 1)
    if not is_whole or made is None or said_at is None:
        found.polls_soon = True
        return
    raw = {"message": told.message, "from": told.writer, "created_time": made.isoformat()}
    if kind == "comments":
        above = {"id": told.parent_id} if told.parent_id not in ("", told.post_id) else None
        raw |= {"id": told.comment_id, "parent": above}
        raw["permalink_url"] = _address(told, page_id)
        item: Item = comment_item(Found(told.post_id, raw), page_id)
    else:
        item = post_item(raw | {"id": told.post_id}, page_id)
    edited_at = said_at if is_edit else None
    found.add(replace(item, edited_at=edited_at, raw=raw_text(change.value)), said_at)


def _address(told: _Told, page_id: str) -> str:
    """Gives a comment's address as the Page's posts have it: made of the parts of its numbers."""
    post, _, comment = told.comment_id.rpartition("_")
    above = told.parent_id.rpartition("_")[2] if told.parent_id != told.post_id else ""
    own = {"comment_id": above, "reply_comment_id": comment} if above else {"comment_id": comment}
    return f"https://www.facebook.com/{page_id}/posts/{quote(post, safe='')}?{urlencode(own)}"

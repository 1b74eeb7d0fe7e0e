"""What Meta tells of an Instagram account on its own: comments with their words, mentions without.

A mention is told by its number alone, and there is no list of mentions: it is read by that.
"""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from earmark_listeners.channels.instagram.items import Found, comment_item
from earmark_listeners.graph_deliveries import Change, Gathered
from earmark_listeners.wire import Id, Wire, Word, read_as

COMMENT = "comment:"
MEDIA = "media:"


class _Thing(Wire):
    id: Word = ""


class _Told(Wire):
    id: Id
    media: _Thing
    text: Word = ""
    writer: dict[str, Any] | None = Field(default=None, alias="from")
    parent_id: Word = ""


class _Named(Wire):
    media_id: Word = Field(default="", pattern=r"^[0-9]{0,40}$")
    comment_id: Word = Field(default="", pattern=r"^[0-9]{0,40}$")


def taker(kind: str, own: str) -> Callable[[Gathered, Change], None]:
    """Gives what takes a change of the account for a source of this kind; *own* is our name."""

    def take(found: Gathered, change: Change) -> None:
        if kind == "comments" and change.about == "comments":
            _take_comment(found, change, own)
        elif kind == "mentioned" and change.about == "mentions":
            told = read_as(_Named, change.value)
            if told.comment_id:
                found.named[f"{COMMENT}{told.comment_id}"] = None
            elif told.media_id:
                found.named[f"{MEDIA}{told.media_id}"] = None

    return take


def _take_comment(found: Gathered, change: Change, own: str) -> None:
    """Takes a comment; Meta gives no time of its own for it, and no address."""
    told = read_as(_Told, change.value)
    if change.at is None:
        found.polls_soon = True
        return
    raw = {**change.value, "timestamp": change.at.isoformat()}
    found.add(comment_item(Found(told.media.id, "", told.parent_id, raw), own), change.at)

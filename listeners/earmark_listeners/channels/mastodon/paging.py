"""The pages of a Mastodon server's lists, and the place where a poll ended."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Cursor, WindowState
from earmark_listeners.channels.mastodon.posts import order, place_of, read_status
from earmark_listeners.contract import Batch
from earmark_listeners.newest_first import unreadable_place

_FEW = 2

Entries = tuple[Sequence[Any], Batch]


def end_of(entries: Sequence[Any], after: str) -> Entries:
    """Ends a walk: at an empty page, or at one that holds nothing beyond the cursor."""
    unreadable = [each for each in entries if not place_of(each)]
    if unreadable:
        return unreadable, Batch()
    if all(place_of(each) == after for each in entries):
        return (), Batch()
    note = "the server sent an earlier page again"
    return (), Batch(state=WindowState.truncated, note=note)


def is_beyond(entry: Any, after: str) -> bool:
    """Says whether an entry is new; one without an id is, so that it is not lost in silence."""
    place = place_of(entry)
    return not place or order(place) > order(after)


def oldest_of(pages: Sequence[Sequence[Any]]) -> datetime | None:
    """Gives when the oldest readable post of these pages was posted."""
    moments: list[datetime] = []
    for entry in (entry for page in pages for entry in page):
        with suppress(Malformed):
            moments.append(as_utc(read_status(entry).created_at))
    return min(moments, default=None)


def sorted_once(entries: Sequence[Any]) -> list[Any]:
    """Gives a page oldest first; an entry that comes twice is given once."""
    nameless = [each for each in entries if not place_of(each)]
    named = {place_of(each): each for each in entries if place_of(each)}
    return [*nameless, *(named[place] for place in sorted(named, key=order))]


def is_passable(entries: Sequence[Any]) -> bool:
    """Says whether a page of which nothing can be read is a few odd posts, to be passed.

    More than a few, or none with an id, means that the server speaks another language.
    """
    return len(entries) <= _FEW and bool(last_of(entries))


def last_of(entries: Sequence[Any]) -> str:
    """Gives the newest id, "" if there is none."""
    return max((place_of(each) for each in entries), key=order, default="")


def write_cursor(after: str) -> Cursor:
    """Gives the cursor of a poll that ended at this id."""
    return Cursor(json.dumps({"after": after}))


def read_cursor(since: Cursor | None) -> str | None:
    """Gives the id at which a poll ended; raises `Rejected` for a cursor that is none of ours."""
    if since is None:
        return None
    try:
        after = json.loads(since)["after"]
    except (ValueError, KeyError, TypeError):
        after = None
    if not isinstance(after, str) or not after:
        raise unreadable_place("mastodon", "it then begins at the newest posts.")
    return after

"""What a Discourse forum's search or our notifications name of an earlier stretch of time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import Item
from earmark_listeners.channels.discourse.hits import Hit, Hits
from earmark_listeners.channels.discourse.options import DiscourseOptions
from earmark_listeners.channels.discourse.server import Server
from earmark_listeners.newest_first import Deleted, Page

_CUT = "the forum's search gives no more pages"

Read = Callable[[Any, str], Item | Deleted | None]


class HitsBack:
    """Walks a list of hits back, and reads each post that was said in the stretch in full.

    A few posts are read at once, as many as a poll reads: who has 20 requests a minute cannot
    read all of a page. An entry is when it was said, and the post, or that it is gone or hidden.
    """

    def __init__(self, server: Server, options: DiscourseOptions, read: Read) -> None:
        self._server = server
        self._most = options.look_ups
        self._hits = Hits(server, options)
        self._read = read

    async def ask(self, token: str, start: datetime, until: datetime) -> Page:
        """Gives a part of a page; *token* is the page's number, and how many of it were read."""
        number, _, done = token.partition(":")
        known = len(self._hits.bad_items)
        listing = await self._hits.between(int(number or 0), start, until)
        odd = [] if done and done != "0" else self._hits.bad_items[known:]
        rest = listing.hits[int(done or 0) :]
        entries = [await self._entry(hit, start, until) for hit in rest[: self._most]]
        entries += [{"at": "", "odd": bad.reason, "raw": bad.raw} for bad in odd]
        if len(rest) > self._most:
            return Page(entries, f"{int(number or 0)}:{int(done or 0) + self._most}")
        if listing.is_more:
            return Page(entries, f"{int(number or 0) + 1}:0")
        return Page(entries, "", _CUT if listing.is_cut else "")

    def read(self, entry: Mapping[str, Any]) -> Item | Deleted | None:
        """Gives an entry as an item."""
        if "odd" in entry:
            raise Malformed(entry["odd"])
        if entry["is_gone"]:
            return Deleted(entry["post_id"])
        return None if entry["raw"] is None else self._read(entry["raw"], entry["title"])

    async def _entry(self, hit: Hit, start: datetime, until: datetime) -> dict[str, Any]:
        is_asked = start <= hit.at < until
        is_hidden, raw = await looked_up(self._server, hit) if is_asked else (True, None)
        is_gone = not is_hidden and raw is None and bool(hit.post_id)
        return {
            "at": hit.at.isoformat(), "raw": raw, "is_gone": is_gone,
            "post_id": hit.post_id, "title": hit.title,
        }  # fmt: skip


async def looked_up(server: Server, hit: Hit) -> tuple[bool, Any]:
    """Gives whether a post was moved to where we may not look, and the post, None if it is gone."""
    try:
        return False, await server.maybe(hit.path)
    except Rejected as error:
        if error.fault is Fault.forbidden:
            return True, None
        raise

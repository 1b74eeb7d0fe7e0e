"""Lists of a Discourse forum that name posts without giving them: a search, our notifications."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed, Unavailable
from earmark_core.model import BadItem, Cursor
from earmark_core.text import clean
from earmark_listeners.channels.discourse.options import DiscourseOptions
from earmark_listeners.channels.discourse.server import Server, part
from earmark_listeners.newest_first import read_mark
from earmark_listeners.wire import Id, Shape, Wire, Word, bad_item, read_as

_SEARCH_PAGES: Final = 10
_PER_PAGE: Final = 60
_FEW: Final = 2
_IS_IT: Final = "Check that base_url is a Discourse forum."
# mentioned, replied, quoted, private message, posted in a topic of ours, our group mentioned
_TO_US: Final = frozenset((1, 2, 3, 6, 9, 15))


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that a list names: when it was said, where it is read, and its topic's title."""

    at: datetime
    path: str
    title: str
    post_id: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a poll ended; one that is behind goes on exactly there."""

    after: datetime | None
    is_behind: bool = False

    @classmethod
    def of(cls, since: Cursor | None, subject: str) -> Self:
        """Gives the place of a cursor; raises `Rejected` for one that is none of ours."""
        after = read_mark(since, subject)
        return cls(after, bool(since) and json.loads(since or "{}").get("behind") is True)

    def cursor(self) -> Cursor:
        """Gives it as a cursor."""
        after = self.after.isoformat() if self.after else None
        return Cursor(json.dumps({"after": after, "behind": self.is_behind}))


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list: its hits, when its oldest entry is from, and whether there are more.

    `is_cut` says that the list ends here because it gives no more pages.
    """

    hits: list[Hit]
    oldest: datetime | None
    is_more: bool
    is_cut: bool = False


class _Found(Wire):
    id: Id
    created_at: datetime
    topic_id: Word = ""


class _Data(Wire):
    original_post_id: Word = ""
    topic_title: Word = ""


class _Notification(Wire):
    notification_type: int
    created_at: datetime
    topic_id: Word = ""
    post_number: Word = ""
    fancy_title: Word = ""
    data: _Data = _Data()

    @property
    def path(self) -> str:
        """Where the post is read that it tells of; "" if it tells of none."""
        if self.data.original_post_id:
            return f"/posts/{part(self.data.original_post_id)}.json"
        if not (self.topic_id and self.post_number):
            return ""
        return f"/posts/by_number/{part(self.topic_id)}/{part(self.post_number)}.json"


class Hits:
    """Reads a list from its newest page back; `bad_items` are entries that cannot be read."""

    def __init__(self, server: Server, options: DiscourseOptions) -> None:
        self._server = server
        self._options = options
        self.bad_items: list[BadItem] = []

    async def between(self, number: int, start: datetime, until: datetime) -> Listing:
        """Gives page *number*, the first is 0, of what was said in a stretch of time.

        A search keeps to it by whole days; notifications are listed from now back.
        """
        if self._options.kind != "search":
            return await self._notifications(number, start)
        page = await self._search(number, start, until)
        is_last = number + 1 >= _SEARCH_PAGES
        return replace(page, is_more=page.is_more and not is_last, is_cut=page.is_more and is_last)

    async def since(self, floor: datetime | None) -> tuple[list[Hit], bool]:
        """Gives what was said since *floor*, oldest first, and whether older ones were not reached.

        Without a floor, the first page.
        """
        is_search = self._options.kind == "search"
        read = self._search if is_search else self._notifications
        most = self._options.max_pages if floor is not None else 1
        found: dict[str, Hit] = {}
        is_lost = floor is not None
        for number in range(min(most, _SEARCH_PAGES) if is_search else most):
            page = await read(number, floor)
            known = len(found)
            found = {hit.path: hit for hit in page.hits} | found
            is_past = floor is not None and page.oldest is not None and page.oldest < floor
            if is_past or not page.is_more:
                is_lost = False
                break
            if page.hits and len(found) == known:
                break  # the same page again
        wanted = [hit for hit in found.values() if floor is None or hit.at >= floor]
        return sorted(wanted, key=lambda hit: (hit.at, hit.path)), is_lost

    async def _search(
        self, number: int, floor: datetime | None, until: datetime | None = None
    ) -> Listing:
        query = f"{self._options.query} order:latest"
        if floor is not None:  # by whole days of the forum's own zone
            query += f" after:{floor - timedelta(days=1):%Y-%m-%d}"
        if until is not None:
            query += f" before:{until + timedelta(days=2):%Y-%m-%d}"
        said = await self._server.get("/search.json", q=query, page=str(number + 1))
        summary = said.get("grouped_search_result") if isinstance(said, dict) else None
        if not isinstance(summary, dict):
            raise Malformed("The answer is no result of a search.", hint=_IS_IT, subject=self._at)
        if summary.get("error"):
            words = clean(str(summary["error"]), limit=200).rstrip(".")
            raise Unavailable(f"The forum cannot search now: {words}.", subject=self._at)
        titles = _titles(said.get("topics"))
        found = self._readable(_Found, _list(said.get("posts", []), self._at))
        hits = [
            Hit(as_utc(each.created_at), f"/posts/{part(each.id)}.json",
                titles.get(each.topic_id, ""), each.id)
            for each in found
        ]  # fmt: skip
        is_more = bool(hits) and bool(summary.get("more_full_page_results"))
        return Listing(hits, min((hit.at for hit in hits), default=None), is_more)

    async def _notifications(self, number: int, _: datetime | None) -> Listing:
        """Reads what is said to us; read in this way, nothing is marked as seen."""
        query = {"limit": str(_PER_PAGE), "offset": str(number * _PER_PAGE)}
        said = await self._server.get("/notifications.json", **query)
        # Old forums give the list alone.
        listed = _list(said.get("notifications") if isinstance(said, dict) else said, self._at)
        told = self._readable(_Notification, listed)
        hits = [_hit(each) for each in told if each.notification_type in _TO_US and each.path]
        total = said.get("total_rows_notifications") if isinstance(said, dict) else len(listed)
        is_more = bool(listed) and not (
            isinstance(total, int) and total <= (number + 1) * _PER_PAGE
        )
        return Listing(hits, min((as_utc(each.created_at) for each in told), default=None), is_more)

    def _readable(self, shape: type[Shape], entries: Sequence[Any]) -> list[Shape]:
        found: list[Shape] = []
        for raw in entries:
            try:
                found.append(read_as(shape, raw))
            except Malformed as error:
                self.bad_items.append(bad_item(error.message, raw))
        if len(entries) > _FEW and not found:
            raise Malformed("None of the entries can be read.", hint=_IS_IT, subject=self._at)
        return found

    @property
    def _at(self) -> str:
        return self._server.base_url


def _hit(told: _Notification) -> Hit:
    title = told.data.topic_title or told.fancy_title
    return Hit(as_utc(told.created_at), told.path, title, told.data.original_post_id)


def _list(entries: Any, subject: str) -> Sequence[Any]:
    if isinstance(entries, list):
        return entries
    raise Malformed(
        "The answer holds no list of posts.",
        hint=_IS_IT,
        subject=subject,
    )


def _titles(topics: Any) -> dict[str, str]:
    listed = topics if isinstance(topics, list) else []
    found = [each for each in listed if isinstance(each, dict)]
    return {str(each.get("id")): str(each.get("title") or "") for each in found}

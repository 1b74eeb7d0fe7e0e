"""What a GitHub source is read as: one stream for each kind of thing, each with its own mark."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from earmark_core.clock import Clock, as_utc
from earmark_core.errors import Fault, Rejected, Unavailable
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.github.options import GitHubOptions
from earmark_listeners.channels.github.posts import comment_item, is_bot, issue_item
from earmark_listeners.channels.github.server import Server, stamp
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import AskBack, Back
from earmark_listeners.newest_first import Deleted, Page, Read, Walk, read_mark, write_mark
from earmark_listeners.wire import moment_in

_PER_PAGE: Final = "100"
_WALL: Final = 1_000
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(slots=True)
class Place:
    """What the streams of one poll share."""

    server: Server
    options: GitHubOptions
    clock: Clock
    own: frozenset[str]

    def walk(self, stream: "Stream") -> Walk:
        """Gives how a stream is walked."""
        return Walk(
            stream.ask, stream.read, self.clock, self.server.base_url,
            overlap=timedelta(minutes=self.options.overlap_minutes),
            max_pages=self.options.max_pages,
            moment=lambda item: stream.moved.get(item.external_id),
            pause=lambda: self.server.api.pause,
        )  # fmt: skip

    def back(self, ask: AskBack, read: Read, **more: Any) -> Back:
        """Gives how a stream is walked back."""
        api = self.server.api
        return Back(ask, read, self.server.base_url, pause=lambda: api.pause, **more)

    def reached(self, stream: "Stream", batch: Batch) -> Batch:
        """Gives the batch with a mark that has passed what was passed over, too.

        Else a repository where bots or pull requests fill all pages would be read from the same
        place for ever. Where pages are left, the next poll goes on right there, without overlap.
        """
        if batch.cursor is None or not stream.moved:
            return batch
        latest = min(max(stream.moved.values()), self.clock())
        if stream.is_onward and batch.state is WindowState.truncated:
            latest += timedelta(minutes=self.options.overlap_minutes)
        mark = read_mark(batch.cursor, self.server.base_url)
        return replace(batch, cursor=write_mark(max(latest, mark or latest)))

    def kept(self, item: Item, kind: str) -> Item | None:
        """Gives the item, marked where it is ours; None for a bot's, unless bots are heard."""
        if is_bot(item, kind) and not self.options.bots:
            return None
        is_own = item.author is not None and item.author.handle.lower() in self.own
        return replace(item, is_own=True) if is_own else item


class Stream(Protocol):
    """One kind of thing, listed by when it changed; `moved` is that moment of each item read.

    `is_onward` says that it is listed from the mark on, not from now back.
    """

    name: str
    is_onward: bool
    moved: dict[str, datetime]

    async def ask(self, token: str, floor: datetime | None) -> Page:
        """Gives a page; see `newest_first.Ask`."""
        ...

    def read(self, raw: Any) -> Item | Deleted | None:
        """Gives an entry as an item; see `newest_first.Read`."""
        ...

    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what changed since."""
        ...

    def back(self) -> Back:
        """Gives how it is walked through an earlier stretch of time."""
        ...


class Listed:
    """Issues, or comments, of one repository, in the order in which they changed.

    GitHub numbers its pages by place, and a thing that changes while they are read moves to the
    end, by which another slips to a page that was read before. So the next page is asked for by
    the moment where this one ended; only where a whole page changed in one second, by its place.
    """

    def __init__(self, place: Place, what: str) -> None:
        self._place = place
        self._path = f"/repos/{place.options.repository}/{what}"
        self._is_comments = what.endswith("comments")
        self.is_onward = False
        self.moved: dict[str, datetime] = {}
        self.name = f"{what} of {place.options.repository.lower()}"

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what changed since; the first time the newest page."""
        walk = self._place.walk(self)
        self.is_onward = since is not None
        async for batch in walk.oldest_first(since) if since else walk.newest_first(None):
            yield self._place.reached(self, batch)

    async def ask(self, token: str, floor: datetime | None) -> Page:
        """Gives a page from the moment, or from the address, that *token* names."""
        asked = token or (stamp(floor) if floor else "")
        try:
            entries, address = await self._page(asked)
        except Rejected as error:
            if error.fault is Fault.not_found:
                error.hint = "Check owner/name; a private repository needs a token that may see it."
            raise
        changed = [_changed(raw) for raw in entries]
        spans = floor is not None and "" not in changed and len(set(changed)) > 1
        return Page(entries, max(changed) if spans and address else address)

    def back(self) -> Back:
        """Gives the list by when a thing was made, of those that changed since the start."""

        async def ask(token: str, start: datetime, _until: datetime) -> Page:
            params = {"sort": "created", "direction": "desc", "per_page": _PER_PAGE,
                      "since": stamp(start)}  # fmt: skip
            if not self._is_comments:
                params["state"] = "all"
            asked = (token, None) if token else (self._path, params)
            entries, following = await self._place.server.listed(*asked)
            return Page(entries, following)

        return self._place.back(ask, self.read, when=lambda raw: moment_in(raw, "created_at"))

    async def _page(self, asked: str) -> tuple[list[Any], str]:
        if "/" in asked:
            entries, address = await self._place.server.listed(asked)
        else:
            params = {"sort": "updated", "direction": "asc" if asked else "desc",
                      "per_page": _PER_PAGE}  # fmt: skip
            if not self._is_comments:
                params["state"] = "all"
            if asked:
                params["since"] = asked
            entries, address = await self._place.server.listed(self._path, params)
        return list(entries), address

    def read(self, raw: Any) -> Item | None:
        """Gives an issue or a comment."""
        if self._is_comments:
            item, comment = comment_item(raw)
            kind, moved = comment.user.type if comment.user else "", comment.updated_at
            is_of_pull = "/pull/" in comment.html_url
        else:
            item, issue = issue_item(raw)
            kind, moved = issue.user.type if issue.user else "", issue.updated_at
            is_of_pull = issue.pull_request is not None
        self.moved[item.external_id] = as_utc(moved)
        if is_of_pull and not self._place.options.pull_requests:
            return None
        return self._place.kept(item, kind)


class Found:
    """A search over all of GitHub, the last changed first.

    The search gives 1,000 at most, and may give up before it has looked everywhere: then the mark
    stays, and the next poll asks for the same time again.
    """

    is_onward = False

    def __init__(self, place: Place, kind: str) -> None:
        self._place = place
        self._terms = f"{place.options.query.strip()} is:{kind}"
        if " in:" not in self._terms:
            self._terms += " in:title,body"
        self.moved: dict[str, datetime] = {}
        self._is_incomplete = False
        self._lost = 0
        self.name = f"search for {kind}"

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what changed since, oldest page first."""
        walk = self._place.walk(self)
        async for batch in walk.newest_first(since):
            yield self._judged(self._place.reached(self, batch), is_first=since is None)

    async def ask(self, token: str, floor: datetime | None) -> Page:
        """Gives a page of the search."""
        params: dict[str, str] | None = None
        if not token:
            since = f" updated:>={stamp(floor)}" if floor else ""
            params = {"q": self._terms + since, "sort": "updated", "order": "desc",
                      "per_page": _PER_PAGE}  # fmt: skip
        said, following = await self._place.server.page(token or "/search/issues", params)
        entries, whole = self._place.server.api.listed(said, "items")
        self._is_incomplete |= whole.get("incomplete_results") is True
        total = whole.get("total_count")
        if not following and isinstance(total, int) and total > _WALL:
            self._lost = total - _WALL
        return Page(entries, following)

    def read(self, raw: Any) -> Item | None:
        """Gives an issue or a pull request."""
        item, issue = issue_item(raw)
        self.moved[item.external_id] = as_utc(issue.updated_at)
        return self._place.kept(item, issue.user.type if issue.user else "")

    def back(self) -> Back:
        """Gives a search for what was made in a stretch, the last first."""
        return self._place.back(
            self._between, self.read, is_bounded=True,
            when=lambda raw: moment_in(raw, "created_at"),
        )  # fmt: skip

    async def _between(self, token: str, start: datetime, until: datetime) -> Page:
        last = until - timedelta(seconds=0 if until.microsecond else 1)
        params = {"q": f"{self._terms} created:{stamp(start)}..{stamp(last)}", "sort": "created",
                  "order": "desc", "per_page": _PER_PAGE}  # fmt: skip
        asked = (token, None) if token else ("/search/issues", params)
        said, following = await self._place.server.page(*asked)
        entries, whole = self._place.server.api.listed(said, "items")
        if whole.get("incomplete_results") is True:
            raise Unavailable(
                "GitHub's search gave up before it had looked everywhere.",
                subject=self._place.server.base_url,
            )
        total = whole.get("total_count")
        is_cut = not following and isinstance(total, int) and total > _WALL
        return Page(entries, following, f"the search gives {_WALL} hits" if is_cut else "")

    def _judged(self, batch: Batch, *, is_first: bool) -> Batch:
        if self._is_incomplete:
            note = "GitHub's search gave up before it had looked everywhere; it is asked again"
            return replace(batch, cursor=None, state=WindowState.truncated, note=note)
        if self._lost and not is_first:
            note = f"the search gives {_WALL} hits, {self._lost} more were not heard"
            heard = min(self.moved.values(), default=None)
            return replace(batch, state=WindowState.truncated, note=note, covers_from=heard)
        return batch


def _changed(raw: Any) -> str:
    """Gives when an entry changed, as it is written: the form sorts by time."""
    changed = raw.get("updated_at") if isinstance(raw, dict) else None
    is_stamp = isinstance(changed, str) and _STAMP.fullmatch(changed)
    return str(changed) if is_stamp else ""

"""GDELT DOC 2.0: a search over the world's news, by headline. Read only.

The search has no pages: it gives the newest 250 articles of a span of time. Where as many came,
the next poll asks for what lies before the oldest of them, until the span is read to its end.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from pydantic import Field

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, Unavailable
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_core.redact import redact
from earmark_core.text import clean
from earmark_listeners.channels.gdelt.articles import to_item
from earmark_listeners.contract import Batch, ChannelOptions, ChannelRules, Listener
from earmark_listeners.going_back import Back, Reach
from earmark_listeners.newest_first import Page, unreadable_place
from earmark_listeners.wire import bad_item

_FORM: Final = "%Y%m%d%H%M%S"
_BETWEEN: Final = timedelta(seconds=5)  # what GDELT asks to be left between two calls
_SHORTEST: Final = timedelta(minutes=15)  # the shortest span it takes, and its step of time
_FURTHEST: Final = timedelta(days=85)  # it keeps three months
_FEW: Final = 2
_TURN: Final = "gdelt asked at"
_BAD_ESCAPE: Final = re.compile(rb'\\(?!["\\/bfnrtu])')
_SLOWER: Final = re.compile(r"limit requests|one every|too many|per second", re.IGNORECASE)
_ABOUT_QUERY: Final = re.compile(
    r"query|phrase|keyword|parenthes|operator|timespan|too short|too long|syntax|invalid",
    re.IGNORECASE,
)


class GdeltOptions(ChannelOptions):
    """Options of a GDELT source."""

    query: str = Field(
        min_length=2,
        max_length=500,
        description='what to search for, such as "acme air" sourcelang:english',
    )
    first_hours: int = Field(
        default=24, ge=1, le=720, description="hours of history that the first poll reads"
    )
    overlap_minutes: int = Field(
        default=120, ge=15, le=10_080, description="how far each poll looks back again"
    )
    max_records: int = Field(default=250, ge=10, le=250, description="articles per poll at most")
    base_url: str = Field(
        default="https://api.gdeltproject.org",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the search",
    )


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to when all was heard; and while a span is read, where its rest ends, and its newest."""

    after: datetime
    until: datetime | None = None
    newest: datetime | None = None

    def cursor(self) -> Cursor:
        moments = {"after": self.after, "until": self.until, "newest": self.newest}
        return Cursor(json.dumps({key: at.isoformat() for key, at in moments.items() if at}))


class Gdelt(Listener[GdeltOptions]):
    """Watches a search of the world's news; articles are answered by hand."""

    channel: ClassVar[str] = "gdelt"
    summary: ClassVar[str] = "News articles in 65 languages that GDELT has seen, by headline"
    options_type: ClassVar[type[GdeltOptions]] = GdeltOptions
    collects: ClassVar[tuple[str, ...]] = ("articles",)
    cannot: ClassVar[str] = (
        "an article's text and its own date (the time is when GDELT saw it); comments; more than "
        "250 articles seen in the same quarter of an hour; what was edited or taken away"
    )
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        default_interval_seconds=900,
        min_interval_seconds=300,
        note="Open the article and answer there.",
    )

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields the articles of one span of time, oldest first; one request per poll."""
        mark, now = _read_cursor(since), self.clock()
        start = mark.after - self._overlap if mark else now - self._first
        end = mark.until if mark and mark.until else now
        is_old = start < now - _FURTHEST
        start = max(start, now - _FURTHEST)
        articles = await self._ask(start, max(end, start + _SHORTEST))
        items, bad_items = self._read(articles)
        seen = [item.published_at for item in items if item.published_at]
        newest = max([*seen, *_known(mark)], default=now)
        newest = min(newest, now)
        is_full = len(articles) >= self.options.max_records and bool(seen)
        if mark is None or not is_full or min(seen) < mark.after:
            # What is cut of the overlap was heard before.
            note = "GDELT keeps three months; what is older was not heard" if is_old else ""
            after = _Mark(newest)
        else:
            after, note = _onward(mark, seen, newest, end)
        yield Batch(
            items=items,
            cursor=after.cursor(),
            bad_items=bad_items,
            state=WindowState.truncated if note else WindowState.complete,
            covers_from=min(seen, default=start) if note or is_full else start,
            note=note,
        )

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the articles of a stretch within the three months that GDELT keeps.

        Where as many came as are given at once, what lies before the oldest is asked for next.
        """

        async def ask(_token: str, first: datetime, until: datetime) -> Page:
            articles = await self._ask(first, max(until, first + _SHORTEST))
            is_full = len(articles) >= self.options.max_records
            return Page(articles, wall=f"more than {len(articles)} articles at once" * is_full)

        reach = Reach(self.clock() - _FURTHEST, "GDELT keeps three months")
        walk = Back(
            ask, to_item, self.options.base_url, is_bounded=True, reach=reach,
            pause=lambda: _BETWEEN,
        )  # fmt: skip
        return walk.pages(start, end, since)

    @property
    def _overlap(self) -> timedelta:
        return timedelta(minutes=self.options.overlap_minutes)

    @property
    def _first(self) -> timedelta:
        return timedelta(hours=self.options.first_hours)

    async def _ask(self, start: datetime, end: datetime) -> Sequence[Any]:
        self._take_turn()
        base_url = self.options.base_url
        answer = await self.fetch.get(
            f"{base_url}/api/v2/doc/doc",
            params={
                "query": self.options.query,
                "mode": "ArtList",
                "format": "json",
                "sort": "DateDesc",
                "maxrecords": str(self.options.max_records),
                "startdatetime": f"{start.astimezone(UTC):{_FORM}}",
                "enddatetime": f"{end.astimezone(UTC):{_FORM}}",
            },
            headers={"Accept": "application/json"},
        )
        said = _decoded(answer.checked(base_url), base_url)
        if said == {}:
            return ()
        articles = said.get("articles") if isinstance(said, dict) else None
        if not isinstance(articles, list):
            raise Malformed("The answer holds no articles.", subject=base_url)
        return articles

    def _take_turn(self) -> None:
        """Keeps 5 seconds between any two calls of this process, whichever source makes them."""
        now = self.clock()
        last = self.wiring.memory.get(_TURN)
        if isinstance(last, datetime) and timedelta() <= now - last < _BETWEEN:
            raise Unavailable(
                "Another source asked GDELT a moment ago.",
                retry_after=_BETWEEN - (now - last),
                rate_limited=True,
                subject=self.options.base_url,
            )
        self.wiring.memory[_TURN] = now

    def _read(self, articles: Sequence[Any]) -> tuple[tuple[Item, ...], tuple[BadItem, ...]]:
        items: dict[str, Item] = {}
        bad_items: list[BadItem] = []
        for raw in articles:
            try:
                item = to_item(raw)
            except Malformed as error:
                bad_items.append(bad_item(error.message, raw))
            else:
                items.setdefault(item.external_id, item)
        if len(bad_items) > _FEW and not items:
            raise Malformed("None of the articles can be read.", subject=self.options.base_url)
        ordered = sorted(items.values(), key=lambda item: (str(item.published_at), item.url))
        return tuple(ordered), tuple(bad_items)


def _onward(
    mark: _Mark, seen: Sequence[datetime], newest: datetime, end: datetime
) -> tuple[_Mark, str]:
    """Gives where the next poll goes on, and in words why.

    Time goes in steps of 15 minutes: the oldest step may be cut, so it is asked for again, unless
    nothing else came.
    """
    oldest = min(seen)
    until = oldest + timedelta(seconds=1)
    if until >= end or oldest == max(seen):
        note = f"more than {len(seen)} articles in a quarter of an hour, of which these were heard"
        return _Mark(mark.after, oldest - timedelta(seconds=1), newest), note
    note = f"more than {len(seen)} articles; what is older is asked for by the next poll"
    return _Mark(mark.after, until, newest), note


def _known(mark: _Mark | None) -> list[datetime]:
    return [at for at in (mark.after, mark.newest) if at] if mark else []


def _decoded(answer: Answer, base_url: str) -> Any:
    """Gives the JSON of an answer; GDELT says what is wrong in a sentence, with HTTP 200."""
    body = answer.body.strip()
    if body and body[:1] not in b'{[<"' and body != b"null":
        raise _complaint(clean(redact(body[:500].decode("utf-8", "replace")), limit=200), base_url)
    try:
        return answer.json()
    except Malformed:
        # Headlines come with control characters, and with backslashes that escape nothing.
        mended = _BAD_ESCAPE.sub(rb"\\\\", body).decode("utf-8", "replace")
        try:
            return json.loads(mended, strict=False)
        except (ValueError, RecursionError):
            pass
        raise


def _complaint(said: str, base_url: str) -> Rejected | Unavailable:
    words = said.rstrip(".")
    if _SLOWER.search(said):
        message = f"GDELT wants fewer requests: {words}."
        return Unavailable(message, rate_limited=True, subject=base_url)
    if _ABOUT_QUERY.search(said):
        return Rejected(
            f"GDELT does not take the query: {words}.",
            fault=Fault.invalid,
            hint="Change the query of this source; very short words are refused.",
            subject=base_url,
        )
    return Unavailable(f"GDELT cannot answer now: {words}.", subject=base_url)


def _read_cursor(since: Cursor | None) -> _Mark | None:
    if since is None:
        return None
    try:
        said = json.loads(since)
        moments = {key: as_utc(datetime.fromisoformat(at)) for key, at in said.items()}
        return _Mark(**moments)
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise unreadable_place("gdelt", "it then begins at the newest articles.") from None

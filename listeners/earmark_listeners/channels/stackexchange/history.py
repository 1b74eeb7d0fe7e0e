"""What was said on a site in an earlier stretch of time.

Questions are asked for by their last activity, the last first: an answer moves its question, so
that every question with something new in the stretch stands behind the stretch's start, whenever
it was asked itself. A comment moves nothing: those below posts that have rested since are missed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from earmark_core.errors import Malformed
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.stackexchange.options import StackExchangeOptions
from earmark_listeners.channels.stackexchange.posts import Question, Site, moment
from earmark_listeners.channels.stackexchange.server import Server
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Page
from earmark_listeners.wire import read_as

_SHORT: Final = "there were more answers or comments below some questions than could be read"

Search = Callable[..., Awaitable[tuple[Sequence[Any], bool]]]


class History:
    """Walks one source back; an entry of a page is what, as it came, and the question's activity.

    The next page is asked for by the activity where this one ended, because the site gives no more
    than 25 pages to one question; only where all of a page moved in one second, by its number.
    """

    def __init__(
        self, server: Server, options: StackExchangeOptions, search: Search, site: Site
    ) -> None:
        self._server = server
        self._options = options
        self._search = search
        self._site = site

    async def pages(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the pages of a stretch, the newest first."""
        span = {"fromdate": f"{start.timestamp():.0f}", "todate": f"{end.timestamp():.0f}"}

        async def ask(token: str, first: datetime, _until: datetime) -> Page:
            return await self._page(token, f"{first.timestamp():.0f}", span)

        walk = Back(
            ask, self._read, "stackexchange", when=_moved_at,
            moment=lambda _: None, pause=lambda: self._server.pause,
        )  # fmt: skip
        async for batch in walk.pages(start, end, since):
            if self._server.is_short and not batch.note:
                yield replace(batch, state=WindowState.truncated, note=_SHORT)
            else:
                yield batch

    async def _page(self, token: str, least: str, span: Mapping[str, str]) -> Page:
        self._server.pause, self._server.is_short = None, False
        most, _, number = token.partition(":")
        asked = {"max": most} if most else {}
        raws, has_more = await self._search(order="desc", min=least, page=number or "1", **asked)
        questions = [_entry("question", raw, _active(raw)) for raw in raws]
        known = [entry["active"] for entry in questions if entry["active"] is not None]
        # What the page reaches back to is told by its last entry: that is a question.
        entries = [*await self._below(questions, span), *questions]
        if not has_more or not known:
            return Page(entries)
        is_one_second = str(known[-1]) == (most or str(known[0]))
        onward = int(number or 1) + 1 if is_one_second else 1
        return Page(entries, f"{known[-1]}:{onward}")

    async def _below(
        self, questions: Sequence[dict[str, Any]], span: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Gives the answers and comments of the stretch, each placed where its question is."""
        readable = [entry for entry in questions if entry["active"] is not None]
        above = {str(entry["raw"]["question_id"]): entry for entry in readable}
        posts = {name: name for name in above}
        answered = [name for name, entry in above.items() if entry["raw"].get("answer_count")]
        found: list[dict[str, Any]] = []
        if self._options.with_answers and answered:
            raws = await self._server.below(answered, "answers", sort="creation", **span)
            found += [
                _entry("answer", raw, None, above.get(_id(raw, "question_id"))) for raw in raws
            ]
            posts |= {_id(raw, "answer_id"): _id(raw, "question_id") for raw in raws}
        posts.pop("", None)
        if self._options.with_comments and posts:
            raws = await self._server.below(list(posts), "comments", sort="creation", **span)
            for raw in raws:
                question = posts.get(_id(raw, "post_id"), "")
                found.append(_entry("comment", raw, None, above.get(question)))
        return found

    def _read(self, entry: Mapping[str, Any]) -> Item:
        what, raw = entry["what"], entry["raw"]
        if what == "answer":
            return self._site.answer(raw, entry["title"])
        if what == "comment":
            return self._site.comment(raw, entry["question"] or _id(raw, "post_id"))
        return self._site.question(raw)


def _moved_at(entry: Mapping[str, Any]) -> datetime | None:
    return moment(entry["active"]) if entry["active"] is not None else None


def _entry(
    what: str, raw: Any, active: int | None, question: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Gives what a page holds: a post as it came, and what is known of its question."""
    above = question["raw"] if question else {}
    return {
        "what": what, "raw": raw, "active": question["active"] if question else active,
        "question": _id(above, "question_id"), "title": str(above.get("title") or ""),
    }  # fmt: skip


def _id(raw: Any, key: str) -> str:
    return str(raw.get(key) or "") if isinstance(raw, dict) else ""


def _active(raw: Any) -> int | None:
    """Gives when a question moved last; None for one that cannot be read."""
    try:
        question = read_as(Question, raw)
        moment(question.last_activity_date)
    except Malformed:
        return None
    return question.last_activity_date

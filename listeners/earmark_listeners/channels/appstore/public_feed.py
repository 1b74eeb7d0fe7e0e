"""The public list of an app's reviews in one country's store.

It is known to answer with an empty list, or an old one, now and then, differently for each form
of its address. So an empty list is asked for again in two other forms, and is never taken for
"no reviews" where there were some. What its own links say of pages is not followed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from xml.etree import ElementTree

from pydantic import BeforeValidator, Field

from earmark_core.errors import Malformed, Rejected, Unavailable
from earmark_core.fetch import Fetcher
from earmark_core.model import Author, Item, WindowState
from earmark_listeners.api import Api
from earmark_listeners.channels.appstore.options import AppStoreOptions
from earmark_listeners.contract import Batch
from earmark_listeners.feeds.dates import read_date
from earmark_listeners.feeds.refuse import refuse_declarations
from earmark_listeners.newest_first import Page
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

PER_PAGE = 50
_PAGES = 10
_FORMS = (
    "page={page}/id={app}/sortby=mostrecent/{kind}",
    "id={app}/sortBy=mostRecent/page={page}/{kind}",
)
_ATOM = "{http://www.w3.org/2005/Atom}"
_IM = "{http://itunes.apple.com/rss}"
_CHECK = "Check app_id, the number of the app, and country, where it must be in the store."
_NUMBER = re.compile(r"/id(\d+)$", re.ASCII)

Entry = Mapping[str, Any]


def _label(value: object) -> object:
    return value.get("label") if isinstance(value, dict) else value


def _count(value: object) -> object:
    label = _label(value)
    return label if isinstance(label, str) and re.fullmatch(r"-?[0-9]{1,9}", label) else None


Label = Annotated[Word, BeforeValidator(_label)]
Count = Annotated[int | None, BeforeValidator(_count)]


class _Author(Wire):
    name: Label = ""
    uri: Label = ""


class _Review(Wire):
    id: Annotated[Id, BeforeValidator(_label)]
    rating: Annotated[int, BeforeValidator(_label), Field(ge=1, le=5, alias="im:rating")]
    title: Label = ""
    content: Label = ""
    updated: Label = ""
    author: _Author = _Author()
    votes: Count = Field(default=None, alias="im:voteCount")
    vote_sum: Count = Field(default=None, alias="im:voteSum")


class PublicFeed:
    """Reads the reviews of one app in one country."""

    def __init__(self, options: AppStoreOptions, fetch: Fetcher) -> None:
        self.api = Api(fetch, options.feed_url)
        self._options = options
        self._last_count = PER_PAGE
        self._heard = 0
        self._oldest: datetime | None = None
        self._note = ""

    async def page(self, token: str, floor: datetime | None) -> Page:
        """Gives 50 reviews; *token* is the number of the page.

        Raises `Unavailable` for an empty first page where there were reviews before.
        """
        number = int(token or "1")
        entries = await self._entries(number)
        if not entries and number == 1 and floor is not None:
            raise Unavailable(
                "The store gave an empty list, although it had reviews before.",
                hint="It does so at times. If it lasts, look whether the app is still in the store "
                "of this country.",
                subject=self.api.base_url,
            )
        if not entries and self._last_count >= PER_PAGE and floor is not None:
            self._note = f"page {number} was empty, behind a full one"
        self._last_count = len(entries)
        self._heard += len(entries)
        return Page(entries, str(number + 1) if entries else "")

    def walled(self, page: Page, token: str) -> Page:
        """Gives a page as the last one where the list ends, which is no end of the reviews."""
        if int(token or "1") >= _PAGES and page.entries:
            return Page(
                page.entries, wall=f"the store shows the newest {_PAGES * PER_PAGE} reviews"
            )
        return page if page.entries else Page((), wall=self._note)

    def item(self, raw: Any) -> Item:
        """Gives a review as an item."""
        review = read_as(_Review, raw)
        options, author = self._options, review.author
        number = _NUMBER.search(author.uri)
        published_at = read_date(review.updated)
        if published_at is not None:
            self._oldest = min(self._oldest or published_at, published_at)
        counts = {"votes": review.votes, "vote_sum": review.vote_sum}
        page = f"https://apps.apple.com/{options.country}/app/id{options.app_id}?see-all=reviews"
        return Item(
            external_id=review.id,
            kind="review",
            title=review.title,
            text=review.content,
            url=page,  # a review has no page of its own
            uri=f"appstore:review:{review.id}",
            author=Author(number[1] if number else author.name, name=author.name, url=author.uri)
            if author.name or number
            else None,
            rating=review.rating,
            published_at=published_at,
            thread_id=review.id,
            metrics={name: count for name, count in counts.items() if count is not None},
            raw=raw_text(raw),
        )

    def completed(self, batch: Batch) -> Batch:
        """Gives the batch with what the list did not show.

        Where there were no reviews at all, no place is kept: the next poll is a first one again.
        """
        if self._note:
            note, oldest = batch.note or self._note, self._oldest
            batch = replace(batch, state=WindowState.truncated, note=note, covers_from=oldest)
        if not self._heard and batch.cursor is not None:
            batch = replace(batch, cursor=None, note="the store lists no reviews in this country")
        return batch

    async def _entries(self, number: int) -> Sequence[Entry]:
        entries = await self._by_json(number, _FORMS[0])
        if not entries and self._last_count >= PER_PAGE:
            entries = await self._by_json(number, _FORMS[1]) or await self._by_xml(number)
        if any(_is_undated(entry) for entry in entries):
            return await self._dated(number, entries)
        return entries

    async def _dated(self, number: int, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Gives the entries with the dates that the JSON of some years lacks, from the XML."""
        try:
            dates = {_id(entry): entry.get("updated") for entry in await self._by_xml(number)}
        except (Malformed, Unavailable) as error:
            if isinstance(error, Unavailable) and error.rate_limited:
                raise
            return entries
        return [
            {**entry, "updated": dates[_id(entry)]}
            if _is_undated(entry) and dates.get(_id(entry))
            else entry
            for entry in entries
        ]

    async def _by_json(self, number: int, form: str) -> Sequence[Entry]:
        try:
            said = await self.api.get(self._path(form, number, "json"))
        except Rejected as error:
            raise Rejected(
                error.message, fault=error.fault, hint=_CHECK, subject=error.subject
            ) from None
        feed = said.get("feed") if isinstance(said, dict) else None
        found = feed.get("entry", []) if isinstance(feed, dict) else None
        # One review comes as an object, none as nothing at all.
        listed = [found] if isinstance(found, dict) else found
        if not isinstance(listed, list):
            raise self._malformed()
        return [each for each in listed if not _is_the_app(each)]

    async def _by_xml(self, number: int) -> Sequence[Entry]:
        path = self._path(_FORMS[0], number, "xml")
        accept = {"Accept": "application/atom+xml, application/xml"}
        answer = await self.api.call("GET", path, headers=accept)
        text = answer.checked(self.api.base_url).body.decode("utf-8", "replace")
        refuse_declarations(text)
        try:
            root = ElementTree.fromstring(text.lstrip())  # noqa: S314 - declarations are refused
        except (ElementTree.ParseError, ValueError):
            raise self._malformed() from None
        if root.tag != f"{_ATOM}feed":
            raise self._malformed()
        entries = map(_of_xml, root.findall(f"{_ATOM}entry"))
        return [entry for entry in entries if not _is_the_app(entry)]

    def _path(self, form: str, number: int, kind: str) -> str:
        rest = form.format(page=number, app=self._options.app_id, kind=kind)
        return f"/{self._options.country}/rss/customerreviews/{rest}"

    def _malformed(self) -> Malformed:
        return Malformed(
            "The answer is no list of reviews.",
            hint=_CHECK,
            subject=self.api.base_url,
        )


def _is_the_app(entry: Any) -> bool:
    """Tells the entry about the app itself, which older answers begin with."""
    return isinstance(entry, dict) and "im:name" in entry and "im:rating" not in entry


def _is_undated(entry: Any) -> bool:
    return isinstance(entry, dict) and "updated" not in entry


def _id(entry: Entry) -> str:
    return str(_label(entry.get("id")))


def _of_xml(element: ElementTree.Element) -> Entry:
    """Gives an entry of the XML in the form of the JSON."""
    found: dict[str, Any] = {}
    for child in element:
        name = child.tag.replace(_ATOM, "").replace(_IM, "im:")
        if name == "author":
            found[name] = {
                key: {"label": child.findtext(f"{_ATOM}{key}") or ""} for key in ("name", "uri")
            }
        elif name != "content" or child.get("type", "text") == "text":
            found.setdefault(name, {"label": child.text or ""})
    return found

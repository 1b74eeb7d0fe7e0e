"""One review on Trustpilot as an item, and the company's reply to it as another.

What the private interface tells beyond the public one (e-mail, order number) is never kept: only
the fields named here leave this file, in items as in what could not be read.
"""

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from pydantic import Field

from earmark_core.clock import as_utc
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text

_KEPT: Final = (
    "id", "stars", "title", "text", "language", "createdAt", "updatedAt", "numberOfLikes",
    "isVerified", "status",
)  # fmt: skip
_KEPT_WITHIN: Final = {
    "consumer": ("id", "displayName"),
    "companyReply": ("text", "createdAt", "updatedAt"),
    "reportData": ("reviewVisibility",),
}


class Consumer(Wire):
    """Who wrote a review."""

    id: Word = ""
    displayName: Word = ""


class Reply(Wire):
    """The company's reply."""

    text: Word = ""
    createdAt: datetime | None = None
    updatedAt: datetime | None = None


class Report(Wire):
    """What became of a complaint about a review."""

    reviewVisibility: Word = ""


class Review(Wire):
    """A review, by either interface."""

    id: Id
    stars: int | None = Field(default=None, ge=1, le=5)
    title: Word = ""
    text: Word = ""
    language: Word = ""
    createdAt: datetime
    updatedAt: datetime | None = None
    consumer: Consumer | None = None
    companyReply: Reply | None = None
    reportData: Report | None = None
    numberOfLikes: int | None = None

    @property
    def edited_at(self) -> datetime | None:
        """When it was changed, None if it never was."""
        if self.updatedAt is None or as_utc(self.updatedAt) <= as_utc(self.createdAt):
            return None
        return as_utc(self.updatedAt)

    @property
    def reply(self) -> Reply | None:
        """The company's reply, None where there is none."""
        return self.companyReply if self.companyReply and self.companyReply.text else None

    @property
    def is_hidden(self) -> bool:
        """Whether Trustpilot took it off the page while a report is looked at."""
        return self.reportData is not None and self.reportData.reviewVisibility == "hidden"


def to_item(review: Review, raw: Any, site: str) -> Item:
    """Gives a review as an item; *raw* is its `public_part`."""
    who, likes = review.consumer, review.numberOfLikes
    return Item(
        external_id=review.id,
        kind="review",
        title=review.title,
        text=review.text,
        url=page_of(review.id, site),
        author=Author(who.id, name=who.displayName, url=f"{site}/users/{quote(who.id, safe='')}")
        if who and who.id
        else None,
        lang=review.language,
        rating=review.stars,
        published_at=as_utc(review.createdAt),
        edited_at=review.edited_at,
        thread_id=review.id,
        metrics={} if likes is None else {"likes": likes},
        reply_ref={"review_id": review.id},
        raw=raw_text(raw),
    )


def page_of(review_id: str, site: str) -> str:
    """Gives the address of a review's page."""
    return f"{site}/reviews/{quote(review_id, safe='')}"


def reply_id(review_id: str) -> str:
    """Gives the name of a review's one reply, which has none of its own."""
    return f"{review_id}:reply"


def own_reply(reply: Reply, review: Item) -> Item:
    """Gives our reply to a review as an item."""
    said_at, changed_at = reply.createdAt, reply.updatedAt
    is_edited = changed_at is not None and changed_at != said_at
    return Item(
        external_id=reply_id(review.external_id),
        kind="reply",
        text=reply.text,
        url=review.url,
        uri=f"trustpilot:{reply_id(review.external_id)}",
        published_at=as_utc(said_at) if said_at else None,
        edited_at=as_utc(changed_at) if changed_at and is_edited else None,
        thread_id=review.external_id,
        parent_id=review.external_id,
        is_own=True,
    )


def public_part(raw: Any) -> Any:
    """Gives an entry without what is about the person and not needed."""
    if not isinstance(raw, dict):
        return raw
    kept = {key: raw[key] for key in _KEPT if key in raw}
    for name, wanted in _KEPT_WITHIN.items():
        inner = raw.get(name)
        if isinstance(inner, dict):
            kept[name] = {key: inner[key] for key in wanted if key in inner}
    return kept

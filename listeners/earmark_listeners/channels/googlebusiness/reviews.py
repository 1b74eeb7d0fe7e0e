"""A review as Google Business Profile gives it, and what we make of it."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_listeners.google import with_answers
from earmark_listeners.wire import Wire, Word, read_as

STARS: Final = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_TRANSLATED: Final = re.compile(r"^\(Translated by Google\)", re.MULTILINE)
_ORIGINAL: Final = re.compile(r"^\(Original\)", re.MULTILINE)


class Reviewer(Wire):
    """Who wrote it, as far as Google says."""

    displayName: Word = ""


class Reply(Wire):
    """The reply below a review."""

    comment: Word = ""
    updateTime: datetime | None = None
    reviewReplyState: Word = ""
    policyViolation: object = None


class Review(Wire):
    """A review with its reply."""

    name: Word = ""
    reviewId: Word = ""
    reviewer: Reviewer | None = None
    starRating: Word = ""
    comment: Word = ""
    createTime: datetime
    updateTime: datetime | None = None
    reviewReply: Reply | None = None
    reviewReplyUrl: Word = ""

    @property
    def id(self) -> str:
        """Google's id of the review; raises `Malformed` where there is none."""
        found = self.reviewId or self.name.rpartition("/")[2]
        if not found:
            raise Malformed("reviewId: there is none")
        return found

    @property
    def changed_at(self) -> datetime:
        """When it was written or last edited."""
        return as_utc(self.updateTime or self.createTime)

    @property
    def answer(self) -> Reply | None:
        """The reply that stands below the review; one that Google rejected does not."""
        reply = self.reviewReply
        is_shown = reply and reply.comment.strip() and reply.reviewReplyState != "REJECTED"
        return reply if is_shown else None


def entries_of(reviews: Sequence[Any]) -> Iterator[Any]:
    """Gives each review, followed by the reply below it as an entry of its own."""
    return with_answers(reviews, _is_answered)


def _is_answered(raw: Any) -> bool:
    review = read_as(Review, raw)
    return bool(review.id) and review.answer is not None


def reply_id(review: Review) -> str:
    """Gives the id of the one reply to a review, which has none at Google."""
    return f"{review.id}/reply"


def original(comment: str) -> str:
    """Gives what the customer wrote, without Google's translation before or after it."""
    mark = _TRANSLATED.search(comment)
    if mark is None:
        return comment
    written = comment[: mark.start()].strip()
    original = _ORIGINAL.search(comment, mark.end())
    return written or (comment[original.end() :].strip() if original else "") or comment

"""A review as Google Play gives it, and what we make of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_listeners.google import with_answers
from earmark_listeners.wire import Id, Wire, Word, read_as

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(Wire):
    """A time as Google writes it."""

    seconds: int  # a number in quotes, as JSON has 64 bits
    nanos: int = 0


class UserComment(Wire):
    """What the customer says."""

    text: Word = ""
    originalText: Word = ""
    lastModified: Moment | None = None
    starRating: int | None = Field(default=None, ge=1, le=5)
    reviewerLanguage: Word = ""
    thumbsUpCount: int | None = None
    thumbsDownCount: int | None = None


class DeveloperComment(Wire):
    """What our side answers."""

    text: Word = ""
    lastModified: Moment | None = None


class Comment(Wire):
    """One of the two."""

    userComment: UserComment | None = None
    developerComment: DeveloperComment | None = None


class Review(Wire):
    """A review with what was said in it."""

    reviewId: Id
    authorName: Word = ""
    comments: tuple[Comment, ...] = ()

    @property
    def said(self) -> UserComment:
        """What the customer says now; raises `Malformed` where there is nothing of theirs."""
        said = [each.userComment for each in self.comments if each.userComment]
        if not said:
            raise Malformed("comments: nothing of the customer's is in it")
        return max(said, key=lambda each: moment_of(each.lastModified) or _EPOCH)

    @property
    def answer(self) -> DeveloperComment | None:
        """Our side's answer, if there is one."""
        said = [each.developerComment for each in self.comments if each.developerComment]
        told = [each for each in said if each.text.strip()]
        return max(told, key=lambda each: moment_of(each.lastModified) or _EPOCH, default=None)

    @property
    def words(self) -> tuple[str, str]:
        """Title and text in the customer's own language; only some reviews have a title."""
        title, tab, text = (self.said.originalText or self.said.text).partition("\t")
        return (title.strip(), text) if tab else ("", title)


def moment_of(told: Moment | None) -> datetime | None:
    """Gives a time as Google writes it, to the microsecond; None where it does not say."""
    try:
        return (
            _EPOCH + timedelta(seconds=told.seconds, microseconds=told.nanos // 1_000)
            if told
            else None
        )
    except OverflowError:
        raise Malformed("lastModified is no moment of this calendar") from None


def entries_of(reviews: Sequence[Any]) -> Iterator[Any]:
    """Gives each review, followed by the answer below it as an entry of its own."""
    return with_answers(reviews, lambda raw: read_as(Review, raw).answer is not None)


def reply_id(review_id: str) -> str:
    """Gives the id of the one answer to a review, which has none at Google."""
    return f"{review_id}/reply"

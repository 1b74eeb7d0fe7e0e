"""One review on Steam as an item, and the developer's answer to it as another."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.channels.steam.bbcode import plain_text
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

# Steam's names for languages; the four from "brazilian" on say which of two is meant.
LANGUAGES: Final = {
    "arabic": "ar", "bulgarian": "bg", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el",
    "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja", "koreana": "ko",
    "korean": "ko", "malay": "ms", "norwegian": "no", "polish": "pl", "portuguese": "pt",
    "romanian": "ro", "russian": "ru", "spanish": "es", "swedish": "sv", "thai": "th",
    "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi",
    "brazilian": "pt-BR", "latam": "es-419", "schinese": "zh-CN", "tchinese": "zh-TW",
}  # fmt: skip
_OVERFLOW: Final = 2**31  # 4,294,967,295 people did not find it funny: a count below zero


def _count(value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _OVERFLOW
    return value if is_count else None


Count = Annotated[int | None, BeforeValidator(_count)]


class _Author(Wire):
    steamid: Id
    playtime_at_review: Count = None


class _Review(Wire):
    recommendationid: Id
    author: _Author
    language: Word = ""
    review: Word = ""
    timestamp_created: int
    timestamp_updated: int | None = None
    voted_up: bool
    votes_up: Count = None
    votes_funny: Count = None
    comment_count: Count = None
    developer_response: Word = ""
    timestamp_dev_responded: int | None = None


def to_items(raw: Any, app_id: str, site: str) -> tuple[Item, Item | None]:
    """Gives a review, and the developer's answer if it has one; raises `Malformed`.

    There are no stars: "Recommended" or "Not recommended" is the title, as on the page.
    """
    review = read_as(_Review, raw)
    published_at = _moment(review.timestamp_created)
    updated = review.timestamp_updated
    is_edited = updated is not None and updated > review.timestamp_created
    profile = f"{site}/profiles/{review.author.steamid}"
    counts = {
        "recommended": int(review.voted_up),
        "helpful": review.votes_up,
        "funny": review.votes_funny,
        "comments": review.comment_count,
        "minutes_played": review.author.playtime_at_review,
    }
    item = Item(
        external_id=review.recommendationid,
        kind="review",
        title="Recommended" if review.voted_up else "Not recommended",
        text=plain_text(review.review),
        url=f"{profile}/recommended/{app_id}/",
        author=Author(review.author.steamid, url=profile),
        lang=LANGUAGES.get(review.language, ""),
        published_at=published_at,
        edited_at=_moment(updated) if updated is not None and is_edited else None,
        thread_id=review.recommendationid,
        metrics={name: count for name, count in counts.items() if count is not None},
        raw=raw_text(raw),
    )
    return item, _answer(review, item) if review.developer_response else None


def _answer(review: _Review, item: Item) -> Item:
    said_at = review.timestamp_dev_responded
    name = f"{review.recommendationid}:response"
    return Item(
        external_id=name,
        kind="reply",
        text=plain_text(review.developer_response),
        url=item.url,
        uri=f"steam:review:{name}",
        published_at=_moment(said_at) if said_at is not None else None,
        thread_id=item.thread_id,
        parent_id=item.external_id,
        is_own=True,
    )


def _moment(seconds: int) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise Malformed("a time stamp is no moment of this calendar") from None

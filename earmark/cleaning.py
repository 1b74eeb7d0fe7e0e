"""Step 3: raw items become clean rows; nothing is matched or stored here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from earmark_core import text
from earmark_core.model import Item

_OLDEST = timedelta(days=365 * 25)
_AHEAD = timedelta(minutes=5)
RAW_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where items come from, as far as storing them needs to know."""

    source_id: int
    brand_id: int
    channel: str
    include: str = ""
    exclude: str = ""
    takes_all: bool = False
    is_history: bool = False
    name: str = ""


def prepare(items: Iterable[Item], place: Place, now: datetime) -> list[dict[str, Any]]:
    """Gives one row per external id, cleaned; of the same id twice on a page the later holds."""
    rows = {item.external_id: _row(item, place, now) for item in items if item.external_id}
    return list(rows.values())


def _row(item: Item, place: Place, now: datetime) -> dict[str, Any]:
    body = text.clean(item.text, is_html=item.is_html)
    title = text.clean(item.title, limit=500)
    author = item.author
    url = text.safe_link(item.url)
    return {
        "source_id": place.source_id,
        "external_id": text.clean(item.external_id, limit=2000),
        "channel": place.channel,
        "kind": item.kind,
        "uri": text.clean(item.uri, limit=2000) or text.canonical_url(url),
        "url": url,
        "title": title,
        "body": body,
        "identity": f"{place.channel}:{text.clean(author.id, limit=500)}" if author else "",
        "author_name": text.clean(author.name, limit=200) if author else "",
        "author_handle": text.clean(author.handle, limit=200) if author else "",
        "author_url": text.safe_link(author.url) if author else "",
        "author_followers": author.followers if author else None,
        "lang_hint": item.lang[:35],
        "rating": item.rating,
        "metrics": dict(item.metrics),
        "reply_ref": dict(item.reply_ref),
        "thread_key": text.clean(item.thread_id or item.uri or item.external_id, limit=2000),
        "parent_id": text.clean(item.parent_id, limit=2000),
        "published_at": item.published_at,
        "edited_at": item.edited_at,
        "seen_at": now,
        "happened_at": _believable(item.published_at, now),
        "content_hash": text.fingerprint(title, body, str(item.rating or "")),
        "is_history": place.is_history,
        "is_own": item.is_own,
        "raw": text.clean(item.raw, limit=RAW_LIMIT),
    }


def _believable(claimed: datetime | None, now: datetime) -> datetime:
    """Gives the claim unless it lies in the future or before the web; then the time it was seen."""
    if claimed is None or claimed > now + _AHEAD or claimed < now - _OLDEST:
        return now
    return min(claimed, now)

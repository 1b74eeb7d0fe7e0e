"""Mentions as files that a spreadsheet, a program, and our own import can read."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Any

from sqlmodel import col, select

from earmark.importing import FORMULA_SIGNS
from earmark_core.store import Store
from earmark_core.tables import Brand, Match, Mention

COLUMNS = (
    "external_id", "channel", "brand", "published_at", "seen_at", "author", "handle", "followers",
    "title", "text", "url", "rating", "lang", "status", "label", "compound", "p_neg", "p_neu",
    "p_pos", "model_id", "thread_id", "parent_id", "copy_group",
)  # fmt: skip
_PAGE = 500


def rows(store: Store, *, brand_id: int | None = None) -> Iterator[dict[str, Any]]:
    """Gives each mention of a brand, or of all, once, in the order it was seen.

    Pages through the store, so that any number of mentions takes the same memory.
    """
    after = 0
    while True:
        query = select(Mention).where(col(Mention.id) > after, col(Mention.twin_of).is_(None))
        if brand_id is not None:
            mine = select(Match.mention_id).where(
                col(Match.brand_id) == brand_id, col(Match.is_relevant)
            )
            query = query.where(col(Mention.id).in_(mine))
        with store.read() as session:
            page = session.exec(query.order_by(col(Mention.id)).limit(_PAGE)).all()
            brands = _brands(session, [mention.id or 0 for mention in page])
            out = [_row(mention, brands.get(mention.id or 0, "")) for mention in page]
        yield from out
        if len(page) < _PAGE:
            return
        after = page[-1].id or 0


def _brands(session: Any, ids: list[int]) -> dict[int, str]:
    query = (
        select(Match.mention_id, Brand.name)
        .join(Brand, col(Brand.id) == col(Match.brand_id))
        .where(col(Match.mention_id).in_(ids), col(Match.is_relevant))
        .distinct()
        .order_by(col(Brand.name))
    )
    names: dict[int, str] = {}
    for mention, name in session.execute(query):
        names[mention] = f"{names[mention]}; {name}" if mention in names else name
    return names


def _row(mention: Mention, brand: str) -> dict[str, Any]:
    return {
        "external_id": mention.external_id,
        "channel": mention.channel,
        "brand": brand,
        "published_at": _iso(mention.published_at),
        "seen_at": _iso(mention.seen_at),
        "author": mention.author_name,
        "handle": mention.author_handle,
        "followers": mention.author_followers,
        "title": mention.title,
        "text": mention.body,
        "url": mention.url,
        "rating": mention.rating,
        "lang": mention.lang or mention.lang_hint,
        "status": mention.score_status,
        "label": mention.human_label or mention.label,
        "compound": mention.compound,
        "p_neg": mention.p_neg,
        "p_neu": mention.p_neu,
        "p_pos": mention.p_pos,
        "model_id": mention.model_id,
        "thread_id": mention.thread_key,
        "parent_id": mention.parent_id,
        "copy_group": mention.copy_group_id,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def write_jsonl(found: Iterator[dict[str, Any]], out: IO[str], tick: Callable[[], None]) -> int:
    """Writes one object per line; gives how many."""
    count = 0
    for row in found:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
        tick()
    return count


def write_csv(found: Iterator[dict[str, Any]], out: IO[str], tick: Callable[[], None]) -> int:
    """Writes a table in which nothing that came from outside runs as a formula; gives how many."""
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    count = 0
    for row in found:
        writer.writerow({key: guarded(value) for key, value in row.items()})
        count += 1
        tick()
    return count


def guarded(value: Any) -> Any:
    """Puts an apostrophe before text that a spreadsheet would run."""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value

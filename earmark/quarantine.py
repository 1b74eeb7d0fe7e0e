"""Items that could not be read, kept apart: bad input never loses good input."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from earmark.cleaning import RAW_LIMIT, Place
from earmark_core import text
from earmark_core.model import BadItem
from earmark_core.tables import Quarantine


def keep_bad_items(
    session: Session, place: Place, bad_items: Iterable[BadItem], now: datetime
) -> None:
    """Keeps what could not be read apart, each with its reason."""
    for bad in bad_items:
        session.add(
            Quarantine(
                source_id=place.source_id,
                reason=text.clean(bad.reason, limit=500),
                raw=text.clean(bad.raw, limit=RAW_LIMIT),
                seen_at=now,
            )
        )

"""What becomes of a mention that was stored before and is heard again, otherwise than it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from earmark_core.tables import Mention, MentionRevision, RawPayload


def revise(session: Session, changes: Sequence[tuple[Any, dict[str, Any]]], now: datetime) -> None:
    """Keeps what a mention said before, and has the new words scored and decided again."""
    for old, row in changes:
        session.add(
            MentionRevision(
                mention_id=old.id,
                revision=old.revision,
                title=old.title,
                body=old.body,
                rating=old.rating,
                replaced_at=now,
            )
        )
        session.execute(
            sa.update(Mention)
            .where(col(Mention.id) == old.id)
            .values(
                title=row["title"],
                body=row["body"],
                rating=row["rating"],
                content_hash=row["content_hash"],
                edited_at=row["edited_at"] or now,
                metrics=row["metrics"],
                reply_ref=row["reply_ref"],
                revision=old.revision + 1,
                scored_at=None,
                decided_at=sa.case((col(Mention.twin_of).is_(None), None), else_=now),
            )
        )
        session.execute(
            sa.update(RawPayload)
            .where(col(RawPayload.mention_id) == old.id)
            .values(body=row["raw"])
        )


def give_links(session: Session, pairs: Sequence[tuple[Any, dict[str, Any]]]) -> None:
    """Writes the address of what was stored without one: deliveries may not know it, polls do."""
    for old, row in pairs:
        if row["url"] and not old.url and old.gone_at is None:
            session.execute(
                sa.update(Mention).where(col(Mention.id) == old.id).values(url=row["url"])
            )

"""What is left of an item that was removed: a keyed hash, by which it is known when it comes again.

The key is made once for an installation and stands in its database, where every process finds it.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from earmark_core.bulk import among, insert_new
from earmark_core.store import Store
from earmark_core.tables import InstallationKey, Tombstone
from earmark_core.tables.columns import table_of

_NAME = "tombstone"
_KEY_BYTES = 32
_DIGEST_BYTES = 16
_KEY = table_of(InstallationKey).c
_STONE = table_of(Tombstone).c
_ASKED_KEY = sa.select(_KEY.secret).where(_KEY.name == _NAME)
_ASKED_FIRST = _ASKED_KEY.where(sa.exists().where(_STONE.source_id == sa.bindparam("source")))


def bury(
    store: Store,
    session: Session,
    items: Sequence[tuple[int, str]],
    *,
    reason: str,
    now: datetime,
    token: Callable[[int], bytes] = secrets.token_bytes,
) -> None:
    """Keeps items, each a source and its name there, from being taken in again.

    *token* makes the key where this installation has none yet.
    """
    key = _key(session) or _made(store, session, now, token)
    rows = [
        {"digest": _digest(key, *item), "source_id": item[0], "reason": reason, "at": now}
        for item in items
    ]
    insert_new(session, Tombstone, rows)


def buried(
    store: Store, session: Session, source_id: int, external_ids: Iterable[str]
) -> frozenset[str]:
    """Gives which of a source's items were removed: one small question where none ever was."""
    connection = session.connection()
    secret = connection.execute(_ASKED_FIRST, {"source": source_id}).scalar()
    if secret is None:
        return frozenset()
    key = bytes.fromhex(secret)
    names: Mapping[str, str] = {_digest(key, source_id, name): name for name in external_ids}
    found = connection.execute(_query(store.dialect), {"digests": list(names)})
    return frozenset(names[row[0]] for row in found)


@lru_cache(maxsize=2)
def _query(dialect: str) -> sa.Select[Any]:
    return sa.select(_STONE.digest).where(among(_STONE.digest, "digests", dialect))


def _digest(key: bytes, source_id: int, external_id: str) -> str:
    said = f"{source_id}\n{external_id}".encode("utf-8", "surrogatepass")
    return blake2b(said, key=key, digest_size=_DIGEST_BYTES).hexdigest()


def _key(session: Session) -> bytes | None:
    found = session.connection().execute(_ASKED_KEY).scalar()
    return None if found is None else bytes.fromhex(found)


def _made(store: Store, session: Session, now: datetime, token: Callable[[int], bytes]) -> bytes:
    """Makes the key, or gives the one of whoever was quicker."""
    values = {"name": _NAME, "secret": token(_KEY_BYTES).hex(), "created_at": now}
    made = store.insert(InstallationKey).values(**values).on_conflict_do_nothing()
    session.connection().execute(made)
    return bytes.fromhex(session.connection().execute(_ASKED_KEY).scalar_one())

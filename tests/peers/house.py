"""An installation of earmark that listens to a server on loopback, and works while asked to.

Each step opens the database anew and builds every part anew, so that between two steps nothing
is remembered but the rows: each is a restart.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from earmark.app import Parts, assemble
from earmark.people import local_actor
from earmark.pipeline import Polled
from earmark_config.settings import load_settings
from earmark_core.clock import FixedClock
from earmark_core.model import Actor
from earmark_core.store import Store, open_store
from earmark_core.tables import Brand, Case, CaseMention, Mention, Source
from tests.peers.mastodon_mock import BRAND, token_of

TAG = "brightcup"
TOKEN = "env:MOCK_TOKEN"


@dataclass
class House:
    """One installation: where its database is, what time it has, whom it may ask."""

    database: str
    folder: Path
    clock: FixedClock
    allow: str
    token: str = token_of(BRAND)
    request_seconds: float = 30
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    def parts(self) -> Parts:
        """Builds everything anew, from the database."""
        settings = load_settings(
            None,
            {"EARMARK_DATABASE_URL": self.database, "EARMARK_ALLOW": self.allow},
            {"data_dir": self.folder, "limits": {"request_seconds": self.request_seconds}},
        )
        secrets = {"MOCK_TOKEN": self.token}
        return assemble(settings, clock=self.clock, rng=self.rng, secrets=secrets)

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[Parts]:
        parts = self.parts()
        try:
            yield parts
        finally:
            await parts.aclose()

    def poll(self, only: int | None = None) -> dict[str, Polled]:
        """Polls what is due beside each other, scores and decides; gives outcomes by name."""

        async def body() -> dict[str, Polled]:
            async with self._at_work() as parts:
                pipeline = parts.pipeline()
                dues = await pipeline.claim(only=only)
                polled = await asyncio.gather(*(pipeline.poll(due) for due in dues))
                await pipeline.settle()
                return {each.name: each for each in polled}

        return asyncio.run(body())

    def deliver(self) -> int:
        """Takes every reply that is due one step on."""

        async def body() -> int:
            async with self._at_work() as parts:
                return await parts.outbox.deliver_due()

        return asyncio.run(body())

    def ask(self, work: Callable[[Parts], Any]) -> Any:
        """Does something with the parts that needs no network."""

        async def body() -> Any:
            async with self._at_work() as parts:
                return work(parts)

        return asyncio.run(body())

    def later(self, **step: float) -> None:
        """Moves the clock on."""
        self.clock.forward(timedelta(**step))


def listen(
    store: Store, clock: Callable[[], Any], *, every: int = 60, **sources: dict[str, Any]
) -> dict[str, int]:
    """Adds the brand with these sources, due now and *every* seconds; gives their ids by name."""
    ids: dict[str, int] = {}
    with store.write() as session:
        brand = session.exec(select(Brand)).first()
        brand = brand or Brand(name="Brightcup", names=["brightcup"], created_at=clock())
        session.add(brand)
        session.flush()
        for name, options in sources.items():
            source = Source(
                brand_id=brand.id or 0, channel="mastodon", name=name, options=options,
                takes_all=True, next_poll_at=clock(), created_at=clock(),
                interval_seconds=every, min_interval_seconds=every,
            )  # fmt: skip
            session.add(source)
            session.flush()
            ids[name] = source.id or 0
    return ids


def hashtag(base_url: str, **more: Any) -> dict[str, Any]:
    """Options of a source that listens to the hashtag, 25 posts a page."""
    return {"base_url": base_url, "kind": "hashtag", "tag": TAG, "limit": 25, **more}


def mentions(base_url: str, **more: Any) -> dict[str, Any]:
    """Options of a source that listens to mentions of the brand's account, 25 a page."""
    return {
        "base_url": base_url, "kind": "notifications", "token": TOKEN, "limit": 25, **more
    }  # fmt: skip


@contextmanager
def opened(url: str) -> Any:
    """Opens the database and closes it again."""
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def rows(store: Store, table: type[Any], *where: Any) -> list[Any]:
    """Gives the rows of a table in the order of their ids."""
    with store.read() as session:
        return list(session.exec(select(table).where(*where).order_by(table.id)).all())


def stored(store: Store, source_id: int) -> list[str]:
    """Gives the external ids that a source has, with repetitions if there were any."""
    return [row.external_id for row in rows(store, Mention, col(Mention.source_id) == source_id)]


def cases_of(store: Store, mention_id: int) -> list[Case]:
    """Gives the cases that a mention belongs to."""
    with store.read() as session:
        query = select(Case).join(CaseMention, col(CaseMention.case_id) == col(Case.id))
        return list(session.exec(query.where(CaseMention.mention_id == mention_id)).all())


def actor_of(store: Store, clock: Callable[[], Any]) -> Actor:
    """Gives the person at this machine."""
    return local_actor(store, clock, "You")

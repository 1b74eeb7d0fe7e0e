"""Which sources the worker polls beside each other: as many as it may, and none twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from earmark.app import Parts, assemble
from earmark.engine import Embedded
from earmark.worker import Worker
from earmark_config.settings import load_settings
from earmark_core.clock import FixedClock
from earmark_core.model import Cursor
from earmark_core.tables import Brand, PollWindow, Source
from earmark_listeners.contract import Batch, ChannelOptions, Listener
from tests.fakes import NoOptions

SOURCES, AT_ONCE = 20, 8


@dataclass
class Gate:
    """Lets nobody through until as many wait as may be polled at once."""

    inside: int = 0
    most: int = 0
    came: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    all: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self) -> None:
        self.inside += 1
        self.came += 1
        self.most = max(self.most, self.inside)
        if self.inside == AT_ONCE:
            self.full.set()
        if self.came == SOURCES:
            self.all.set()
        await self.full.wait()
        await asyncio.sleep(0)  # whoever was claimed too many would come in now
        self.inside -= 1


class Waits(Listener[NoOptions]):
    """Finds nothing, once the gate is open."""

    channel: ClassVar[str] = "waits"
    summary: ClassVar[str] = "Waits."
    options_type: ClassVar[type[ChannelOptions]] = NoOptions

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        await self.gate.pass_through()
        yield Batch()


@pytest.fixture
def parts(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Parts]:
    settings = load_settings(None, {"EARMARK_DATABASE_URL": store_url}, {"data_dir": tmp_path})
    assert settings.limits.polls_at_once == AT_ONCE
    made = assemble(settings, clock=clock, rng=random.Random(1))
    with made.store.write() as session:
        session.add(Brand(id=1, name="Acme", created_at=clock()))
        session.flush()
        for number in range(SOURCES):
            session.add(
                Source(
                    brand_id=1, channel="waits", name=f"s{number}", created_at=clock(),
                    next_poll_at=clock() - timedelta(minutes=number),
                )
            )  # fmt: skip
    yield made
    made.store.close()


def test_free_places_are_filled_and_no_source_is_polled_twice(parts: Parts) -> None:
    claims = []

    @sa.event.listens_for(parts.store.engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE source SET lease_until"):
            claims.append(statement)

    async def main() -> Gate:
        gate = Gate()

        class Toy(Parts):
            def build(self, channel: str, options: Mapping[str, Any]) -> Listener[Any]:
                return Waits(gate)

        engine = Embedded()
        worker = Worker(Toy(**{f.name: getattr(parts, f.name) for f in fields(parts)}), engine)
        running = asyncio.create_task(engine.run())
        # The tick comes again while the first is claiming: still one claim at a time.
        await asyncio.gather(worker.due(), worker.due())
        await gate.all.wait()
        engine.stop()
        await running
        await parts.fetcher.aclose()
        return gate

    gate = asyncio.run(main())
    assert (gate.most, gate.came, gate.inside) == (AT_ONCE, SOURCES, 0)
    assert len(claims) < SOURCES  # places that become free together are filled together
    with parts.store.read() as session:
        windows = session.exec(select(PollWindow.source_id)).all()
        assert sorted(windows) == list(range(1, SOURCES + 1))
        assert not session.exec(select(Source).where(col(Source.lease_until).is_not(None))).all()

"""What was removed and comes again by another way is not taken in: delivered, or as history."""

import asyncio
import hmac
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from earmark.app import Parts, assemble
from earmark.backfilling import Backfilling
from earmark.demo.testing import demo_server
from earmark.hooks import Hooks
from earmark.purging import Purging
from earmark_config.settings import Retention, load_settings
from earmark_core import jobs as line
from earmark_core.clock import FixedClock, system_clock
from earmark_core.model import SYSTEM
from earmark_core.tables import Brand, Mention, Source

ROOM = Retention(mentions_days=30)


def add_source(parts: Parts, channel: str, options: dict[str, Any]) -> None:
    now = parts.clock()
    with parts.store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=now))
        session.flush()
        session.add(Source(id=1, brand_id=1, channel=channel, name="s", options=options,
                           takes_all=True, next_poll_at=now, created_at=now))  # fmt: skip


def purge(parts: Parts, clock: FixedClock) -> None:
    job = line.claim(parts.store, clock(), only=parts.purges.ask(SYSTEM))
    assert job is not None
    Purging(parts.store, clock, ROOM, job).run()
    assert count(parts) == 0


def count(parts: Parts) -> int:
    with parts.store.read() as session:
        return len(session.exec(select(Mention)).all())


def test_a_delivery_does_not_bring_it_back(
    store_url: str, tmp_path: Path, clock: FixedClock
) -> None:
    settings = load_settings(None, {}, {"data_dir": tmp_path, "database_url": store_url})
    parts = assemble(settings, clock=clock, rng=random.Random(1), secrets={"HOOK": "s"})
    add_source(parts, "webhook", {"secret": "env:HOOK", "signature": "timestamp", "slug": "shop"})

    def deliver() -> dict[str, Any]:
        body = json.dumps({"items": [{"external_id": "r1", "text": "the kettle"}]}).encode()
        stamp = str(int(clock().timestamp()))
        made = hmac.new(b"s", f"{stamp}.".encode() + body, "sha256").hexdigest()
        sent = {"x-timestamp": stamp, "x-signature-256": f"sha256={made}"}
        told = asyncio.run(Hooks(parts).deliver("shop", sent, body))
        assert told.status == 202
        return dict(told.body)

    assert deliver() == {"items": 1, "new": 1}
    asyncio.run(parts.pipeline().settle())
    clock.forward(timedelta(days=31))
    purge(parts, clock)
    assert deliver() == {"items": 1, "new": 0}
    assert count(parts) == 0
    asyncio.run(parts.aclose())


def test_fetched_history_does_not_bring_it_back(sqlite_url: str, tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"data_dir": tmp_path, "database_url": sqlite_url})
    now = system_clock()
    with demo_server() as demo:
        at = (now - timedelta(hours=3)).replace(microsecond=0).isoformat()
        demo.posts("Kettle {i}", 30, place="hn", at=at)

        def fetch() -> None:
            parts = assemble(settings, allow=[demo.address])
            if not count(parts) and not parts.sources.rows(SYSTEM):
                add_source(parts, "hackernews", {"query": "kettle", "base_url": demo.url})
            job = line.claim(
                parts.store, now, only=parts.backfills.ask(SYSTEM, 1, now - timedelta(days=1), now)
            )
            assert job is not None

            async def work() -> None:
                await Backfilling(parts, job, pause=0).run()
                await parts.pipeline().settle()
                await parts.aclose()

            asyncio.run(work())
            found = line.get(assemble(settings).store, job.id)
            assert found is not None
            assert found.state == "done", found.note

        fetch()
        parts = assemble(settings)
        assert count(parts) == 30
        purge(parts, FixedClock(now + timedelta(days=31)))
        fetch()
        assert count(parts) == 0
        asyncio.run(parts.aclose())

"""Deliveries through the real server, into a real store."""

import asyncio
import contextlib
import hmac
import json
import multiprocessing
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from earmark import deliveries
from earmark.app import Parts, assemble
from earmark.deliveries import DELIVERED
from earmark.hooks import Hooks
from earmark.reception import NAME, Reception, beat
from earmark_config.settings import load_settings
from earmark_core.clock import FixedClock
from earmark_core.model import SYSTEM, WindowState
from earmark_core.store import Store
from earmark_core.tables import (
    Brand,
    Case,
    Heartbeat,
    HookDelivery,
    Mention,
    PollWindow,
    Quarantine,
    Source,
)
from earmark_dashboard.services import Taken

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "the secret of the shop"
COMPLAINT = {"external_id": "r1", "text": "Terrible! It leaks and nobody answers. I want a refund."}


@pytest.fixture
def parts(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Parts]:
    settings = load_settings(None, {"EARMARK_DATABASE_URL": store_url}, {"data_dir": tmp_path})
    parts = assemble(settings, clock=clock, rng=random.Random(1), secrets={"HOOK": SECRET})
    yield parts
    asyncio.run(parts.aclose())


def add_source(store: Store, clock: FixedClock, **more: Any) -> int:
    options = {"secret": "env:HOOK", "signature": "timestamp", "slug": "shop"}
    with store.write() as session:
        brand = session.exec(select(Brand)).first() or Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id or 0, channel="webhook", name=more.pop("name", "Shop"),
            options=options, takes_all=True, next_poll_at=clock(), created_at=clock(), **more,
        )  # fmt: skip
        session.add(source)
        session.flush()
        return source.id or 0


def signed(clock: FixedClock, body: bytes, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(clock().timestamp()))
    made = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    return {"x-timestamp": stamp, "x-signature-256": f"sha256={made}"}


def rows(store: Store, table: Any) -> list[Any]:
    with store.read() as session:
        return list(session.exec(select(table).order_by(col(table.id))).all())


def deliver(parts: Parts, clock: FixedClock, *items: dict[str, Any], hooks: Hooks | None = None,
            key: str = "shop", **headers: str) -> Taken:  # fmt: skip
    body = json.dumps({"items": items}).encode()
    sent = {**signed(clock, body), **headers}
    return asyncio.run((hooks or Hooks(parts)).deliver(key, sent, body))


def test_a_delivery_becomes_mentions_and_a_case(parts, clock) -> None:
    source_id = add_source(parts.store, clock)
    assert deliver(parts, clock, COMPLAINT, {"external_id": "r2", "text": "Lovely."}) == Taken(
        202, {"items": 2, "new": 2}
    )
    asyncio.run(parts.pipeline().settle())
    assert [m.external_id for m in rows(parts.store, Mention)] == ["r1", "r2"]
    assert len(rows(parts.store, Case)) == 1
    (window,) = rows(parts.store, PollWindow)
    assert (window.note, window.items, window.new_items, window.pages) == (DELIVERED, 2, 2, 1)
    with parts.store.read() as session:
        assert session.get(Source, source_id).last_item_at == clock()


def test_the_same_again_and_out_of_order_is_stored_once(parts, clock) -> None:
    add_source(parts.store, clock)
    hooks = Hooks(parts)
    many = [{"external_id": f"r{n}", "text": f"number {n}"} for n in range(5)]
    for items in (many, many[::-1], many[2:], many):
        assert deliver(parts, clock, *items, hooks=hooks).status == 202
    assert sorted(m.external_id for m in rows(parts.store, Mention)) == [f"r{n}" for n in range(5)]
    assert all(m.revision == 1 for m in rows(parts.store, Mention))


def test_a_delivery_id_that_is_known_changes_nothing(parts, clock) -> None:
    """An old wording that is sent once more by its own id does not undo a newer one."""
    add_source(parts.store, clock)
    hooks = Hooks(parts)
    old, new = COMPLAINT, {**COMPLAINT, "text": "They solved it. Thank you!"}
    deliver(parts, clock, old, hooks=hooks, **{"x-delivery-id": "1"})
    deliver(parts, clock, new, hooks=hooks, **{"x-delivery-id": "2"})
    told = deliver(parts, clock, old, hooks=hooks, **{"x-delivery-id": "1"})
    assert told == Taken(200, {"items": 0, "known": True})
    (mention,) = rows(parts.store, Mention)
    assert (mention.body, mention.revision) == ("They solved it. Thank you!", 2)


def test_a_known_delivery_is_known_after_a_restart_too(parts, clock) -> None:
    """The memory of it lies where the mentions lie, not in the process."""
    add_source(parts.store, clock)
    old, new = COMPLAINT, {**COMPLAINT, "text": "They solved it. Thank you!"}
    for number, item in (("1", old), ("2", new)):
        assert deliver(parts, clock, item, **{"x-delivery-id": number}).status == 202
    told = deliver(parts, clock, old, **{"x-delivery-id": "1"})  # each time new Hooks
    assert told == Taken(200, {"items": 0, "known": True})
    (mention,) = rows(parts.store, Mention)
    assert (mention.body, mention.revision) == ("They solved it. Thank you!", 2)
    (window,) = rows(parts.store, PollWindow)
    assert (window.pages, window.items) == (2, 2)


def test_one_that_was_refused_or_could_not_be_read_is_not_known(parts, clock) -> None:
    source_id = add_source(parts.store, clock)
    assert deliver(parts, clock, {"text": "no id"}, **{"x-delivery-id": "1"}).status == 422
    body = json.dumps({"items": [COMPLAINT]}).encode()
    guessed = {**signed(clock, body, "guessed"), "x-delivery-id": "2"}
    assert asyncio.run(Hooks(parts).deliver("shop", guessed, body)).status == 401
    assert digests(parts.store) == []
    assert deliver(parts, clock, COMPLAINT, **{"x-delivery-id": "2"}).status == 202
    assert [row.source_id for row in digests(parts.store)] == [source_id]
    assert [row.at for row in digests(parts.store)] == [clock()]


def die_while_storing(url: str, folder: Path, head: dict[str, str], body: bytes) -> None:
    """Stores all of a delivery, and is killed before it is committed."""
    settings = load_settings(None, {"EARMARK_DATABASE_URL": url}, {"data_dir": folder})
    parts = assemble(settings, clock=FixedClock(START), secrets={"HOOK": SECRET})
    last = deliveries._note

    def kill(*given: Any, **named: Any) -> None:
        last(*given, **named)
        given[0].flush()
        os.kill(os.getpid(), signal.SIGKILL)

    deliveries._note = kill
    asyncio.run(Hooks(parts).deliver("shop", head, body))


@pytest.mark.slow
def test_killed_while_it_was_stored_a_delivery_is_not_known(parts, clock, store_url, tmp_path):
    """The digest and what was brought are one transaction: broken off, neither is there."""
    add_source(parts.store, clock)
    body = json.dumps({"items": [COMPLAINT]}).encode()
    head = {**signed(clock, body), "x-delivery-id": "1"}
    child = multiprocessing.get_context("spawn").Process(
        target=die_while_storing, args=(store_url, tmp_path, head, body)
    )
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert rows(parts.store, Mention) == digests(parts.store) == []
    told = asyncio.run(Hooks(parts).deliver("shop", head, body))
    assert told == Taken(202, {"items": 1, "new": 1})
    assert asyncio.run(Hooks(parts).deliver("shop", head, body)).status == 200


def test_two_at_once_store_the_same_delivery_once(parts, clock) -> None:
    """Each with connections of its own, as two processes have; both are answered 2xx."""
    add_source(parts.store, clock)
    gate = threading.Barrier(4)
    body = json.dumps({"items": [COMPLAINT]}).encode()
    head = {**signed(clock, body), "x-delivery-id": "1"}
    told: list[Taken] = []

    def send() -> None:
        gate.wait(30)
        told.append(asyncio.run(Hooks(parts).deliver("shop", head, body)))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(one.status for one in told) == [200, 200, 200, 202]
    assert len(rows(parts.store, Mention)) == len(digests(parts.store)) == 1
    (window,) = rows(parts.store, PollWindow)
    assert (window.pages, window.items, window.new_items) == (1, 1, 1)


def digests(store: Store) -> list[HookDelivery]:
    with store.read() as session:
        return list(session.exec(select(HookDelivery)).all())


def test_a_refusal_says_nothing_and_stores_nothing(parts, clock, caplog) -> None:
    add_source(parts.store, clock)
    body = json.dumps(COMPLAINT).encode()
    told = asyncio.run(Hooks(parts).deliver("shop", signed(clock, body, "guessed"), body))
    assert told == Taken(401, {"error": "not accepted"})
    late = signed(clock, body)
    clock.forward(timedelta(seconds=301))
    assert asyncio.run(Hooks(parts).deliver("shop", late, body)) == told
    assert rows(parts.store, Mention) == []
    assert rows(parts.store, PollWindow) == []
    assert SECRET not in caplog.text


def test_bad_items_are_kept_apart_and_told(parts, clock) -> None:
    add_source(parts.store, clock)
    told = deliver(parts, clock, COMPLAINT, {"text": "no id"})
    assert told.status == 202
    assert told.body["bad"] == ["item 1: There is no id at /external_id."]
    assert [q.reason for q in rows(parts.store, Quarantine)] == told.body["bad"]
    assert deliver(parts, clock, {"text": "no id"}).status == 422


def test_a_paused_source_and_one_without_its_secret_ask_for_it_again(parts, clock) -> None:
    source_id = add_source(parts.store, clock, is_enabled=False)
    told = deliver(parts, clock, COMPLAINT)
    assert (told.status, told.retry_after) == (503, 3600)
    with parts.store.write() as session:
        source = session.get(Source, source_id)
        source.options = {"secret": "env:NOT_THERE_AT_ALL", "signature": "timestamp"}
    told = deliver(parts, clock, COMPLAINT, key=str(source_id))
    assert told.status == 503
    assert "NOT_THERE" not in str(told.body)
    assert rows(parts.store, Mention) == []


def test_an_address_that_names_nothing_or_two_is_not_found(parts, clock) -> None:
    assert deliver(parts, clock, COMPLAINT, key="1").status == 404
    add_source(parts.store, clock)
    add_source(parts.store, clock, name="Other shop")
    assert deliver(parts, clock, COMPLAINT, key="shop").status == 404
    assert deliver(parts, clock, COMPLAINT, key="1").status == 202


def test_deliveries_wait_when_too_many_come_at_once(parts, clock) -> None:
    add_source(parts.store, clock)
    hooks = Hooks(parts)
    body = json.dumps(COMPLAINT).encode()

    async def flood() -> list[Taken]:
        head = signed(clock, body)
        return await asyncio.gather(*(hooks.deliver("shop", head, body) for _ in range(40)))

    statuses = [told.status for told in asyncio.run(flood())]
    assert set(statuses) == {202, 429}
    assert len(rows(parts.store, Mention)) == 1


def test_a_busy_store_asks_for_it_again(sqlite_url, tmp_path, clock) -> None:
    settings = load_settings(None, {"EARMARK_DATABASE_URL": sqlite_url}, {"data_dir": tmp_path})
    parts = assemble(settings, clock=clock, secrets={"HOOK": SECRET})
    add_source(parts.store, clock)

    def quick(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    import sqlalchemy as sa

    parts.store.engine.dispose()
    sa.event.listen(parts.store.engine, "connect", quick)
    import sqlite3

    with contextlib.closing(sqlite3.connect(tmp_path / "earmark.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        told = deliver(parts, clock, COMPLAINT)
        other.rollback()
    assert (told.status, told.retry_after) == (503, 10)
    assert deliver(parts, clock, COMPLAINT).status == 202
    asyncio.run(parts.aclose())


def poll(parts: Parts) -> Any:
    async def body() -> Any:
        pipeline = parts.pipeline()
        (due,) = await pipeline.claim(only=1)
        return (await pipeline.poll(due)).outcome

    return asyncio.run(body())


def test_the_ledger_says_when_nobody_was_there_to_take_deliveries(parts, clock) -> None:
    add_source(parts.store, clock)
    outcome = poll(parts)
    assert (outcome.state, bool(outcome.error)) == (WindowState.down, True)
    begun = clock()
    beat(parts.store, clock())
    assert poll(parts).state is WindowState.complete
    for _ in range(60):  # an hour in which it was up
        clock.forward(timedelta(seconds=30))
        beat(parts.store, clock())
        clock.forward(timedelta(seconds=30))
        beat(parts.store, clock())
    assert poll(parts).error == ""
    assert parts.sources.rows(SYSTEM)[0].coverage_24h == 1
    clock.forward(timedelta(hours=1))  # an hour in which it was not
    beat(parts.store, clock())
    assert poll(parts).error == ""
    clock.forward(timedelta(minutes=30))
    with parts.store.write() as session:
        session.get(Heartbeat, NAME).at = clock()
    poll(parts)
    (row,) = parts.sources.rows(SYSTEM)
    down = [w for w in rows(parts.store, PollWindow) if w.state == WindowState.down]
    assert [w.note for w in down][-1].startswith("earmark was not there")
    assert row.coverage_24h is not None
    assert 0.45 < row.coverage_24h < 0.62, "1.5 of 2.5 hours, less the grace at the end"
    assert clock() - begun == timedelta(hours=2.5)


@dataclass
class Server:
    port: int
    http: httpx.Client

    def post(self, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.http.post(path, content=content, headers=headers)


@pytest.fixture
def server(sqlite_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Server, Parts]]:
    """The dashboard's own application, served by uvicorn in a thread."""
    import uvicorn

    from earmark.serve import services
    from earmark_dashboard.server import create_app

    settings = load_settings(None, {"EARMARK_DATABASE_URL": sqlite_url}, {"data_dir": tmp_path})
    parts = assemble(settings, clock=clock, secrets={"HOOK": SECRET})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        create_app(services(parts)), host="127.0.0.1", port=port, log_level="warning",
        ws="websockets-sansio", lifespan="on",
    )  # fmt: skip
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        wait_for(lambda: running.started)
        yield Server(port, http), parts
    running.should_exit = True
    thread.join(20)
    asyncio.run(parts.aclose())


def wait_for(is_there: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_there():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_the_server_s_own_route(server, clock) -> None:
    site, parts = server
    add_source(parts.store, clock)
    body = json.dumps(COMPLAINT).encode()
    answer = site.post("/hooks/shop", body, signed(clock, body))
    assert (answer.status_code, answer.json()) == (202, {"items": 1, "new": 1})
    assert [m.external_id for m in rows(parts.store, Mention)] == ["r1"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    public = {**signed(clock, body), "host": "hooks.acme.example"}
    assert site.post("/hooks/shop", body, public).status_code == 202
    assert site.post("/hooks/shop", body, {}).status_code == 401
    assert site.post("/hooks/other", body, signed(clock, body)).status_code == 404
    assert site.http.get("/hooks/shop").status_code == 405
    large = b"x" * 1_000_001
    assert site.post("/hooks/shop", large, signed(clock, large)).status_code == 413

    def dripping() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100_000

    answer = site.http.post("/hooks/shop", content=dripping())
    assert answer.status_code == 413
    meta_greets_and_delivers(site, parts, clock)  # a process has one Streamlit


def meta_greets_and_delivers(site: Server, parts: Parts, clock: FixedClock) -> None:
    source_id = add_source(parts.store, clock, name="Page")
    with parts.store.write() as session:
        source = session.get(Source, source_id)
        source.channel = "facebook"
        source.options = {"page_id": "100", "token": "env:HOOK", "app_secret": "env:HOOK",
                          "verify_token": "env:HOOK", "slug": "page"}  # fmt: skip
    hello = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": SECRET}
    answer = site.http.get("/hooks/page", params=hello)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    wrong = site.http.get("/hooks/page", params=hello | {"hub.verify_token": "guess"})
    assert (wrong.status_code, wrong.json()) == (403, {"error": "not accepted"})
    assert site.http.get("/hooks/nobody", params=hello).status_code == 404
    assert site.http.get("/hooks/page").status_code == 405
    value = {"item": "comment", "verb": "add", "comment_id": "7_1", "post_id": "100_7",
             "message": "Es l\u00e4uft aus \U0001f620", "created_time": 1_772_441_000}  # fmt: skip
    changes = [{"field": "feed", "value": value}]
    said = {"object": "page", "entry": [{"id": "100", "time": 1_772_441_001, "changes": changes}]}
    body = json.dumps(said).encode()  # as Meta does: what is not ASCII is escaped
    made = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    for _ in range(2):
        answer = site.post("/hooks/page", body, {"X-Hub-Signature-256": f"sha256={made}"})
        assert answer.status_code == 202
    assert site.post("/hooks/page", body, {"X-Hub-Signature-256": "sha256=00"}).status_code == 401
    (mention,) = [row for row in rows(parts.store, Mention) if row.source_id == source_id]
    assert (mention.body, mention.revision) == ("Es l\u00e4uft aus \U0001f620", 1)


def test_the_process_that_serves_says_that_it_is_there(parts, clock) -> None:
    reception = Reception(parts.store, clock)
    add_source(parts.store, clock)
    reception.start()
    wait_for(lambda: heartbeats(parts.store) == [NAME])
    reception.end()
    assert not reception.is_alive()


def test_nothing_is_written_where_nothing_is_delivered(parts, clock) -> None:
    beat(parts.store, clock())
    assert heartbeats(parts.store) == []


def heartbeats(store: Store) -> list[str]:
    with store.read() as session:
        return [row.name for row in session.exec(select(Heartbeat))]

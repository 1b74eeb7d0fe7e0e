"""A worker that is killed at chosen moments, and what must hold of its rows whenever it is.

A worker that was killed holds leases; the next would wait for minutes until they run out. The
yard turns them back in the rows instead, which is all that waiting would do.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import col

from earmark_core.clock import system_clock
from earmark_core.model import Delivery
from earmark_core.store import Store
from earmark_core.tables import Mention, Reply, Source
from earmark_queue.views import Views
from tests.peers.house import actor_of, rows, stored
from tests.peers.lean_worker import Mortal, lean_worker
from tests.peers.mastodon_mock import BRAND, MastodonMock, token_of
from tests.peers.wire_tap import Cut, Exchange, WireTap

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KILLED = -signal.SIGKILL
PATIENCE = 60.0
ON_ITS_WAY = (Delivery.approved, Delivery.sending, Delivery.unknown, Delivery.sent)


class Running(Protocol):
    """A process that can be waited for."""

    pid: int | None

    def join(self, timeout: float | None = None) -> None: ...
    @property
    def exitcode(self) -> int | None: ...


@dataclass(frozen=True)
class OnTheWire:
    """Where the worker ends: at a stage of the *nth* exchange of this kind."""

    request: str
    nth: int
    stage: str
    is_real: bool = False

    def __str__(self) -> str:
        who = "earmark worker" if self.is_real else "worker"
        return f"{who} at {self.stage} of exchange {self.nth} of {self.request!r}"

    def killer(self, pid: "Pid") -> Callable[[Exchange, str], None]:
        """Gives what kills the process at that moment, and cuts the line."""
        kind = re.compile(self.request)
        lock, seen = threading.Lock(), 0

        def at(exchange: Exchange, stage: str) -> None:
            nonlocal seen
            if stage != self.stage or not kind.fullmatch(f"{exchange.method} {exchange.address}"):
                return
            with lock:
                seen += 1
                is_it = seen == self.nth
            if is_it:
                os.kill(pid.get(), signal.SIGKILL)
            if seen >= self.nth:
                raise Cut

        return at


class Pid:
    """A process id that is known a moment after the process runs."""

    def __init__(self) -> None:
        self._known = threading.Event()
        self._pid = 0

    def put(self, pid: int) -> None:
        self._pid = pid
        self._known.set()

    def get(self) -> int:
        assert self._known.wait(PATIENCE)
        return self._pid


class _Command:
    """The worker as people start it."""

    def __init__(self, config: Path, log: Path) -> None:
        command = [sys.executable, "-m", "earmark", "worker"]
        command += ["--data", str(config.parent), "--config", str(config)]
        env = {**os.environ, "MOCK_TOKEN": token_of(BRAND)}
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        self.pid: int | None = self._process.pid

    def join(self, timeout: float | None = None) -> None:
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return

    @property
    def exitcode(self) -> int | None:
        return self._process.returncode


@dataclass
class KillYard:
    """One installation with its worker, a server behind a wire tap, and the test's own view."""

    folder: Path
    store: Store
    server: MastodonMock
    tap: WireTap
    kills: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = self.folder / "settings.toml"
        self.config.write_text(
            f'data_dir = "."\nallow = ["{self.tap.allow}"]\ndemo = false\nlog_level = "warning"\n'
        )
        self.secrets = {"MOCK_TOKEN": token_of(BRAND)}

    def kill_at(self, point: OnTheWire | Mortal) -> None:
        """Runs a worker until it dies at the point."""
        self.let_leases_run_out()
        worker: Running
        if isinstance(point, Mortal):
            worker = lean_worker(self.config, self.secrets, point)
        else:
            pid = Pid()
            self.tap.at = point.killer(pid)
            worker = self._started(is_real=point.is_real)
            pid.put(worker.pid or 0)
        worker.join(PATIENCE)
        how = worker.exitcode
        if how is None:
            os.kill(worker.pid or 0, signal.SIGKILL)
            worker.join()
        self.tap.quiet()
        assert how == KILLED, f"{point}: never came to it ({how})"
        self.kills.append(str(point))

    def _started(self, *, is_real: bool) -> Running:
        if is_real:
            return _Command(self.config, self.folder / "worker.log")
        return lean_worker(self.config, self.secrets)

    def run_until(self, is_done: Callable[[], bool], rounds: int = 15) -> None:
        """Runs whole workers, one after the other, until it is done; each ends in good order."""
        for _ in range(rounds):
            self.let_leases_run_out()
            worker = lean_worker(self.config, self.secrets)
            for _ in range(30):
                worker.join(0.1)
                if is_done():
                    break
            worker.terminate()
            worker.join(PATIENCE)
            assert worker.exitcode == 0
            if is_done():
                return
        raise AssertionError("the work does not come to an end")

    def let_leases_run_out(self) -> None:
        """Does what the passing of time would do for whoever starts next."""
        with self.store.write() as session:
            session.execute(
                sa.update(Source)
                .where(col(Source.lease_until).is_not(None))
                .values(lease_until=LONG_AGO)
            )
            session.execute(sa.update(Source).values(next_poll_at=LONG_AGO))
            session.execute(
                sa.update(Reply)
                .where(col(Reply.lease_until).is_not(None))
                .values(lease_until=LONG_AGO)
            )
            session.execute(
                sa.update(Reply).where(col(Reply.state).in_(ON_ITS_WAY)).values(not_before=LONG_AGO)
            )

    def posts_in_question(self) -> list[Reply]:
        """Gives the replies that are on their way."""
        return rows(self.store, Reply, col(Reply.state).in_(ON_ITS_WAY))

    # What must hold after every kill

    def check_hearing(self, served: dict[int, list[tuple[str, str]]]) -> None:
        """I1, I2: what the cursor has passed is stored, each once; and the file is whole."""
        for source in rows(self.store, Source):
            after = json.loads(source.cursor)["after"] if source.cursor else ""
            found = stored(self.store, source.id)
            assert len(found) == len(set(found))
            passed = {uri for place, uri in served[source.id] if _order(place) <= _order(after)}
            assert passed <= set(found), f"{source.name} lost {sorted(passed - set(found))}"
        with self.store.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []

    def check_deliveries(self) -> None:
        """I5, I6: none is out twice, each that is not confirmed is shown to a person."""
        replies = {reply.id: reply for reply in rows(self.store, Reply)}
        out = self.server.posts_of(BRAND)
        for reply in replies.values():
            of_it = [post for post in out if f"reply {reply.id}." in post["content"]]
            assert len(of_it) <= 1, f"reply {reply.id} is out {len(of_it)} times"
            assert all(p["in_reply_to_id"] == reply.target_ref["status_id"] for p in of_it)
            if reply.state in {Delivery.sent, Delivery.confirmed}:
                assert [post["id"] for post in of_it] == [reply.remote_id]
        views = Views(self.store, system_clock)
        shown = {row.id for row in views.outbox(actor_of(self.store, system_clock), limit=1000)}
        assert {key for key, reply in replies.items() if reply.state != Delivery.confirmed} <= shown

    def is_understood(self) -> bool:
        """Tells whether every mention is scored and decided."""
        return not rows(
            self.store,
            Mention,
            sa.or_(col(Mention.scored_at).is_(None), col(Mention.decided_at).is_(None)),
        )


def _order(place: str) -> tuple[int, str]:
    return len(place), place


def newest_mentions(server: MastodonMock, limit: int) -> list[tuple[str, str]]:
    """Gives the newest notifications of a mention as places with the post's name."""
    params: dict[str, Any] = {"types[]": "mention", "limit": limit}
    page = server.call("GET", "/api/v1/notifications", BRAND, params=params)
    return [(each["id"], each["status"]["uri"]) for each in page]

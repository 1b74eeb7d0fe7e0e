"""The worker without its start-up: forked from a process that has all imported already.

It is the product's own `Worker`; only its ticks are quicker, and it may be told to end itself,
as kill -9 would, at an exact transaction: just before or just after the commit.
"""

import asyncio
import multiprocessing
import os
import random
import re
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from earmark.app import assemble
from earmark.engine import Embedded, Tick
from earmark.worker import Worker
from earmark_config.settings import load_settings
from earmark_core import logs

SPEED = 10


@dataclass(frozen=True)
class Mortal:
    """Where the worker ends: at the *nth* transaction that ran a statement like *wrote*."""

    wrote: str
    nth: int
    after: bool

    def __str__(self) -> str:
        when = "after" if self.after else "before"
        return f"{when} commit {self.nth} of {self.wrote!r}"


class _Quick(Embedded):
    async def every(self, name: str, seconds: float, fn: Tick) -> None:
        await super().every(name, seconds / SPEED, fn)


def lean_worker(
    config: Path, secrets: Mapping[str, str], mortal: Mortal | None = None
) -> ForkServerProcess:
    """Starts a worker; whoever asked for it waits for its end."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["earmark.app", "earmark.worker", "vaderSentiment"])
    worker = forks.Process(target=work, args=(config, dict(secrets), mortal), daemon=True)
    worker.start()
    return worker


def work(config: Path, secrets: Mapping[str, str], mortal: Mortal | None) -> None:
    """Runs the worker until it is told to stop, or dies."""
    logs.setup("warning", (config.parent / "worker.log").open("a", encoding="utf-8"))
    parts = assemble(load_settings(config, {}), secrets=secrets, rng=random.Random(os.getpid()))
    if mortal is not None:
        _arm(parts.store.engine, mortal)

    async def body() -> None:
        try:
            await Worker(parts, _Quick()).run()
        finally:
            await parts.aclose()

    asyncio.run(body())


def _arm(engine: sa.Engine, mortal: Mortal) -> None:
    here = threading.local()  # a transaction stays in its thread
    seen = 0
    wrote = re.compile(mortal.wrote)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if wrote.search(statement):
            here.wrote = True

    def before(_connection: Any) -> None:
        nonlocal seen
        if getattr(here, "wrote", False):
            seen += 1
            here.is_last = seen == mortal.nth
            if here.is_last and not mortal.after:
                _die()
        here.wrote = False

    def after(_session: Session) -> None:
        if getattr(here, "is_last", False):
            _die()

    sa.event.listen(engine, "before_cursor_execute", note)
    sa.event.listen(engine, "commit", before)
    sa.event.listen(Session, "after_commit", after)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

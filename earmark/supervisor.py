"""One supervisor over the processes of an installation: starts, watches, restarts, ends them.

Each process is a child in a group of its own, so that Ctrl-C reaches the supervisor alone and
is passed on in order.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from earmark_core.errors import EarmarkError

END_SECONDS = 9.0
RESTARTS = 5
RESTART_WINDOW_SECONDS = 300.0
_KEEP_LOG = 5_000_000


class GaveUp(EarmarkError):
    """A process died again and again."""


@dataclass
class Child:
    """A process to keep alive; `ready` is awaited until it is true."""

    name: str
    arguments: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    deaths: deque[float] = field(default_factory=deque)


class Supervisor:
    """Keeps children alive until told to end; `say` is how it speaks to the person."""

    def __init__(
        self,
        children: Sequence[Child],
        logs: Path,
        say: Callable[[str], None],
        *,
        end_seconds: float = END_SECONDS,
        pause_seconds: float = 0.5,
    ) -> None:
        self._children = children
        self._logs = logs
        self._say = say
        self._end_seconds = end_seconds
        self._pause = pause_seconds
        self._ending = asyncio.Event()
        self._failed: GaveUp | None = None

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Starts all, calls *on_ready* once all answer, and returns when all have ended.

        Raises:
            GaveUp: one died too often; the others were ended.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(name, self._ending.set)
        watchers = []
        try:
            for child in self._children:
                await self._start(child)
                watchers.append(asyncio.create_task(self._watch(child)))
                if not await self._answers(child):
                    break
            if not self._ending.is_set():
                on_ready()
            await self._ending.wait()
            self._say("Stopping …")
        finally:
            self._ending.set()
            await self._end()
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        if self._failed is not None:
            raise self._failed

    async def _start(self, child: Child) -> None:
        with _log_file(self._logs / f"{child.name}.log") as log:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *child.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **child.environment},
            )

    async def _answers(self, child: Child) -> bool:
        """Waits until the child answers; gives False if the end came first."""
        while not self._ending.is_set():
            if await child.ready():
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 0.2)
        return False

    async def _watch(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        while child.process is not None:
            code = await child.process.wait()
            if self._ending.is_set():
                return
            now = loop.time()
            child.deaths.append(now)
            while child.deaths and child.deaths[0] < now - RESTART_WINDOW_SECONDS:
                child.deaths.popleft()
            if len(child.deaths) > RESTARTS:
                self._give_up(child, code)
                return
            count = len(child.deaths)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), min(self._pause * 2**count, 8.0))
                return
            await self._start(child)
            self._say(
                f"The {child.name} ended ({_how(code)}); started again, {count} of {RESTARTS}."
            )

    def _give_up(self, child: Child, code: int) -> None:
        log = self._logs / f"{child.name}.log"
        self._failed = GaveUp(
            f"The {child.name} ended {RESTARTS + 1} times within five minutes ({_how(code)}).",
            hint=f"Its last words stand in {log}.",
        )
        self._ending.set()

    async def _end(self) -> None:
        """Ends all children: asked first, made to when their time is up."""
        alive = [c.process for c in self._children if c.process and c.process.returncode is None]
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        waits = [asyncio.create_task(process.wait()) for process in alive]
        if waits:
            await asyncio.wait(waits, timeout=self._end_seconds)
        for process in alive:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        await asyncio.gather(*waits)


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _log_file(path: Path) -> IO[bytes]:
    """Opens a child's log to be added to; one that has grown too long becomes the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _KEEP_LOG:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")

"""The supervisor keeps its children alive, within bounds, and ends them all."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from earmark.supervisor import Child, GaveUp, Supervisor

STAY = "import time\nwhile True: time.sleep(60)"


async def at_once() -> bool:
    return True


def child(name: str, code: str, ready: Callable[[], Awaitable[bool]] = at_once) -> Child:
    return Child(name, ["-c", code], ready)


def supervise(
    tmp_path: Path, *children: Child, until: Callable[[list[str]], bool], end_seconds: float = 9
) -> list[str]:
    """Runs until *until* is true of what was said, then sends SIGTERM; gives what was said."""
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if until(said):
            os.kill(os.getpid(), signal.SIGTERM)

    supervisor = Supervisor(
        children, tmp_path / "logs", say, end_seconds=end_seconds, pause_seconds=0
    )
    asyncio.run(supervisor.run(lambda: say("ready")))
    return said


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_are_ended_when_it_is_told_to_stop(tmp_path: Path) -> None:
    one, two = child("one", STAY), child("two", STAY)
    said = supervise(tmp_path, one, two, until=lambda said: said == ["ready"])
    assert said == ["ready", "Stopping …"]
    for each in (one, two):
        assert each.process is not None
        assert each.process.returncode == -signal.SIGTERM
        assert not is_alive(each.process.pid)


def test_one_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    dies_once = (
        f"import pathlib, sys\nm = pathlib.Path({str(mark)!r})\n"
        f"if not m.exists():\n    m.touch(); sys.exit(3)\n{STAY}"
    )
    said = supervise(
        tmp_path,
        child("worker", dies_once, ready=lambda: asyncio.sleep(0, mark.exists())),
        until=lambda said: "ready" in said and any("started again" in line for line in said),
    )
    assert "The worker ended (exit code 3); started again, 1 of 5." in said


def test_one_that_dies_again_and_again_is_given_up_and_the_others_ended(tmp_path: Path) -> None:
    other = child("other", STAY)
    with pytest.raises(GaveUp, match="6 times") as error:
        supervise(tmp_path, other, child("worker", "raise SystemExit(1)"), until=lambda _: False)
    assert "worker.log" in error.value.hint
    assert other.process is not None
    assert not is_alive(other.process.pid)


def test_one_that_will_not_end_is_made_to(tmp_path: Path) -> None:
    deaf = (
        "import signal, pathlib\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(tmp_path / 'up')!r}).touch()\n{STAY}"
    )
    stubborn = child("deaf", deaf, ready=lambda: asyncio.sleep(0, (tmp_path / "up").exists()))
    supervise(tmp_path, stubborn, until=lambda said: said == ["ready"], end_seconds=0.1)
    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL


def test_what_a_child_says_stands_in_its_log(tmp_path: Path) -> None:
    speaks = child("speaks", f"print('hello', flush=True)\n{STAY}")
    log = tmp_path / "logs" / "speaks.log"
    speaks.ready = lambda: asyncio.sleep(0, log.exists() and "hello" in log.read_text())
    supervise(tmp_path, speaks, until=lambda said: said == ["ready"])
    assert log.read_text() == "hello\n"

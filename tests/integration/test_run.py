"""`earmark run` as a person has it: it starts, says where, mends itself, and ends clean."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """An `earmark run` in a process of its own; reads what it says line by line."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "earmark", "run", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def hear(self, words: str) -> str:
        """Reads on to the line that has *words*."""
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if words in line:
                return line.strip()
        raise AssertionError(f"never said {words!r}: {said}")

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def running(data: Path) -> Iterator[Running]:
    running = Running("--data", str(data), "--port", str(free_port()), "--no-demo")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.communicate()


def worker_of(data: Path) -> int:
    with sqlite3.connect(f"file:{data / 'earmark.db'}?mode=ro", uri=True) as database:
        [(pid,)] = database.execute("SELECT pid FROM heartbeat WHERE name = 'worker'")
    database.close()
    return int(pid)


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        pytest.skip("This system does not list the children of a process.")
    return [int(child) for child in found.read_text().split()]


def test_it_starts_mends_itself_says_a_second_start_what_runs_and_ends(
    running: Running, data: Path
) -> None:
    address = running.hear("earmark is ready").split()[-1]
    assert json.loads((data / "running.json").read_text())["address"] == address

    second = subprocess.run(
        [sys.executable, "-m", "earmark", "run", "--data", str(data)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert second.returncode == 4
    assert address in second.stderr

    os.kill(worker_of(data), signal.SIGKILL)
    assert "worker ended (killed by SIGKILL); started again" in running.hear("worker ended")

    children = children_of(running.process.pid)
    assert len(children) == 2
    code, rest = running.end()
    assert (code, rest.splitlines()[-1]) == (0, "Stopped.")
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_taken_port_is_said(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [sys.executable, "-m", "earmark", "run", "--data", str(data), "--port", port,
             "--no-demo"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert refused.returncode == 2
    assert f"Port {port} is taken" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1

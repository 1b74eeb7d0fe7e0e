"""The data folder of an installation: who runs in it, and on which ports."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from earmark_core.errors import ConfigError, EarmarkError

_SEARCHED = 20


class AlreadyRunning(EarmarkError):
    """earmark runs in this data folder already."""

    exit_code = 4


@contextmanager
def only_one(data_dir: Path) -> Iterator[IO[str]]:
    """Holds the data folder for as long as the context lasts.

    Raises:
        AlreadyRunning: another process holds it; says where it answers.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "running.json").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"earmark already runs here{_where(file)}.",
                subject=str(data_dir),
                hint="Use that one, or give another folder with --data.",
            ) from None
        try:
            yield file
        finally:
            file.truncate(0)


def note_address(file: IO[str], address: str) -> None:
    """Writes into the held file where this installation answers."""
    file.truncate(0)
    file.seek(0)
    json.dump({"pid": os.getpid(), "address": address}, file)
    file.flush()


def _where(file: IO[str]) -> str:
    file.seek(0)
    try:
        facts = json.load(file)
    except ValueError:
        return ""
    return f" at {facts['address']} (process {facts['pid']})"


def free_port(host: str, wanted: int, *, exactly: bool) -> int:
    """Gives *wanted*, or the next free port after it unless it has to be *exactly* that one.

    Raises:
        ConfigError: no such port is free.
    """
    for port in range(wanted, wanted + (1 if exactly else _SEARCHED)):
        if _is_free(host, port):
            return port
    raise ConfigError(
        f"Port {wanted} is taken by another program.",
        subject="port",
        hint="Give another one with --port.",
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

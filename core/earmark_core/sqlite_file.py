"""What a SQLite file must be before it is opened.

Opening a missing path makes an empty database; opening a cut-off one shows errors much later.
Both are found here, before anything is written.
"""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

from earmark_core.errors import StoreUnusable

_MAGIC = b"SQLite format 3\x00"
_LOOKS = 50
_LOOK_SECONDS = 0.1
_NOTHING_HAPPENS = Event()


def refuse_unusable(
    path: Path, *, may_create: bool, wait: Callable[[float], object] = _NOTHING_HAPPENS.wait
) -> None:
    """Returns if the file can be opened, or may be made; sees only header, size and mode.

    *wait* passes seconds while another process may be writing the file.

    Raises:
        StoreUnusable: says which of these is wrong and what to do.
    """
    if not path.exists():
        if not may_create:
            raise StoreUnusable(
                "There is no database here yet.",
                subject=str(path),
                hint="`earmark run` makes one, and so do init, demo, apply and import.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    if not path.is_file():
        raise StoreUnusable("This is not a file.", subject=str(path), hint="Name a file.")
    _refuse_read_only(path)
    _refuse_cut_off(path, wait)


def _refuse_read_only(path: Path) -> None:
    # The mode is read, not tried: an administrator could write in spite of it and should not.
    for place in (path, path.parent):
        if not place.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise StoreUnusable(
                "The database is read-only.",
                subject=str(place),
                hint="Make file and folder writable, or point database_url elsewhere.",
            )


def _refuse_cut_off(path: Path, wait: Callable[[float], object]) -> None:
    wal = path.with_name(path.name + "-wal")
    problem = _cut_off(path)
    for _ in range(_LOOKS):
        # A checkpoint of another process writes the header before the pages it speaks of.
        if not problem or not wal.exists():
            break
        wait(_LOOK_SECONDS)
        problem = _cut_off(path)
    if problem and wal.exists() and wal.stat().st_size and _is_whole_with_log(path):
        return  # killed in the middle of a checkpoint: the log holds what the file lacks
    if problem:
        raise StoreUnusable(
            f"The file {problem}.",
            subject=str(path),
            hint="Restore it from a backup; move it away only if it may be lost.",
        )


def _is_whole_with_log(path: Path) -> bool:
    """Has SQLite look through all of it; slow, and asked only where the size is in doubt."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError:
        return False
    return found == [("ok",)]


def _cut_off(path: Path) -> str:
    """Gives what is wrong with the file's beginning or its size, nothing if all is well."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100:
        return "is empty or cut off"
    if not header.startswith(_MAGIC):
        return "is not a SQLite database"
    # https://www.sqlite.org/fileformat2.html §1.3: page size at 16 (1 means 65,536), pages at 28,
    # which holds only if "version valid for" at 92 equals the change counter at 24.
    page = int.from_bytes(header[16:18], "big")
    whole = (65_536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    if header[24:28] == header[92:96] and size < whole:
        return f"is cut off: {size:,} of {whole:,} bytes are there"
    return ""

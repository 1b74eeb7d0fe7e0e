"""What the stream says, on either of its two wires. Pure.

v1: `{"did","time_us","kind":"commit","commit":{"operation","collection","rkey","cid","record"}}`;
its place is a time in microseconds. v2: `{"$type":"message","payload":{"$type":"…#commit","seq",
"did","time","operation",…}}`; its place is a number (bluesky-social/jetstream, docs/README.md).
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from earmark_core.errors import Malformed
from earmark_core.text import clean
from earmark_listeners.bluesky_posts import POSTS, Post, read_post

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
# How the server writes a message today: its own fields first. Whatever begins otherwise is read
# whole, for a record may hold fields of the same names.
_V1 = re.compile(rb'\{"did":"[^"\\]{1,300}","time_us":(\d{1,17}),')
_V2 = re.compile(
    rb'\{"\$type":"message","payload":\{"\$type":"[^"\\]{1,200}#commit","seq":(\d{1,19}),'
    rb'"did":"[^"\\]{1,300}","time":"([^"\\]{1,40})",'
)


@dataclass(frozen=True, slots=True)
class Where:
    """Where a message stands: its time in microseconds, and its number (0 on v1)."""

    time: int
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """What was done to one post, or to anything else (`is_post` False)."""

    where: Where
    uri: str = ""
    operation: str = ""
    did: str = ""
    cid: str = ""
    record: Any = None

    @property
    def is_post(self) -> bool:
        """Says whether a post was made, changed or deleted."""
        return self.operation in ("create", "update", "delete")

    def view(self) -> dict[str, Any]:
        """Gives the post as an AppView would show it, of which less is known here."""
        return {
            "uri": self.uri, "cid": self.cid, "author": {"did": self.did}, "record": self.record,
            "indexedAt": moment_of(self.where.time).isoformat(),
        }  # fmt: skip

    def post(self) -> Post:
        """Gives the post; raises `Malformed` with what is wrong in it."""
        return read_post(self.view())


class ErrorFrame(Exception):
    """The server says why it ends the stream: `name` is its word for it."""

    def __init__(self, name: str, words: str) -> None:
        self.name = name
        self.words = words
        super().__init__(name)


def quickly(frame: bytes) -> Where | None:
    """Gives where a message stands by its first bytes; None where it has to be read."""
    found = _V1.match(frame)
    if found is not None:
        return Where(int(found[1]))
    found = _V2.match(frame)
    if found is None:
        return None
    time = micros(found[2].decode("ascii", "replace"))
    return None if time is None else Where(time, int(found[1]))


def read(frame: bytes) -> Commit:
    """Gives what a message says.

    Raises `ErrorFrame` for the server's last word, `Malformed` for what cannot be read.
    """
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        raise Malformed("A message is not readable JSON.") from None
    if not isinstance(said, dict):
        raise Malformed("A message is no object.")
    payload = said.get("payload", said)
    if not isinstance(payload, dict):
        raise Malformed("A message holds no object.")
    if said.get("$type") == "error" or str(payload.get("$type")).endswith("#error"):
        name, words = (_first(key, said, payload) for key in ("error", "message"))
        raise ErrorFrame(clean(name, limit=100), clean(words, limit=200))
    where = _where(payload)
    commit = payload.get("commit", payload)
    if not isinstance(commit, dict) or commit.get("collection") != POSTS:
        return Commit(where)  # an account's doings, or another collection
    return _commit(where, payload, commit)


def _commit(where: Where, payload: dict[str, Any], commit: dict[str, Any]) -> Commit:
    did, key = payload.get("did"), commit.get("rkey")
    for value in (did, key):
        if not isinstance(value, str) or not 0 < len(value) <= 300 or "/" in value:
            raise Malformed("A message does not say which post it is about.")
    operation = commit.get("operation")
    if operation not in ("create", "update", "delete"):
        raise Malformed("A message does not say what was done.")
    cid = commit.get("cid")
    return Commit(
        where, f"at://{did}/{POSTS}/{key}", operation, str(did),
        cid if isinstance(cid, str) and cid else "unknown", commit.get("record"),
    )  # fmt: skip


def _where(payload: dict[str, Any]) -> Where:
    time, seq = payload.get("time_us"), payload.get("seq", 0)
    if time is None:
        time = micros(payload.get("time"))
    for number in (time, seq):
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
            raise Malformed("A message does not say when it was.")
    return Where(int(time or 0), seq)


def _first(key: str, *places: dict[str, Any]) -> str:
    return next((each[key] for each in places if isinstance(each.get(key), str)), "")


def micros(value: object) -> int | None:
    """Gives a written time in microseconds since 1970; None for what is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return micros_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def micros_of(moment: datetime) -> int:
    """Gives a moment in microseconds since 1970."""
    return (moment - _EPOCH) // _MICRO


def moment_of(time: int) -> datetime:
    """Gives the moment of a time in microseconds; only for one that was found to be near now."""
    return _EPOCH + timedelta(microseconds=time)

"""The state file: the fake platform comes back after its own restart as it was."""

import json
import logging
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from earmark.demo.script import Script
from earmark.demo.world import Notice, Planned, Post, World

log = logging.getLogger(__name__)
_FORM = 1


class StateFile:
    """Keeps a world in one JSON file, written whole and moved into place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept_changes = -1
        self._kept_at: datetime | None = None

    def load(self, script: Script) -> World | None:
        """Gives the world as it was saved, None if there is none.

        A file that cannot be read is moved aside as `….unreadable`, never overwritten.
        """
        if not self.path.exists():
            return None
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            if document["form"] != _FORM:
                raise ValueError(f"form {document['form']} of the state file is not known")
            world = _world(document, script)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            aside = self.path.with_suffix(self.path.suffix + ".unreadable")
            self.path.replace(aside)
            log.warning("The demo's state could not be read (%s); moved to %s", error, aside)
            return None
        self._kept_changes = world.changes
        return world

    def save(self, world: World, *, at_most_every: float = 0) -> None:
        """Writes the world if it changed and the last time is *at_most_every* seconds ago."""
        if world.changes == self._kept_changes:
            return
        if self._kept_at and (world.now - self._kept_at).total_seconds() < at_most_every:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(self.path.suffix + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(_document(world), file, default=_plain, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        self._kept_changes, self._kept_at = world.changes, world.now


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not belong into the state file")


def _document(world: World) -> dict[str, Any]:
    return {
        "form": _FORM,
        "started_at": world.started_at,
        "now": world.now,
        "awake_since": world.awake_since,
        "next_live": world.next_live,
        "changes": world.changes,
        "counters": world.counters,
        "keys": world.keys,
        "posts": [asdict(post) for post in world.posts.values()],
        "notices": [asdict(notice) for notice in world.notices],
        "planned": [asdict(planned) for planned in sorted(world.planned)],
    }


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _post(raw: dict[str, Any]) -> Post:
    raw["at"], raw["edited_at"] = _time(raw["at"]), _time(raw["edited_at"])
    raw["revisions"] = [(datetime.fromisoformat(at), text) for at, text in raw["revisions"]]
    return Post(**raw)


def _world(document: dict[str, Any], script: Script) -> World:
    world = World(script, datetime.fromisoformat(document["started_at"]))
    world.now = datetime.fromisoformat(document["now"])
    world.awake_since = _time(document["awake_since"])
    world.next_live = _time(document["next_live"])
    world.counters = document["counters"]
    world.keys = {
        key: (post_id, datetime.fromisoformat(at))
        for key, (post_id, at) in document["keys"].items()
    }
    posts = [_post(raw) for raw in document["posts"]]
    world.posts = {post.id: post for post in posts}
    world.notices = [Notice(**raw) for raw in document["notices"]]
    world.planned = [
        Planned(**{**raw, "at": datetime.fromisoformat(raw["at"])}) for raw in document["planned"]
    ]
    world.restore_ids(world.posts)
    world.changes = document["changes"]
    return world

"""How earmark's own processes reach the demo: its address, and the token of the demo brand.

The address is kept in the data folder, so that the terminal reaches the same platform as the
worker. It is the one loopback address that is allowed without an entry in the settings.
"""

import json
import re
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from sqlmodel import col, select

from earmark_config import seeds
from earmark_core.clock import Clock
from earmark_core.model import SYSTEM
from earmark_core.store import Store
from earmark_core.tables import AuditEntry, Brand, Source
from earmark_listeners import monitor, registry
from earmark_listeners.asking import paused_because

TOKEN_NAME = "EARMARK_DEMO_TOKEN"  # noqa: S105 - the name of a variable, and a demo's at that
TOKEN = "demo-brand-token"  # noqa: S105 - opens nothing but the fake platform on loopback
_BASE = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """What a process needs to reach the demo; empty where there is none."""

    allow: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()


def read(data_dir: Path) -> DemoAccess:
    """Gives the access to the demo of this installation, if it has one."""
    port = last_port(data_dir)
    if port is None:
        return DemoAccess()
    return DemoAccess((f"127.0.0.1:{port}",), ((TOKEN_NAME, TOKEN),))


def last_port(data_dir: Path) -> int | None:
    """Gives the port the demo had when it was last started here."""
    try:
        return int(json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_port(data_dir: Path, port: int) -> None:
    """Keeps the port for the next start and for the terminal."""
    (data_dir / "demo.json").write_text(json.dumps({"port": port}), encoding="utf-8")


def is_fresh(store: Store) -> bool:
    """Tells whether nothing was ever set up here: then the demo makes the first start useful."""
    with store.read() as session:
        return (
            session.exec(select(Brand.id).limit(1)).first() is None
            and session.exec(select(AuditEntry.id).limit(1)).first() is None
        )


def has_demo(store: Store) -> bool:
    """Tells whether the demo's brands are here."""
    with store.read() as session:
        return session.exec(select(Brand.id).where(col(Brand.is_demo)).limit(1)).first() is not None


def add(store: Store, clock: Clock, port: int) -> None:
    """Adds the demo's brands and sources; doing it twice changes nothing."""
    with as_file(files("earmark_config") / "demo.toml") as path:
        seed = seeds.read_seed(
            path,
            variables={"demo": f"http://127.0.0.1:{port}"},
            check_source=lambda channel, options: registry.checked_options(
                registry.channel(channel), options
            ),
            check_query=monitor.parse,
        )
    seeds.apply(store, seed, clock, SYSTEM, is_demo=True, pauses=paused_because)


def point_at(store: Store, port: int, *, on: bool) -> None:
    """Lets the demo's sources poll the platform's present port; *on* False pauses them."""
    base = f"http://127.0.0.1:{port}"
    with store.write() as session:
        for source in session.exec(select(Source).where(col(Source.is_demo))):
            if not on or not paused_because(source.channel):
                source.is_enabled = on
            source.options = {
                key: _BASE.sub(base, value) if isinstance(value, str) else value
                for key, value in source.options.items()
            }

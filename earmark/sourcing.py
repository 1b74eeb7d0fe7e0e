"""Making a source: what a channel asks, a try that stores nothing, and saving it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import Session, col, select

from earmark.app import Parts
from earmark_core import audit
from earmark_core.access import require
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Role
from earmark_core.tables import Brand, Source
from earmark_listeners import asking, monitor, registry
from earmark_listeners.asking import ChannelChoice, NewSource
from earmark_listeners.probing import Probed, probe

_SHORTEST_SECONDS = 60
_LONGEST_SECONDS = 21_600
_LONGEST_NAME = 200


class SourceSetup:
    """How sources are made, as the pages and the terminal ask for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def choices(self, actor: Actor) -> tuple[ChannelChoice, ...]:
        """Gives every channel with what it asks."""
        require(actor, Role.viewer, "see channels")
        return asking.choices()

    def probe(self, actor: Actor, channel: str, options: Mapping[str, Any]) -> Probed:
        """Tries a source and gives up to five of its items; nothing is stored.

        Takes 45 seconds at most, and may not be called where an event loop runs.

        Raises:
            ConfigError: the channel or an option is wrong, or a secret is not there.
        """
        require(actor, Role.manager, "try a source")
        return asyncio.run(self._probe(channel, options))

    async def _probe(self, channel: str, options: Mapping[str, Any]) -> Probed:
        # A door of its own: the process's may belong to another event loop.
        async with self._parts.dial() as fetcher:
            return await probe(replace(self._parts, fetcher=fetcher).build(channel, options))

    def add(self, actor: Actor, wanted: NewSource) -> int:
        """Saves a source and gives its number; it is polled at once.

        One of a channel that is off by default is saved paused.

        Raises:
            ConfigError: an option, the name, the interval or a query is wrong, or the brand has a
                source of that name; nothing was saved.
        """
        require(actor, Role.manager, "add a source")
        values = _checked(wanted)
        now = self._parts.clock()
        with self._parts.store.write() as session:
            brand = _brand(session, wanted)
            source = Source(
                **values,
                brand_id=wanted.brand_id,
                is_demo=brand.is_demo,
                next_poll_at=now,
                created_at=now,
            )
            session.add(source)
            session.flush()
            audit.record(
                session, at=now, by=actor.name, action="added", subject="source",
                subject_id=source.id or 0, before={}, after=values,
            )  # fmt: skip
            return source.id or 0


def _checked(wanted: NewSource) -> dict[str, Any]:
    """Gives the columns of the source, after the channel and the query language agreed."""
    kind = registry.channel(wanted.channel)
    given = registry.checked_options(kind, wanted.options)
    for query in (wanted.include, wanted.exclude):
        if query:
            monitor.parse(query)
    seconds = wanted.interval_seconds or kind.rules.default_interval_seconds
    if seconds < kind.rules.min_interval_seconds:
        raise ConfigError(
            f"{wanted.channel} may be polled every {kind.rules.min_interval_seconds} seconds "
            "at most.",
            hint="Take a longer interval.",
            subject="interval",
        )
    return {
        "channel": wanted.channel,
        "name": _name(wanted.name),
        "options": given.model_dump(mode="json", include=given.model_fields_set),
        "include": wanted.include,
        "exclude": wanted.exclude,
        "takes_all": wanted.takes_all,
        "is_enabled": not kind.off_by_default,
        "interval_seconds": seconds,
        "min_interval_seconds": min(_SHORTEST_SECONDS, seconds),
        "max_interval_seconds": max(_LONGEST_SECONDS, seconds),
    }


def _name(said: str) -> str:
    name = said.strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise ConfigError(
            f"A source needs a name of 1 to {_LONGEST_NAME} characters.", subject="name"
        )
    return name


def _brand(session: Session, wanted: NewSource) -> Brand:
    brand = session.get(Brand, wanted.brand_id)
    if brand is None:
        raise ConfigError("There is no such brand.", subject=f"brand {wanted.brand_id}")
    name = wanted.name.strip()
    taken = select(Source.id).where(col(Source.brand_id) == brand.id, col(Source.name) == name)
    if session.exec(taken).first() is not None:
        raise ConfigError(
            f"{brand.name} has a source of that name already.",
            hint="Give it another name.",
            subject=name,
        )
    return brand

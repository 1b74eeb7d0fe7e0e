"""What a seed would change in the database, and changing it.

A seed adds and changes; it removes nothing. What the seed does not say is left as it is, so that
what people changed on a page survives the next apply.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from sqlmodel import Session, SQLModel, select

from earmark_config.seed import BrandSeed, PersonSeed, Seed, SourceSeed, TopicSeed
from earmark_core import audit
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, Monitor, Person, Policy, SavedReply, Source, Topic

Action = Literal["add", "change", "same"]
Pauses = Callable[[str], str]
"""Says in words why a new source of a channel is made paused, "" where it is not."""

# The limits between which a source's interval adapts, unless the seed's interval lies outside.
_SHORTEST_SECONDS = 60
_LONGEST_SECONDS = 21_600


@dataclass(frozen=True, slots=True)
class Change:
    """What a seed does to one row: `before` and `after` hold only what differs.

    `kind` is brand, monitor, source, topic, policy, saved reply or person. `subject` names the row
    for a person; `covers` is what the seed says of a source, and `paused` why a new one is paused.
    """

    kind: str
    subject: str
    action: Action
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    covers: str = ""
    paused: str = ""


@dataclass(slots=True)
class _Step:
    """One row that the seed asks for: the one that is there, or None, and what it shall hold.

    `changed` is called on a row that changes, after its new values are set.
    """

    kind: str
    subject: str
    row: SQLModel | None
    wanted: dict[str, Any]
    make: Callable[[], SQLModel]
    changed: Callable[[Any, Mapping[str, Any]], None] | None = None
    covers: str = ""
    paused: str = ""

    def change(self) -> Change:
        """Compares what is there with what is asked for."""
        if self.row is None:
            after = self.wanted | ({"is_enabled": False} if self.paused else {})
            return Change(self.kind, self.subject, "add", {}, after, self.covers, self.paused)
        there = {key: getattr(self.row, key) for key in self.wanted}
        before = {key: value for key, value in there.items() if value != self.wanted[key]}
        after = {key: self.wanted[key] for key in before}
        is_moved = "channel" in after and bool(self.paused)
        if is_moved:
            before["is_enabled"], after["is_enabled"] = getattr(self.row, "is_enabled", True), False
        action: Action = "change" if before else "same"
        why = self.paused if is_moved else ""
        return Change(self.kind, self.subject, action, before, after, self.covers, why)


def _never(_channel: str) -> str:
    return ""


def plan(
    store: Store, seed: Seed, *, is_demo: bool = False, pauses: Pauses = _never
) -> tuple[Change, ...]:
    """Gives what `apply` would do, in its order, and writes nothing.

    Raises:
        ConfigError: a brand of that name is in the database, as demo or not, but the other way.
    """
    with store.read() as session:
        changes = [_people_step(session, person).change() for person in seed.people]
        for wanted in seed.brands:
            step = _brand_step(session, wanted, is_demo=is_demo)
            changes.append(step.change())
            brand_id = None if step.row is None else getattr(step.row, "id", None)
            changes += [
                inner.change()
                for inner in _inner_steps(session, wanted, brand_id, pauses, is_demo=is_demo)
            ]
        session.rollback()
    return tuple(changes)


def apply(
    store: Store,
    seed: Seed,
    clock: Clock,
    actor: Actor,
    *,
    is_demo: bool = False,
    pauses: Pauses = _never,
) -> tuple[Change, ...]:
    """Writes the seed in one transaction and gives what it did; a second time all is the same.

    Each row that is added or changed has an audit entry. A source that is pointed elsewhere
    starts from the beginning there, as a new one would. *is_demo* marks brands and sources as
    part of the demo, which `remove_demo` takes away. *pauses* knows which channels begin paused:
    a source that a person resumed stays resumed.

    Raises:
        ConfigError: as `plan`; nothing was written.
        NotAllowed: the actor is no manager.
    """
    require(actor, Role.manager, "apply a seed")
    changes = []
    with store.write() as session:
        write = _Writer(session, clock, actor)
        changes += [write(_people_step(session, person))[0] for person in seed.people]
        for wanted in seed.brands:
            change, brand = write(_brand_step(session, wanted, is_demo=is_demo))
            changes.append(change)
            for step in _inner_steps(session, wanted, brand.id, pauses, is_demo=is_demo):
                changes.append(write(step)[0])
    return tuple(changes)


class _Writer:
    """Carries out steps inside one transaction, each with its audit entry."""

    def __init__(self, session: Session, clock: Clock, actor: Actor) -> None:
        self._session, self._actor, self._at = session, actor, clock()

    def __call__(self, step: _Step) -> tuple[Change, Any]:
        change = step.change()
        row = step.row
        if change.action == "same":
            return change, row
        if row is None:
            row = step.make()
            self._set(row, dict.fromkeys(("created_at", "updated_at", "next_poll_at"), self._at))
        else:
            self._set(row, {"updated_at": self._at})
        self._set(row, change.after)
        if change.action == "change" and step.changed is not None:
            step.changed(row, change.after)
            if "options" in change.after:
                self._set(row, {"next_poll_at": self._at})
        self._session.add(row)
        self._session.flush()
        audit.record(
            self._session,
            at=self._at,
            by=self._actor.name,
            action="added" if change.action == "add" else "changed",
            subject=step.kind.replace(" ", "_"),
            subject_id=getattr(row, "id", 0),
            before=dict(change.before),
            after=dict(change.after),
            reason="seed",
        )
        return change, row

    @staticmethod
    def _set(row: SQLModel, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            if key in type(row).model_fields:
                setattr(row, key, value)


def _people_step(session: Session, person: PersonSeed) -> _Step:
    row = session.exec(select(Person).where(Person.name == person.name)).one_or_none()
    wanted: dict[str, Any] = {"name": person.name, "role": person.role.value}
    return _Step("person", person.name, row, wanted, lambda: Person(**wanted))


def _brand_step(session: Session, brand: BrandSeed, *, is_demo: bool) -> _Step:
    row = session.exec(select(Brand).where(Brand.name == brand.name)).one_or_none()
    if row is not None and row.is_demo != is_demo:
        what = "is no part of the demo" if is_demo else "is part of the demo"
        raise ConfigError(
            f"this brand is in the database already and {what}",
            subject=brand.name,
            hint="Remove the demo first, or give the brand another name.",
        )
    wanted: dict[str, Any] = {"name": brand.name}
    if "names" in brand.model_fields_set:
        wanted["names"] = list(brand.names)
    if "competitor" in brand.model_fields_set:
        wanted["is_competitor"] = brand.competitor
    return _Step("brand", brand.name, row, wanted, lambda: Brand(**wanted, is_demo=is_demo))


def _inner_steps(
    session: Session, brand: BrandSeed, brand_id: int | None, pauses: Pauses, *, is_demo: bool
) -> Iterator[_Step]:
    """Gives the steps for what belongs to a brand; a brand of no id is not there yet."""

    def found(table: type[Any], name: str | None) -> Any:
        if brand_id is None:
            return None
        query = select(table).where(table.brand_id == brand_id)
        if name is not None:
            query = query.where(table.name == name)
        return session.exec(query).one_or_none()

    def step(kind: str, table: type[Any], entry: BaseModel, name: str | None) -> _Step:
        wanted = entry.model_dump(exclude_unset=True, exclude={"covers"})
        return _Step(
            kind,
            brand.name if name is None else f"{brand.name} / {name}",
            found(table, name),
            wanted,
            lambda: table(brand_id=brand_id, **wanted),
        )

    for monitor in brand.monitors:
        inner = step("monitor", Monitor, monitor, monitor.name)
        inner.changed = _count_edit
        yield inner
    for source in brand.sources:
        inner = step("source", Source, source, source.name)
        inner.changed = _move_source
        inner.covers = source.covers
        inner.paused = pauses(source.channel)
        inner.make = _source_maker(brand_id, source, inner.wanted, is_demo=is_demo)
        yield inner
    for topic in brand.topics:
        yield _topic_step(session, brand.name, brand_id, topic)
    if brand.policy is not None:
        yield step("policy", Policy, brand.policy, None)
    for reply in brand.saved_replies:
        yield step("saved reply", SavedReply, reply, reply.name)


def _topic_step(session: Session, brand: str, brand_id: int | None, topic: TopicSeed) -> _Step:
    wanted: dict[str, Any] = {"area": topic.area, "name": topic.name, "words": list(topic.words)}
    query = select(Topic).where(
        Topic.brand_id == brand_id, Topic.area == topic.area, Topic.name == topic.name
    )
    row = None if brand_id is None else session.exec(query).one_or_none()
    subject = f"{brand} / {topic.area} > {topic.name}"
    return _Step("topic", subject, row, wanted, lambda: Topic(**{**wanted, "brand_id": brand_id}))


def _count_edit(monitor: Monitor, _after: Mapping[str, Any]) -> None:
    monitor.version += 1


def _source_maker(
    brand_id: int | None, source: SourceSeed, wanted: dict[str, Any], *, is_demo: bool
) -> Callable[[], Source]:
    def make() -> Source:
        row = Source(**{**wanted, "brand_id": brand_id, "is_demo": is_demo})
        _fit_limits(row, source.interval_seconds)
        return row

    return make


def _fit_limits(source: Source, interval_seconds: int) -> None:
    source.pace_seconds = 0
    source.min_interval_seconds = source.max_interval_seconds = interval_seconds
    if not source.is_demo:  # the demo's people answer in seconds, however quiet they were before
        source.min_interval_seconds = min(_SHORTEST_SECONDS, interval_seconds)
        source.max_interval_seconds = max(_LONGEST_SECONDS, interval_seconds)


def _move_source(source: Source, after: Mapping[str, Any]) -> None:
    """Forgets where the old place was left off: its cursor means nothing at the new one."""
    if "interval_seconds" in after:
        _fit_limits(source, after["interval_seconds"])
    if "options" in after or "channel" in after:
        source.cursor = None
        source.first_polled_at = None
        source.not_before = None
        source.needs_person = False
        source.error_streak = 0
        source.error = ""
        source.error_hint = ""

"""What the people of the demo are called, what they say, and how the story runs."""

import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

_SLOT = re.compile(r"\{(order|n|min|city|model|amount)\}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account on the fake platform."""

    handle: str
    name: str
    temper: str = "patient"
    lang: str = "en"
    followers: int = 0
    note: str = ""
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that can be said, with its slots still open."""

    kind: str
    text: str
    place: str = "social"
    lang: str = "en"
    title: str = ""
    rating: int | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """Posts of one kind on top of a day, between two hours UTC."""

    kind: str
    posts: int
    start_hour: int
    end_hour: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the past: how much was said, and what more than usual."""

    ago: int
    posts: int
    extra: Mapping[str, float] = field(default_factory=dict)
    wave: Wave | None = None


@dataclass(frozen=True, slots=True)
class Chances:
    """How soon (seconds, from and to) people come back to a post, and how likely they change it."""

    seconds: tuple[float, float]
    edits: float
    deletes: float
    most_in_a_thread: int = 0


@dataclass(frozen=True)
class Script:
    """Everything the fake platform may say."""

    brand: Person
    people: tuple[Person, ...]
    lines: Mapping[str, tuple[Line, ...]]
    reactions: Mapping[str, Mapping[str, tuple[str, ...]]]
    tempers: Mapping[str, Mapping[str, float]]
    mix: Mapping[str, float]
    days: tuple[Day, ...]
    pace: tuple[tuple[int, tuple[float, float]], ...]
    reaction: Chances
    whims: Chances
    slots: Mapping[str, tuple[str, ...]]

    def person(self, handle: str) -> Person | None:
        """Gives the account of that name, the brand's own included."""
        return next((p for p in (self.brand, *self.people) if p.handle == handle), None)

    def fill(self, text: str, rng: random.Random) -> str:
        """Fills the slots of *text*; braces that are no slot stay as they are."""
        return _SLOT.sub(lambda found: self._slot(found[1], rng), text)

    def _slot(self, name: str, rng: random.Random) -> str:
        if name == "order":
            return f"BC-{rng.randint(20_000, 79_999)}"
        if name == "n":
            return str(rng.randint(2, 9))
        if name == "min":
            return str(rng.randrange(20, 95, 5))
        return rng.choice(self.slots[name])

    def speaker(self, line: Line, rng: random.Random) -> Person:
        """Gives who says *line*: its own author, else somebody who speaks its language."""
        named = self.person(line.author)
        if named is not None:
            return named
        if line.place in {"news", "blog"}:
            return Person(handle=_bylines(line.place, rng), name="")
        able = [p for p in self.people if p.lang == line.lang and not p.is_bot]
        return rng.choice(able)

    def gap(self, already: int) -> tuple[float, float]:
        """Gives the seconds between two live posts, from and to, after *already* many."""
        return next(gap for after, gap in reversed(self.pace) if already >= after)


def _bylines(place: str, rng: random.Random) -> str:
    names = ("The Counter", "Appliance Weekly", "Port Gazette", "Quillbury Courier")
    return rng.choice(names) if place == "news" else "Slow Drip"


def _lines(groups: list[dict[str, Any]]) -> dict[str, tuple[Line, ...]]:
    found: dict[str, list[Line]] = {}
    for group in groups:
        shared = {key: group[key] for key in ("kind", "place", "lang") if key in group}
        entries = [{"text": text} for text in group.get("texts", ())] + group.get("entries", [])
        found.setdefault(group["kind"], []).extend(Line(**shared, **entry) for entry in entries)
    return {kind: tuple(lines) for kind, lines in found.items()}


def _person(raw: dict[str, Any]) -> Person:
    return Person(is_bot=raw.pop("bot", False), **raw)


def _day(raw: dict[str, Any]) -> Day:
    wave = raw.get("wave")
    return Day(
        ago=raw["ago"],
        posts=raw["posts"],
        extra=raw.get("extra", {}),
        wave=Wave(wave["kind"], wave["posts"], wave["from"], wave["to"]) if wave else None,
    )


def _chances(raw: dict[str, Any]) -> Chances:
    low, high = raw["seconds"]
    return Chances((low, high), raw["edits"], raw["deletes"], raw.get("most_in_a_thread", 0))


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("earmark.demo").joinpath(name).read_text(encoding="utf-8"))


@cache
def load_script() -> Script:
    """Gives the story that ships with earmark."""
    people, posts = _data("people.toml"), _data("posts.toml")
    reactions, story = _data("reactions.toml"), _data("story.toml")
    tempers = reactions.pop("temper")
    return Script(
        brand=_person(people["brand"]),
        people=tuple(_person(raw) for raw in people["person"]),
        lines=_lines(posts["group"]),
        reactions={
            lang: {mood: tuple(texts) for mood, texts in moods.items()}
            for lang, moods in reactions.items()
        },
        tempers=tempers,
        mix=story["mix"],
        days=tuple(_day(raw) for raw in story["day"]),
        pace=tuple((raw["after"], (raw["gap"][0], raw["gap"][1])) for raw in story["pace"]),
        reaction=_chances(story["reaction"]),
        whims=_chances(story["whims"]),
        slots={name: tuple(values) for name, values in story["slots"].items()},
    )

"""The tree of a monitor's query: what it asks of a text and of what is known about it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a text beside its words.

    `sources` are the names that it came under: the source's own and its channel's. `lang` is
    what the source says, "" where it says nothing. `has` are of `filters.THINGS`.
    """

    author: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    lang: str = ""
    rating: float | None = None
    has: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase; `folded` is what is looked for, `column` where it was written.

    `is_prefix` lets the last word go on with any ending.
    """

    shown: str
    folded: str
    column: int
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """All these words in any order, with at most `distance` other words between them."""

    shown: str
    words: tuple[str, ...]
    distance: int
    column: int


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on what is known about the text: `name` is one of `filters.NAMES`.

    `value` is folded; for a rating, `low` and `high` are the ends of what it may be.
    """

    shown: str
    name: str
    value: str
    column: int
    low: float = field(default=float("-inf"))
    high: float = field(default=float("inf"))


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be there."""

    node: "Node"
    column: int


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these."""

    nodes: tuple["Node", ...]


Leaf = Term | Near | Filter
Node = Leaf | Not | And | Or

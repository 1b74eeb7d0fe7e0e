"""The width of the door for what people bring themselves: what they were told, and files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from earmark_core.model import Actor


@dataclass(frozen=True, slots=True)
class Told:
    """What a person was told, or saw where nothing is polled; all but `text` and `at` may be empty.

    `rating` is from 1 to 5.
    """

    text: str
    at: datetime
    author: str = ""
    handle: str = ""
    url: str = ""
    rating: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file holds: `samples` are the first of its mentions as (who, what)."""

    rows: int
    refused: int
    samples: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a file; `reasons` are the first of those for which a row was refused."""

    new: int
    known: int
    refused: int
    reasons: tuple[str, ...] = ()


class EnteringService(Protocol):
    """Takes in mentions that no poll brings; every call checks the role."""

    def write_down(self, actor: Actor, brand_id: int, told: Told) -> bool:
        """Stores what a person was told; gives False where it stands there already."""
        ...

    def look(self, actor: Actor, name: str, content: bytes) -> Looked:
        """Gives what a file holds; stores nothing."""
        ...

    def take(
        self,
        actor: Actor,
        brand_id: int,
        name: str,
        content: bytes,
        *,
        history: bool,
        tick: Callable[[int], None],
    ) -> TakenIn:
        """Stores a file's mentions and tells *tick* of each page of rows; may be repeated."""
        ...

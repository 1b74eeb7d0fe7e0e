"""What leaves a transaction of the copies that joined a case."""

from dataclasses import dataclass
from datetime import datetime

from earmark_core.tables import Case


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that joined a case; a long text is cut."""

    id: int
    at: datetime
    who: str
    channel: str
    text: str
    url: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies that joined a case, oldest first; `rows` hold the first of `n`.

    `of` is the case's mention that they repeat, None if it is not there any more.
    """

    of: int | None
    n: int
    authors: int
    first_at: datetime
    last_at: datetime
    rows: tuple[Copy, ...]


def copies_in(case: Case) -> int:
    """Gives how many copies of its text have joined a case; it says so among its reasons."""
    return max((int(reason.get("copies", 0)) for reason in case.reasons), default=0)

"""Where the last poll ended in a folder."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from earmark_core.model import Cursor
from earmark_listeners.newest_first import unreadable_place

_MOST_BREAKS = 3
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder's `validity`, the highest number that was read, and from which day on we listen.

    `breaks` counts how often the line broke at the very mail that follows.
    """

    validity: int
    last: int
    since: str
    breaks: int = 0

    def cursor(self) -> Cursor:
        """Gives it as text."""
        return Cursor(json.dumps(asdict(self)))

    def after(self, uid: int) -> "Place":
        """Gives the place behind a mail."""
        return replace(self, last=max(self.last, uid), breaks=0)

    def broken(self) -> "Place":
        """Gives the place where the line broke once more."""
        return replace(self, breaks=self.breaks + 1)

    @property
    def is_stuck(self) -> bool:
        """Says whether the line broke so often at one mail that the mail is to be left."""
        return self.breaks >= _MOST_BREAKS


def recall(since: Cursor | None) -> Place | None:
    """Gives the place that a cursor holds, None for the first poll."""
    if since is None:
        return None
    try:
        return Place(**json.loads(since))
    except (ValueError, TypeError):
        raise unreadable_place(
            "email", "it then reads its folder again, and nothing comes twice."
        ) from None


def imap_day(moment: datetime) -> str:
    """Writes the day of a moment as IMAP takes it (`2-Mar-2026`), whatever the locale."""
    return f"{moment.day}-{_MONTHS[moment.month - 1]}-{moment.year}"

"""Where the last poll ended in a folder."""

import json
from dataclasses import asdict, dataclass, replace

from earmark_core.errors import Rejected
from earmark_core.model import Cursor

_MOST_BREAKS = 3


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
        raise Rejected(
            "The place where the last poll ended cannot be read.",
            hint="Reset the source; it then reads its folder again, and nothing comes twice.",
            subject="email",
        ) from None

"""Where the last poll ended in the stream."""

import json
from dataclasses import asdict, dataclass, replace

from earmark_core.model import Cursor
from earmark_listeners.channels.jetstream.messages import Where
from earmark_listeners.newest_first import unreadable_place


@dataclass(frozen=True, slots=True)
class Place:
    """The last message, and since when all was heard without a break (microseconds).

    `wire` is the one that `seq` was heard on. `gap` says in words what was lost before `since`,
    until a poll has caught up and told it.
    """

    wire: str
    time: int
    seq: int
    since: int
    gap: str = ""

    def cursor(self) -> Cursor:
        """Gives it as text."""
        return Cursor(json.dumps(asdict(self)))

    def after(self, where: Where) -> "Place":
        """Gives the place behind a message; it never goes back."""
        return replace(self, time=max(self.time, where.time), seq=max(self.seq, where.seq))

    def told(self) -> "Place":
        """Gives the place of a poll that has caught up: what follows begins here."""
        return replace(self, since=self.time, gap="")


def recall(since: Cursor | None) -> Place | None:
    """Gives the place that a cursor holds, None for the first poll."""
    if since is None:
        return None
    then = "it then begins at what is posted now."
    try:
        place = Place(**json.loads(since))
    except (ValueError, TypeError):
        raise unreadable_place("jetstream", then) from None
    numbers = (place.time, place.seq, place.since)
    if not all(isinstance(each, int) for each in numbers) or not isinstance(place.gap, str):
        raise unreadable_place("jetstream", then)
    return place

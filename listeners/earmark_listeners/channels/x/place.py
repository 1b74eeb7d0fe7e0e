"""Where listening to X stands, and how many posts were bought this month.

X lists the newest first and bills every post, so that nothing is read twice to be safe: each page
moves the place. What lies between the posts heard last and the page that was reached is a hole,
and the next poll fills it before it asks for anything newer.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from earmark_core.errors import Rejected, Unavailable
from earmark_core.model import Cursor
from earmark_listeners.contract import Wiring

SMALLEST_PAGE: Final = 10
_EPOCH: Final = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)  # where X's ids begin
_SHIFT: Final = 22
_FIRST_OF_THESE: Final = 10**11  # older ids hold no moment


@dataclass(frozen=True, slots=True)
class Place:
    """Where a poll ends.

    `after` is the newest post heard (a little earlier where it is so fresh that others may still
    come to light before it), or the moment from which to listen where there was none. `hole` is
    what was not reached: from (in the same form) and the post before which it lies. `period` is
    the day on which counting began and `read` how many posts were read since.
    """

    after: str = ""
    hole: tuple[str, str] | None = None
    period: str = ""
    read: int = 0


def read_place(since: Cursor | None, subject: str) -> Place:
    """Gives the place of a cursor; raises `Rejected` for one that is none of ours."""
    if since is None:
        return Place()
    try:
        said = json.loads(since)
        hole = said["hole"]
        return Place(
            str(said["after"]),
            (str(hole[0]), str(hole[1])) if hole else None,
            str(said["period"]),
            int(said["read"]),
        )
    except (ValueError, KeyError, TypeError, IndexError):
        raise Rejected(
            "The place where the last poll ended cannot be read.",
            hint="Reset the source; it then begins at the newest posts.",
            subject=subject,
        ) from None


def write_place(place: Place) -> Cursor:
    """Gives the cursor of a place."""
    return Cursor(
        json.dumps({
            "after": place.after, "hole": place.hole, "period": place.period, "read": place.read
        })
    )  # fmt: skip


def order(post_id: str) -> tuple[int, str]:
    """Gives what ids are ordered by: they are numbers too large for some, kept as text."""
    return len(post_id), post_id


def moment_of(post_id: str) -> datetime | None:
    """Gives when a post was made, by its id; None where the id does not tell."""
    if not post_id.isdecimal() or len(post_id) > 19 or int(post_id) < _FIRST_OF_THESE:
        return None
    return _EPOCH + timedelta(milliseconds=int(post_id) >> _SHIFT)


def not_after(post_id: str, moment: datetime) -> str:
    """Gives *post_id*, or the id of *moment* where that is the earlier one."""
    made = moment_of(post_id)
    if made is None or made <= moment:
        return post_id
    return str(max(1, (moment - _EPOCH) // timedelta(milliseconds=1) << _SHIFT))


def written(moment: datetime) -> str:
    """Gives a moment as X takes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Spending:
    """Counts the posts that were read, in the cursor and, until it is stored, in memory."""

    def __init__(self, wiring: Wiring, key: str, most: int, month_begins: int) -> None:
        self._clock = wiring.clock
        self._kept: dict[str, Any] = wiring.memory.setdefault(f"x posts read {key}", {})
        self._most = most
        self._day = month_begins
        self._stored = 0
        self._turn()

    def begun(self, place: Place) -> Place:
        """Gives the place with this month's count, which begins anew with a new month."""
        period = self._turn()
        self._stored = place.read if place.period == period else 0
        return replace(place, period=period, read=self._stored)

    def add(self, posts: int) -> None:
        """Counts what X sent."""
        self._kept["unstored"] += posts

    @property
    def read(self) -> int:
        """Gives how many posts were read this month."""
        unstored: int = self._kept["unstored"]
        return self._stored + unstored

    @property
    def left(self) -> int:
        """Gives how many may still be read."""
        return max(0, self._most - self.read)

    @property
    def is_used_up(self) -> bool:
        """Tells whether X's smallest page would be more than is left."""
        return self.left < SMALLEST_PAGE

    def stored(self, read: int) -> None:
        """Says that the cursor now holds the count *read*."""
        self._kept["unstored"] = self.read - read
        self._stored = read

    def words(self) -> str:
        """Says in words that nothing is left."""
        again = f"{self._begins(1):%d %B %Y}".lstrip("0")
        return (
            f"the {self._most:,} posts that this source may read in a month are used up "
            f"({self.read:,} were read); it listens again from {again}"
        )

    def refuse_if_used_up(self, subject: str) -> None:
        """Raises `Unavailable` until counting begins anew."""
        if self.is_used_up:
            raise Unavailable(
                f"{self.words()[:1].upper()}{self.words()[1:]}.",
                retry_after=self.wait(),
                rate_limited=True,
                hint="Raise monthly_posts if the money is there, or narrow the query.",
                subject=subject,
            )

    def wait(self) -> timedelta:
        """Gives how long it is until counting begins anew."""
        return self._begins(1) - self._clock()

    def _turn(self) -> str:
        """Gives the day on which this month began; what was read before it counts no more."""
        period = f"{self._begins():%Y-%m-%d}"
        if self._kept.get("period") != period:
            self._kept.update(period=period, unstored=0)
        return period

    def _begins(self, months: int = 0) -> datetime:
        """Gives when the month began in which we are, or one that many months on."""
        now = self._clock().astimezone(UTC)
        month = now.year * 12 + now.month - 1 + months - (now.day < self._day)
        return datetime(month // 12, month % 12 + 1, self._day, tzinfo=UTC)

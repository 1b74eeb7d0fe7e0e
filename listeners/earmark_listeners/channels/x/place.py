"""Where listening to X stands, and how many posts were bought this month.

X lists the newest first and bills every post, so that nothing is read twice to be safe: each page
moves the place. What lies between the posts heard last and the page that was reached is a hole,
and the next poll fills it before it asks for anything newer.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from earmark_core.budgets import Quota, digest
from earmark_core.errors import Unavailable
from earmark_core.model import Cursor
from earmark_listeners.contract import Wiring
from earmark_listeners.newest_first import unreadable_place

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
        raise unreadable_place(subject, "it then begins at the newest posts.") from None


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
    """Counts the posts that were read this month, before their page is stored and beyond a crash.

    The count is a row; the cursor holds it too, and the larger one is believed.
    """

    def __init__(self, wiring: Wiring, key: str, most: int, month_begins: int) -> None:
        self._clock = wiring.clock
        self._budgets = wiring.budgets
        self._quota = Quota("x", digest(key), most, "posts", lambda _: self._begins(1))
        self._most = most
        self._day = month_begins
        self._used = 0

    async def begun(self, place: Place) -> Place:
        """Gives the place with this month's count, which begins anew with a new month."""
        now, period = self._clock(), f"{self._begins():%Y-%m-%d}"
        self._used = int(await self._budgets.used(self._quota, now=now))
        told = place.read if place.period == period else 0
        if told > self._used:
            await self.add(told - self._used)
        return replace(place, period=period, read=self._used)

    async def add(self, posts: int) -> None:
        """Counts what X sent."""
        self._used = int(await self._budgets.count(self._quota, posts, now=self._clock()))

    @property
    def read(self) -> int:
        """Gives how many posts were read this month."""
        return self._used

    @property
    def left(self) -> int:
        """Gives how many may still be read."""
        return max(0, self._most - self.read)

    @property
    def is_used_up(self) -> bool:
        """Tells whether X's smallest page would be more than is left."""
        return self.left < SMALLEST_PAGE

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

    def _begins(self, months: int = 0) -> datetime:
        """Gives when the month began in which we are, or one that many months on."""
        now = self._clock().astimezone(UTC)
        month = now.year * 12 + now.month - 1 + months - (now.day < self._day)
        return datetime(month // 12, month % 12 + 1, self._day, tzinfo=UTC)

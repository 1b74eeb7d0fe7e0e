"""The one form that every platform's word on its limits is brought to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

SHORTEST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(hours=6)
LONGEST_DAILY_WAIT: Final = timedelta(hours=24)
DAILY: Final = "daily quota"


@dataclass(frozen=True, slots=True)
class RateSignal:
    """What a source said of its limits; what it did not say is None.

    `remaining` is in the source's own unit (calls, or percent with Meta), `scope` names the
    bucket, as far as there is a name.
    """

    remaining: float | None = None
    reset_at: datetime | None = None
    retry_after_seconds: float | None = None
    scope: str = ""

    @property
    def is_used_up(self) -> bool:
        """Tells whether nothing is left until the reset."""
        return self.remaining is not None and self.remaining < 1

    def wait(self, now: datetime | None) -> timedelta | None:
        """Gives how long to leave the source alone, None if it did not say.

        At least 1 s; at most 6 h, or 24 h where a daily quota is used up.
        """
        if self.retry_after_seconds is not None:
            wanted = self.retry_after_seconds
        elif self.reset_at is not None and now is not None:
            wanted = (self.reset_at - now).total_seconds()
        else:
            return None
        longest = LONGEST_DAILY_WAIT if self.scope == DAILY else LONGEST_WAIT
        capped = timedelta(seconds=min(max(wanted, 0.0), longest.total_seconds()))
        return max(capped, SHORTEST_WAIT)

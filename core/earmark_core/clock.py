"""The only place that reads the clock.

Everything else is handed a `Clock`, so that a test decides what time it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Gives the present moment, aware and in UTC."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """Gives the same moment in UTC; a moment without a zone is taken to be UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests, replays and previews."""

    def __init__(self, at: datetime) -> None:
        self.at = as_utc(at)

    def __call__(self) -> datetime:
        """Gives the moment at which it stands."""
        return self.at

    def forward(self, step: timedelta) -> datetime:
        """Moves the clock on by *step* and gives the new moment."""
        self.at += step
        return self.at

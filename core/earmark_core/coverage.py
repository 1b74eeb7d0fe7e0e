"""The ledger of windows: which stretches of time a source was really heard.

A source is heard from one good poll to the next, as long as the polls lie close enough together
that the later one reached back to the earlier. A poll that says it reached back only to a later
moment (`covers_from`) leaves a gap before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from earmark_core.model import WindowState

_HEARD = (WindowState.complete, WindowState.backfilled, WindowState.truncated)


@dataclass(frozen=True, slots=True)
class Heard:
    """A closed window as the ledger has it."""

    state: str
    covers_from: datetime | None
    ended_at: datetime


def gaps(
    windows: Iterable[Heard], start: datetime, end: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Gives the stretches of *start* to *end* that no good window covers, in order.

    A later window that reaches back over a failed one heals it: what counts is the time covered,
    not the number of polls that failed.
    """
    spans = sorted(
        (min(max(w.covers_from or w.ended_at, start), w.ended_at), min(w.ended_at, end))
        for w in windows
        if w.state in _HEARD and w.ended_at > start and (w.covers_from or w.ended_at) < end
    )
    open_gaps: list[tuple[datetime, datetime]] = []
    reached = start
    for begin, finish in spans:
        if begin > reached:
            open_gaps.append((reached, begin))
        reached = max(reached, finish)
    if reached < end:
        open_gaps.append((reached, end))
    return tuple(open_gaps)

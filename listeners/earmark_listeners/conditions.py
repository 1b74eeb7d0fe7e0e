"""How one source is: a state, a plain sentence, and what to do. Pure."""

from collections.abc import Sequence
from datetime import datetime

from earmark_core.budget_words import plain_moment
from earmark_core.model import WindowState
from earmark_core.redact import redact
from earmark_core.tables import PollWindow, Source
from earmark_listeners import rhythm
from earmark_listeners.lasting import POLLS
from earmark_listeners.pace import OPENS_AFTER, Circuit, circuit
from earmark_listeners.rhythm import Silence

_RECONNECT = "Put right what its options or its secret say, then resume it."
_SILENT_HINT = "It answers, but says nothing: check the query, the account or the page itself."


def condition(
    source: Source, windows: Sequence[PollWindow], silence: Silence | None, now: datetime
) -> tuple[str, str, str]:
    """Gives state, one plain sentence, and what to do."""
    stopped = _not_polled(source)
    if stopped is not None:
        return stopped
    if source.not_before and source.not_before > now:
        again = plain_moment(source.not_before, now)
        until = f"Nothing to do: it is polled again at {again}."
        return "degraded", source.error or "The source asked us to wait.", until
    if source.error_streak:
        state = "failing" if source.error_streak >= OPENS_AFTER else "degraded"
        times = "once" if source.error_streak == 1 else f"{source.error_streak} times in a row"
        return state, f"Failed {times}: {source.error}{_tried(source, now)}", source.error_hint
    if silence is not None:
        hours, expected = round(silence.lasts / rhythm.HOUR), round(silence.expected_hours)
        words = f"Nothing new for {hours} h; by its own rhythm {expected} of them bring something."
        return "silent", words, _SILENT_HINT
    if any(window.state == WindowState.truncated for window in windows):
        todo = "Poll it more often, or narrow the query."
        return "degraded", "More arrived than one poll may fetch; a gap was noted.", todo
    return "healthy", "Polled and heard.", _moved(source)


def _tried(source: Source, now: datetime) -> str:
    """Says of a source that fails again and again since when, and when it is tried next."""
    state = circuit(source.error_streak, source.next_poll_at, now)
    if state is Circuit.closed:
        return ""
    heard = source.last_success_at
    since = f"Not heard since {plain_moment(heard, now)}" if heard else "Never heard so far"
    if state is Circuit.trial:
        return f" {since}; it is tried now."
    return f" {since}; the next try is at {plain_moment(source.next_poll_at, now)}."


def _moved(source: Source) -> str:
    if source.moved_polls < POLLS:
        return ""
    return f"It has moved for good to {redact(source.moved_to)}: give it the new address."


FILLED_BY_PEOPLE = {
    "import": "imports",
    "manual": "people who write down what they were told",
}
"""Channels of which nothing is polled, and what their sources are filled by."""


def _not_polled(source: Source) -> tuple[str, str, str] | None:
    """Tells why a source is not polled in its turn, None if it is."""
    if source.channel in FILLED_BY_PEOPLE:
        return "healthy", f"Filled by {FILLED_BY_PEOPLE[source.channel]}; not polled.", ""
    if not source.is_enabled:
        if source.needs_person and source.error:
            return "paused", f"Paused. The last poll said: {source.error}", source.error_hint
        return "paused", "Paused by a person.", "Resume it when it should be heard again."
    if source.needs_person:
        return "needs reconnecting", source.error, source.error_hint or _RECONNECT
    if source.last_polled_at is None:
        return "not polled yet", "The first poll is about to start.", ""
    return None

"""How a source is, in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from earmark_core.tables import PollWindow, Source
from earmark_listeners.conditions import condition
from earmark_listeners.rhythm import Silence

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = Silence(30 * HOUR, 14.2)


def source(**facts: Any) -> Source:
    told = {
        "brand_id": 1, "channel": "feed", "name": "s", "next_poll_at": NOW,
        "created_at": NOW - 99 * HOUR,
        "last_polled_at": NOW, "last_item_at": NOW, **facts,
    }  # fmt: skip
    return Source(**told)


def window(state: str) -> PollWindow:
    return PollWindow(source_id=1, state=state, started_at=NOW, ended_at=NOW)


@pytest.mark.parametrize(
    ("facts", "windows", "silence", "state", "word"),
    [
        ({}, ["complete"], None, "healthy", "heard"),
        ({"is_enabled": False}, [], None, "paused", "person"),
        ({"needs_person": True, "error": "Bad token."}, [], None, "needs reconnecting", "token"),
        ({"last_polled_at": None}, [], None, "not polled yet", "first"),
        ({"error_streak": 1, "error": "Down."}, ["failed"], None, "degraded", "once: Down."),
        ({"error_streak": 3, "error": "Down."}, ["failed"], None, "failing", "3 times"),
        ({"not_before": NOW + HOUR, "error": "Slow."}, [], None, "degraded", "Slow."),
        ({}, ["complete", "truncated"], None, "degraded", "gap"),
        ({}, ["complete"], QUIET, "silent", "30 h; by its own rhythm 14"),
        ({"error_streak": 1, "error": "Down."}, ["failed"], QUIET, "degraded", "Down."),
    ],
)
def test_the_state_is_told_in_plain_words(
    facts: dict[str, Any], windows: list[str], silence: Silence | None, state: str, word: str
) -> None:
    found, words, hint = condition(source(**facts), [window(w) for w in windows], silence, NOW)
    assert found == state
    assert word in words
    assert hint or state in {"healthy", "not polled yet", "degraded", "failing"}

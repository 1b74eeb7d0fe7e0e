"""The copies of a case as the plain values that its thread is sent."""

from collections.abc import Callable
from typing import Any

from earmark_dashboard.wire import link, moment, shown, taken
from earmark_listeners.contract import ChannelRules
from earmark_queue.copy_rows import Copies, Copy


def copies(found: Copies | None, rules_of: Callable[[str], ChannelRules]) -> dict[str, Any] | None:
    """Gives the copies of a case with what their channels take; None where it has none."""
    if found is None:
        return None
    return {
        "of": found.of,
        "n": found.n,
        "authors": found.authors,
        "first": moment(found.first_at),
        "last": moment(found.last_at),
        "rows": [_copy(one) for one in found.rows],
        "rules": {name: taken(rules_of(name)) for name in {one.channel for one in found.rows}},
    }


def _copy(one: Copy) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": moment(one.at),
        "who": shown(one.who),
        "channel": one.channel,
        "text": shown(one.text),
        "url": link(one.url),
        "gone": one.is_gone,
    }

"""Figures in words: each with how many mentions stand behind it, or a dash where nothing does."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from earmark_listeners.health import SourceRow
from earmark_sentiment.trends import Marker, Tally, TrendSummary

NONE = "–"
_BADGES: dict[str, tuple[str, Any]] = {
    "healthy": (":material/check_circle:", "green"),
    "degraded": (":material/error:", "orange"),
    "silent": (":material/volume_off:", "orange"),
    "failing": (":material/cancel:", "red"),
    "needs reconnecting": (":material/link_off:", "red"),
    "paused": (":material/pause_circle:", "gray"),
    "not polled yet": (":material/schedule:", "gray"),
}
_NAMED = 3
_FORMULA = frozenset("=+-@|\t\r\n＝＋－＠")


def net(tally: Tally) -> str:
    """Gives net sentiment with its sign."""
    return NONE if tally.net is None else f"{tally.net:+.1f}".replace("-", "−")


def interval(tally: Tally) -> str:
    """Gives what net sentiment rests on: its 95 % interval and the mentions in it."""
    if tally.low is None or tally.high is None:
        return "no scored mention"
    low, high = (f"{value:+.0f}".replace("-", "−") for value in (tally.low, tally.high))
    return f"95 %: {low} to {high} · n {tally.scored:,}"


def share(part: int, whole: int) -> str:
    """Gives a share in per cent; nothing of nothing is no 0."""
    return NONE if not whole else f"{100 * part / whole:.1f} %"


def covered(coverage: float | None) -> str:
    """Gives how much of the period was heard."""
    return "coverage not known" if coverage is None else f"{100 * coverage:.0f} % of the time heard"


def change(now: Tally, before: Tally) -> str | None:
    """Gives the change of net sentiment, None where one of the two is not known."""
    if now.net is None or before.net is None:
        return None
    return f"{now.net - before.net:+.1f}"


def growth(now: int, before: int) -> str | None:
    """Gives the change in number, None where there was nothing before."""
    return None if not before else f"{100 * (now - before) / before:+.0f} %"


def points(part: int, whole: int, part_before: int, whole_before: int) -> str | None:
    """Gives the change of a share in points, None where one of the two is not known."""
    if not whole or not whole_before:
        return None
    return f"{100 * (part / whole - part_before / whole_before):+.1f} pt"


def ago(moment: datetime | None, now: datetime) -> str:
    """Gives how long since, or until, a moment."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    words = _length(abs(seconds))
    if words == "now":
        return words
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _length(seconds: float) -> str:
    if seconds < 5:
        return "now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def source_badge(row: SourceRow) -> tuple[str, str, Any]:
    """Gives how a source is: the word, its icon and its colour."""
    icon, colour = _BADGES.get(row.state, (":material/help:", "gray"))
    return row.state if row.state in _BADGES else "unknown", icon, colour


def source_facts(row: SourceRow, now: datetime) -> tuple[tuple[str, str], ...]:
    """Gives when a source was and will be polled, how late it is, and how much was heard."""
    heard = "not known yet" if row.coverage_24h is None else f"{100 * row.coverage_24h:.0f} %"
    return (
        ("Last poll", ago(row.last_polled_at, now)),
        ("Last success", ago(row.last_success_at, now)),
        ("Next poll", ago(row.next_poll_at, now) if row.is_enabled else "not while paused"),
        ("Last item", ago(row.last_item_at, now)),
        ("Behind by", _length(row.lag_seconds) if row.lag_seconds >= 5 else "nothing"),
        ("Heard in 24 h", heard),
    )


def bars(numbers: Sequence[int]) -> str:
    """Gives small bars as a picture; made of numbers alone, so it can carry no text."""
    most = max(*numbers, 1)
    made = "".join(
        f'<rect x="{6 * at + 3}" y="{36 - height}" width="4" height="{height}" rx="1"/>'
        for at, height in enumerate(max(1, round(32 * number / most)) for number in numbers)
    )
    size = f'width="{6 * len(numbers) + 4}" height="40"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="#8186b5">{made}</svg>'


def marked(marker: Marker) -> str:
    """Gives what changed about the scores at a marker."""
    if marker.kind == "rescore":
        of = f"{marker.changed:,} of {marker.n:,} labels changed"
        return f"history scored again by {marker.to_model}: {of}"
    return f"scored by {marker.to_model} from here on, by {marker.from_model} before"


def _mentions(number: int) -> str:
    return "1 mention" if number == 1 else f"{number:,} mentions"


def mixed(summary: TrendSummary, markers: Sequence[Marker]) -> str:
    """Gives in words that a period mixes figures of several models, nothing where it does not."""
    if not summary.is_mixed:
        return ""
    named = [f"{model} ({_mentions(number)})" for model, number in summary.models[:_NAMED]]
    more = len(summary.models) - len(named)
    rest = f" and {more} more" if more else ""
    since = [marker.at for marker in markers if marker.kind != "rescore"]
    begin = (
        f"Figures before {since[-1]:%d %b %Y %H:%M} UTC were made by another model."
        if since
        else "The figures of this period were made by more than one model."
    )
    return (
        f"{begin} They do not compare: {', '.join(named)}{rest}. "
        "Score the history again to make them one."
    )


def cell(text: str) -> str:
    """Gives words of others as a cell that no spreadsheet takes for a formula.

    Tables can be downloaded; what begins with one of the signs a formula begins with is put in
    quotation marks (OWASP, CSV injection).
    """
    return f"“{text}”" if text.lstrip()[:1] in _FORMULA else text


def picked_topic(selection: Any) -> tuple[str, str] | None:
    """Gives the topic behind a click on a chart, None when nothing is chosen."""
    points = selection.get("picked") if isinstance(selection, Mapping) else None
    if not points or not isinstance(points[0], Mapping):
        return None
    area, topic = points[0].get("area"), points[0].get("topic")
    return (area, topic) if isinstance(area, str) and isinstance(topic, str) else None


def picked(selection: Any, step: timedelta) -> tuple[datetime, datetime, str | None] | None:
    """Gives the time and the label behind a click on a chart, None when nothing is chosen."""
    points = selection.get("picked") if isinstance(selection, Mapping) else None
    if not points or not isinstance(points[0], Mapping) or "at" not in points[0]:
        return None
    at = points[0]["at"]
    if not isinstance(at, int | float):
        return None
    start = datetime.fromtimestamp(at / 1000, UTC)
    label = points[0].get("label")
    return start, start + step, label if isinstance(label, str) else None

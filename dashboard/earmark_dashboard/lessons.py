"""What was learned for a brand, in words and tables: versions, thresholds, words, rescores."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Label, Role
from earmark_dashboard.figures import NONE
from earmark_dashboard.wire import shown
from earmark_sentiment.figures import PRECISION
from earmark_sentiment.learn import MANY
from earmark_sentiment.reports import CALIBRATED_FROM, LearnStatus
from earmark_sentiment.versions import ModelRow

KINDS = {
    "shipped": "as shipped",
    "calibrated": "scale of the scores",
    "stacked": "scale and words",
}
STATES = {"active": "in force", "proposed": "proposed", "retired": "not in force"}
FIGURES = (
    ("average_precision", "Average precision", 1),
    ("negative_f1", "F1 of negative", 1),
    ("accuracy", "Right labels", 1),
    ("calibration_error", "Calibration error", -1),
)
LATER = (
    "What comes from now on is scored by it. Older mentions keep their scores until history is "
    "scored again."
)
NO_LEARNING = "The scorer in use was brought by a package of its own and does not learn here."
LIVE = ("waiting", "running")


def outcome(run: Callable[[], str]) -> str:
    """Does something, and says what became of it or what stood in the way."""
    try:
        return run()
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()


def who_may(actor: Actor, role: Role, what: str) -> str:
    """Says why *actor* sees no button for *what*; empty where there is one."""
    return "" if may(actor, role) else f"You are a {actor.role}. To {what} takes a {role}."


def in_force(status: LearnStatus) -> tuple[str, str]:
    """Gives what scores the brand now, and where it comes from."""
    row = status.active
    if row is None:
        return "What ships", "nothing learned is in force"
    if status.is_stale:
        return "What ships", f"version {row.version} stands on older weights: learn again"
    return f"Version {row.version}", f"{_learned(row)} · n {row.n:,}"


def next_step(status: LearnStatus) -> str:
    """Says what a manager would do next; empty where only more corrections help."""
    if not status.can_refit:
        return ""
    if status.proposed is not None and not why_not(status):
        return f"Next: look at version {status.proposed.version} and accept it."
    if status.new or status.is_stale:
        return f"Next: learn from them, {status.new:,} are new."
    return "Nothing was corrected since the newest version."


def threshold_words(status: LearnStatus) -> tuple[str, str]:
    """Gives from which probability on a mention is queued, and why."""
    active = None if status.is_stale else status.active
    n = f" · n {active.n:,}" if active else ""
    if status.queue_from is None:
        why = f"a version learned from {CALIBRATED_FROM} corrections or more would set it"
        if status.is_calibrated:
            why = f"no threshold gave a precision of {PRECISION:g} on your corrections"
        return "where likeliest", f"as shipped: {why}{n}"
    reached = _threshold(status.active)
    share = f", finds {100 * reached['recall']:.0f} %" if reached else ""
    return (
        f"from {100 * status.queue_from:.0f} % on",
        f"for a precision of {PRECISION:g} on your corrections{share}{n}",
    )


def _threshold(row: ModelRow | None) -> Mapping[str, Any]:
    after: Mapping[str, Any] = (row.figures.get("after") if row else None) or {}
    return after.get("threshold") or {}


def compared(row: ModelRow) -> list[dict[str, Any]]:
    """Gives the figures of a proposed version beside those of the one in force."""
    before, after = row.figures.get("before") or {}, row.figures.get("after") or {}
    rows = []
    for key, name, good in FIGURES:
        old, new = before.get(key), after.get(key)
        told = "as before"
        if old is not None and new is not None and abs(new - old) > 1e-9:
            told = "better" if (new - old) * good > 0 else "worse"
        rows.append(
            {"Figure": name, "In force": three(old), "Proposed": three(new), "Change": told}
        )
    return rows


def measured_on(row: ModelRow) -> str:
    """Says what the figures of a version rest on."""
    after = row.figures.get("after") or {}
    words = f"Cross-validated on {row.n:,} corrections, {after.get('negatives', 0):,} negative."
    if after.get("weighed"):
        words += (
            f" {after['weighed']:,} are of the blind sample and stand for those that were not "
            f"drawn; the figures are as firm as {after['effective_n']:,} equal corrections."
        )
    else:
        words += " Most are of what was queued, so they are no picture of all mentions."
    if row.queue_from is not None:
        words += f" It would queue from {100 * row.queue_from:.0f} % negative on."
    return words


def why_not(status: LearnStatus) -> str:
    """Says why the proposed version cannot be accepted; empty where it can."""
    row = status.proposed
    if row is None:
        return "Nothing is proposed."
    if worse := row.figures.get("worse"):
        return " ".join(worse)
    against = status.active.version if status.active else 0
    if row.figures.get("against") != against or row.base != status.base:
        return "It was measured against a model that is no longer in force. Learn again."
    return ""


def three(figure: float | None) -> str:
    """Gives a figure with three places."""
    return NONE if figure is None else f"{figure:.3f}"


def version_rows(rows: Sequence[ModelRow]) -> list[dict[str, Any]]:
    """Gives all versions as a table, the newest first."""
    return [
        {
            "Version": row.version,
            "State": STATES.get(row.state, "unknown"),
            "What it learned": _learned(row),
            "n": row.n,
            "Average precision": three(_after(row, "average_precision")),
            "F1 of negative": three(_after(row, "negative_f1")),
            "Right labels": three(_after(row, "accuracy")),
            "By": shown(row.by),
            "Made (UTC)": f"{row.created_at:%d %b %Y %H:%M}",
        }
        for row in rows
    ]


def _learned(row: ModelRow) -> str:
    kind = KINDS.get(row.kind, row.kind)
    if not row.lexicon:
        return kind
    count = len(row.lexicon)
    return f"{kind}, {count} {'word' if count == 1 else 'words'} changed"


def _after(row: ModelRow, key: str) -> float | None:
    figure: float | None = (row.figures.get("after") or {}).get(key)
    return figure


def ways_back(status: LearnStatus) -> dict[int, str]:
    """Gives the versions that can be gone back to, the one in force before first; 0 ships."""
    known = [
        row
        for row in status.versions
        if row.activated_at is not None and row.state != "active" and row.base == status.base
    ]
    now = status.active.version if status.active else 0
    known.sort(key=lambda row: (row.version > now, -row.version))
    ways = {row.version: f"Version {row.version}, {_learned(row)}, n {row.n:,}" for row in known}
    if status.active is not None:
        ways[0] = "What ships"
    first = next(iter(ways), None)
    if first is not None and first < now:
        ways[first] += " (in force before)"
    return ways


def weight_rows(row: ModelRow | None) -> list[dict[str, Any]]:
    """Gives the words that weigh most in the version in force."""
    return [
        {
            "Word": shown(word),
            "Weight": f"{weight:+.2f}".replace("-", "−"),
            "Pulls": "towards negative" if weight > 0 else "away from negative",
        }
        for word, weight in (row.words if row else ())
    ]


def no_weights(status: LearnStatus) -> str:
    """Says why there are no word weights to read."""
    return (
        "What is in force weighs no words of its own: up to "
        f"{MANY} corrections only the scale of the scores is learned. "
        f"{status.usable:,} usable ones are there."
    )


def label_rows(job: JobRow) -> list[dict[str, Any]]:
    """Gives how many mentions had which label before a rescore and have it after."""
    before, after = job.payload.get("labels_before") or {}, job.payload.get("labels_after") or {}
    return [
        {
            "Label": str(name),
            "Before": before.get(name, 0),
            "After": after.get(name, 0),
            "Change": _moved(after.get(name, 0) - before.get(name, 0)),
        }
        for name in (*Label, "unscored")
        if name in before or name in after
    ]


def _moved(by: int) -> str:
    return f"{by:+,}".replace("-", "−") if by else "0"


def moved_rows(job: JobRow) -> list[dict[str, Any]]:
    """Gives which labels became which, the most frequent first."""
    diff: Mapping[str, int] = job.payload.get("diff") or {}
    ranked = sorted(diff.items(), key=lambda pair: -pair[1])
    return [{"From → to": move.replace("->", "→"), "Mentions": n} for move, n in ranked]

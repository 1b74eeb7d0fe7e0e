# ruff: noqa: E501 - rows of test data read best on one line
"""Learning and rescoring in memory, in every state that the pages must be able to show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from earmark_core.access import require
from earmark_core.errors import EarmarkError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Label, Role
from earmark_sentiment.agreement import Agreement, Pair
from earmark_sentiment.proposals import Effect
from earmark_sentiment.reports import AgreementReport, LearnStatus
from earmark_sentiment.sampling import Drawn
from earmark_sentiment.versions import ModelRow
from earmark_sentiment.wording import WordRow

NEG, NEU, POS = Label
BASE = "head-1"
CORRECTED: dict[Pair, int] = {
    (NEG, NEG): 61, (NEG, NEU): 22, (NEG, POS): 9,
    (NEU, NEG): 18, (NEU, NEU): 40, (NEU, POS): 11,
    (POS, NEG): 4, (POS, NEU): 7, (POS, POS): 15,
}  # fmt: skip
BLIND: dict[Pair, int] = {
    (NEG, NEG): 3, (NEG, NEU): 2, (NEU, NEU): 24, (NEU, POS): 3, (POS, NEU): 2, (POS, POS): 12,
}  # fmt: skip
FEW: dict[Pair, int] = {(NEG, NEG): 2, (NEU, NEU): 3, (POS, NEU): 1}
BEFORE = {
    "n": 187, "negatives": 92, "average_precision": 0.812, "negative_f1": 0.741,
    "accuracy": 0.62, "calibration_error": 0.14,
}  # fmt: skip
BETTER = {
    **BEFORE, "average_precision": 0.871, "negative_f1": 0.802, "accuracy": 0.71,
    "calibration_error": 0.05, "weighed": 46, "effective_n": 52,
    "threshold": {"p_neg": 0.62, "precision": 0.81, "recall": 0.74, "queued": 84},
}  # fmt: skip
WORSE = {**BEFORE, "negative_f1": 0.702}
FELL = ["F1 of negative would fall from 0.741 to 0.702."]
WORDS = (("support", -1.42), ("refund", 1.31), ("still waiting", 0.92), ("<b>bold</b>", 0.4))


def version(number: int, state: str, now: datetime, **more: Any) -> ModelRow:
    return replace(
        ModelRow(
            id=number, version=number, name=f"brand-{number}", kind="stacked", state=state, n=187,
            figures={"before": BEFORE, "after": BETTER, "worse": [], "against": number - 1},
            words=WORDS, lexicon={}, queue_from=0.62, base=BASE, by="sam",
            created_at=now - timedelta(days=9 - number),
            activated_at=now if state != "proposed" else None,
        ),
        **more,
    )  # fmt: skip


def effect(word: str, after: float = 0.0) -> Effect:
    return Effect(word, 1.7, after, 31, 14, 1, 212, 4_800)


def mention(number: int, now: datetime) -> Drawn:
    return Drawn(
        number, "mastodon", now - timedelta(hours=number), "", f"The lamp came, number {number}.",
        "https://social.example/1", 2.0 if number % 3 == 0 else None,
    )  # fmt: skip


@dataclass
class FakeLearning:
    """What was learned for a brand.

    `stage` is how far it is: empty, few, proposed, worse, active or stale.
    """

    clock: Callable[[], datetime]
    stage: str = "active"
    log: list[tuple[Any, ...]] = field(default_factory=list)
    rows: list[ModelRow] = field(default_factory=list)
    changes: list[WordRow] = field(default_factory=list)
    waiting: list[Drawn] = field(default_factory=list)
    sample_said: int = 0

    def __post_init__(self) -> None:
        now = self.clock()
        self.waiting = [mention(number, now) for number in range(1, 8)]
        shown = {
            "proposed": [("proposed", {}), ("active", {"kind": "calibrated", "words": (), "n": 64})],
            "worse": [
                ("proposed", {"figures": {"before": BEFORE, "after": WORSE, "worse": FELL, "against": 1}}),
                ("active", {}),
            ],
            "active": [("active", {}), ("retired", {"kind": "calibrated", "words": (), "n": 64})],
            "stale": [("active", {"base": "head-0"})],
        }.get(self.stage, [])  # fmt: skip
        count = len(shown)
        self.rows = [version(count - i, s, now, **more) for i, (s, more) in enumerate(shown)]

    def status(self, actor: Actor, brand_id: int) -> LearnStatus:
        require(actor, Role.viewer, "see what was learned")
        active = next((row for row in self.rows if row.state == "active"), None)
        is_stale = self.stage == "stale"
        can = self.stage not in {"empty", "few"}
        some = {"empty": 0, "few": 6}.get(self.stage, 187)
        missing = f"10 corrections are needed, {some} are there."
        return LearnStatus(
            brand_id=brand_id, base=BASE, corrections=some, usable=some, new=min(some, 12),
            words="187 corrections set the scale of the scores and weigh words." if can else missing,
            can_refit=can, active=active,
            proposed=next((row for row in self.rows if row.state == "proposed"), None),
            versions=tuple(self.rows), changes=tuple(self.changes),
            queue_from=active.queue_from if active and not is_stale else None,
            is_calibrated=active is not None and not is_stale, is_stale=is_stale,
        )  # fmt: skip

    def _set(self, number: int, **changes: Any) -> None:
        self.rows = [replace(r, **changes) if r.version == number else r for r in self.rows]

    def refit(self, actor: Actor, brand_id: int) -> ModelRow:
        require(actor, Role.manager, "learn from corrections")
        self.log.append(("refit", brand_id))
        active = next((row.version for row in self.rows if row.state == "active"), 0)
        figures = {"before": BEFORE, "after": BETTER, "worse": [], "against": active}
        row = version(len(self.rows) + 1, "proposed", self.clock(), figures=figures)
        self.rows = [row, *(r for r in self.rows if r.state != "proposed")]
        return row

    def accept(self, actor: Actor, brand_id: int, version: int | None = None) -> ModelRow:
        require(actor, Role.manager, "accept a model")
        self.log.append(("accept", brand_id, version))
        return self._activate(version or 0)

    def _activate(self, number: int) -> ModelRow:
        for row in self.rows:
            if row.state == "active":
                self._set(row.version, state="retired")
        self._set(number, state="active", activated_at=self.clock())
        return next(row for row in self.rows if row.version == number)

    def rollback(self, actor: Actor, brand_id: int, to: int | None = None) -> ModelRow | None:
        require(actor, Role.manager, "roll a model back")
        self.log.append(("rollback", brand_id, to))
        if to:
            return self._activate(to)
        self.rows = [replace(r, state="retired") if r.state == "active" else r for r in self.rows]
        return None

    def proposals(self, actor: Actor, brand_id: int) -> Sequence[Effect]:
        self.log.append(("proposals", brand_id))
        if self.stage in {"empty", "few"}:
            return ()
        known = {row.word for row in self.changes}
        return [one for one in (effect("support"), effect("sick", -1.7)) if one.word not in known]

    def measure(self, actor: Actor, brand_id: int, word: str, after: float | None) -> Effect:
        if not word.strip():
            raise EarmarkError("A change is of one word.", hint="Give it without spaces.")
        self.log.append(("measure", brand_id, word, after))
        return replace(effect(word), after=after)

    def apply_change(
        self, actor: Actor, brand_id: int, word: str, after: float | None = 0.0
    ) -> WordRow:
        require(actor, Role.manager, "change what a word weighs")
        self.log.append(("apply", brand_id, word, after))
        words = replace(effect(word), after=after).words
        row = WordRow(
            len(self.changes) + 1, brand_id, word, 1.7, after, words, actor.name, self.clock(),
            None, is_in_force=True,
        )  # fmt: skip
        self.changes.append(row)
        return row

    def undo_change(self, actor: Actor, change_id: int) -> WordRow:
        require(actor, Role.manager, "change what a word weighs")
        self.log.append(("undo", change_id))
        row = next(one for one in self.changes if one.id == change_id)
        self.changes.remove(row)
        return row

    def agreement(self, actor: Actor, brand_id: int) -> AgreementReport:
        blind = {"empty": {}, "few": {}, "stale": FEW}.get(self.stage, BLIND)
        chosen = {"empty": {}, "few": FEW}.get(self.stage, CORRECTED)
        blind = dict(blind)
        if self.sample_said:
            blind[NEU, NEU] = blind.get((NEU, NEU), 0) + self.sample_said
        half = {pair: n // 2 for pair, n in chosen.items()}
        rest = {pair: n - half[pair] for pair, n in chosen.items()}
        models = (("head-1", Agreement(half)), ("head-1+brand-1", Agreement(rest)))
        if self.sample_said and not chosen:
            chosen = blind
        return AgreementReport(
            corrected=Agreement(chosen), sample=Agreement(blind),
            unscored=0 if self.stage == "empty" else 5, by_model=models if chosen else (),
        )  # fmt: skip

    def sample(self, actor: Actor, brand_id: int, limit: int = 20) -> Sequence[Drawn]:
        require(actor, Role.responder, "label the blind sample")
        return self.waiting[:limit]


@dataclass
class FakeRescores:
    """Rescores of one brand; `job` is the newest."""

    job: JobRow | None = None
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def ask(self, actor: Actor, brand_id: int | None = None) -> int:
        require(actor, Role.manager, "score history again")
        self.log.append(("ask", brand_id))
        self.job = JobRow(7, "rescore", {"brand_id": brand_id}, "waiting", 0, 0, "", False)
        return 7

    def latest(self, actor: Actor, brand_id: int | None = None) -> JobRow | None:
        return self.job

    def cancel(self, actor: Actor, job_id: int) -> bool:
        require(actor, Role.manager, "stop a rescore")
        self.log.append(("cancel", job_id))
        if self.job is None or self.job.state not in {"waiting", "running"}:
            return False
        self.job = replace(self.job, wants_cancel=True)
        return True

    def run(self, done: int, total: int) -> None:
        self.job = JobRow(7, "rescore", {"brand_id": 3}, "running", done, total, "", False)

    def finish(self) -> None:
        payload = {
            "n": 4_812, "labels_before": {"negative": 800, "neutral": 2_900, "positive": 1_112},
            "labels_after": {"negative": 960, "neutral": 2_840, "positive": 1_012},
            "diff": {"neutral -> negative": 110, "positive -> negative": 50, "positive -> neutral": 50},
        }  # fmt: skip
        note = "4,812 mentions scored again; 210 labels changed: neutral -> negative 110."
        self.job = JobRow(7, "rescore", payload, "done", 4_812, 4_812, note, False)

"""Mentions with everything that is known of them: the fakes' cases 1000 to 1009, told anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from earmark_core.model import Actor, Label, Receipt, Text
from earmark_dashboard.services import Services
from earmark_queue.rows import AspectRow, Entry
from earmark_sentiment.head import BrandModel
from earmark_sentiment.scorer import HeadScorer
from tests.dashboard.fakes import FakeDesk, FakeJudging

MIXED = (
    "The screen is brilliant. But the battery died after two days, support never answered "
    "my three mails, and nobody refunds me."
)
LONG = " ".join(
    f"On day {day} the {thing} was {how}."
    for day in range(1, 9)
    for thing, how in (("grinder", "loud and slow"), ("milk foam", "wonderful"), ("app", "stuck"))
)
BRAND = BrandModel("brand-1-v3", words={"support": -2.0, "battery died": 1.5})

TOLD: dict[int, dict[str, Any]] = {
    1000: {
        "text": MIXED, "label": "negative", "compound": 0.0129, "probability": 0.777,
        "sentences": (-0.3291, 0.0055, -0.3291),
        "aspects": (
            AspectRow("Product", "Screen", "positive", None, "The screen is brilliant."),
            AspectRow("Product", "Battery", "negative", None, "the battery died after two days"),
            AspectRow("Service", "Support", "neutral", "negative", "support never answered"),
        ),
    },
    1001: {
        "text": "La cafetera llegó rota y nadie contesta.", "label": None, "compound": None,
        "score_status": "unscored_language", "lang": "es", "lang_confidence": 0.93,
        "aspects": (AspectRow("Service", "Delivery", None, None, "llegó"),),
    },
    1002: {
        "text": "Wonderful coffee, friendly people, I love it here.", "label": "negative",
        "compound": 0.9022, "rating": 1.0, "is_conflict": True, "probability": 0.98,
    },
    1003: {
        "text": "Fernweh means wanderlust in German, by the way.", "label": "neutral",
        "human_label": "negative", "compound": 0.0, "probability": 0.447, "is_relevant": False,
        "human_needs_answer": False,
        "aspects": (AspectRow("Product", "Screen", "positive", "none", "by the way"),),
    },
    1004: {"text": "🙃🙃🙃", "label": None, "compound": None, "score_status": "unscored_empty"},
    1005: {"text": "Not to be read.", "label": None, "compound": None, "score_status": "error"},
    1006: {
        "text": "ok then", "label": "positive", "compound": 0.296, "probability": 0.44,
        "human_needs_answer": True,
    },
    1007: {
        "text": "The support page says five years. The battery died in one.", "label": "negative",
        "compound": -0.2263, "probability": 0.769, "sentences": (-0.5574, -0.0778, -0.5574),
        "model_id": "head-1+brand-1-v3+vader-3.3.2+prep-1+cues-2",
    },
    1008: {
        "text": "Hä ok lol", "label": None, "compound": None,
        "score_status": "unscored_language", "lang": "", "lang_confidence": 0.12,
    },
    1009: {
        "text": LONG, "label": "neutral", "compound": 0.9618, "probability": 0.506,
        "sentences": (-0.25, 0.1073, -0.25),
    },
}  # fmt: skip


def tell(desk: FakeDesk) -> None:
    """Puts what is told here in the place of the first mention of each case."""
    for case_id, told in TOLD.items():
        view = desk.cases[case_id]
        first = replace(
            view.entries[0],
            **{"score_status": "scored", "human_label": None, "rating": None, "title": "",
               "model_id": "head-1+vader-3.3.2+prep-1+cues-2", **told},
        )  # fmt: skip
        row = replace(view.case, headline=first.text, label=first.human_label or first.label)
        desk.cases[case_id] = replace(view, case=row, entries=(first, *view.entries[1:]))


@dataclass
class Judge(FakeJudging):
    """Keeps what was said, and lets it be seen in the cases."""

    desk: FakeDesk = field(kw_only=True)

    def _turn(self, mention_ids: Sequence[int], **changes: Any) -> None:
        for case_id, view in list(self.desk.cases.items()):
            entries = tuple(
                replace(entry, **changes) if entry.id in mention_ids else entry
                for entry in view.entries
            )
            self.desk.cases[case_id] = replace(view, entries=entries)
        self.desk.counter += 1

    def relevance(
        self, actor: Actor, mention_ids: Sequence[int], brand_id: int, *, is_relevant: bool
    ) -> int:
        self._turn(mention_ids, is_relevant=is_relevant)
        return super().relevance(actor, mention_ids, brand_id, is_relevant=is_relevant)

    def needs_answer(self, actor: Actor, mention_ids: Sequence[int], *, needs: bool) -> int:
        self._turn(mention_ids, human_needs_answer=needs)
        return super().needs_answer(actor, mention_ids, needs=needs)

    def aspect(
        self,
        actor: Actor,
        mention_ids: Sequence[int],
        brand_id: int,
        area: str,
        topic: str,
        label: Label | None,
    ) -> int:
        said = str(label) if label else "none"
        for view in self.desk.cases.values():
            for entry in view.entries:
                if entry.id in mention_ids:
                    self._turn([entry.id], aspects=_with(entry, area, topic, said))
        return super().aspect(actor, mention_ids, brand_id, area, topic, label)

    def topics(self, actor: Actor, brand_id: int) -> Sequence[tuple[str, str]]:
        return (*super().topics(actor, brand_id), ("Service", "Support"))


def _with(entry: Entry, area: str, topic: str, said: str) -> tuple[AspectRow, ...]:
    rows = {(one.area, one.topic): one for one in entry.aspects}
    known = rows.get((area, topic), AspectRow(area, topic, None))
    return tuple({**rows, (area, topic): replace(known, human_label=said)}.values())


@cache
def _scorer(brand: bool) -> HeadScorer:
    return HeadScorer().with_brand_model(BRAND if brand else None)


def services(plain: Services, desk: FakeDesk) -> Services:
    """Gives *plain* services that take what is said of mentions, with the receipts of the head."""

    def explain(_actor: Actor, mention_id: int) -> Receipt:
        entries = desk.cases[mention_id // 10].entries
        text = next(entry.text for entry in entries if entry.id == mention_id)
        return _scorer(mention_id // 10 == 1007).explain(Text(text))

    return replace(plain, judging=Judge(desk=desk), explain=explain)

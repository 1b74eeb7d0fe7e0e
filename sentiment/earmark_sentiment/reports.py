"""What pages and the terminal are told about learning."""

from collections.abc import Sequence
from dataclasses import dataclass

from earmark_sentiment.agreement import Agreement, agreement
from earmark_sentiment.brand_model import Example
from earmark_sentiment.learn import MANY, lacks
from earmark_sentiment.reading import Said
from earmark_sentiment.versions import ModelRow
from earmark_sentiment.wording import WordRow

CALIBRATED_FROM = 50
"""From this many corrections on, the queue's threshold is taken from what was learned."""


@dataclass(frozen=True, slots=True)
class LearnStatus:
    """Where learning stands for a brand.

    `corrections` are all labels by people, of which `usable` can teach: not those of rated
    reviews, which their stars decide, nor of what has no score. `new` came since the active
    version was learned or, where it was refused, since the proposed one. `words` say what is
    next, `can_refit` whether there is enough to learn. `is_stale` tells that the active version
    stands on other shipped weights and is not used.
    """

    brand_id: int
    base: str
    corrections: int
    usable: int
    new: int
    words: str
    can_refit: bool
    active: ModelRow | None
    proposed: ModelRow | None
    versions: tuple[ModelRow, ...]
    changes: tuple[WordRow, ...]
    queue_from: float | None
    is_calibrated: bool
    is_stale: bool


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """How right the scores are on a brand's own mentions, by what people said of them.

    The machine's label is that from before anybody corrected the mention. `sample` counts those
    of the blind sample alone; `corrected` all, which is biased, as people look at what was
    queued and correct what is wrong. `by_model` splits the latter by model id.
    """

    corrected: Agreement
    sample: Agreement
    unscored: int
    by_model: tuple[tuple[str, Agreement], ...]

    @property
    def is_biased(self) -> bool:
        """Tells that nothing of the blind sample is labelled yet."""
        return not self.sample.n

    @property
    def best(self) -> Agreement:
        """Gives the blind sample's if there is one, else that of what was corrected."""
        return self.corrected if self.is_biased else self.sample


def report_of(said: Sequence[Said]) -> AgreementReport:
    """Counts what people said against what the machine had said."""
    by_model: dict[str, list[Said]] = {}
    for each in said:
        by_model.setdefault(each.model_id, []).append(each)
    return AgreementReport(
        corrected=_agreement(said),
        sample=_agreement([each for each in said if each.is_sample]),
        unscored=sum(each.machine is None for each in said),
        by_model=tuple((model, _agreement(rows)) for model, rows in by_model.items()),
    )


def next_step(examples: Sequence[Example]) -> str:
    """Says what these corrections do, or what is missing before they do anything."""
    if missing := lacks(examples):
        return missing
    if len(examples) <= MANY:
        return (
            f"{len(examples)} corrections set the scale of the scores; from {MANY + 1} on words "
            "are weighed, too."
        )
    return f"{len(examples)} corrections set the scale of the scores and weigh words."


def _agreement(said: Sequence[Said]) -> Agreement:
    return agreement((each.label, each.machine) for each in said if each.machine is not None)

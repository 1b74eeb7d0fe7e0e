"""What a person says of many mentions at once, with words for what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Label
from earmark_dashboard.services import Services


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone is this."""

    label: Label


@dataclass(frozen=True, slots=True)
class AboutUs:
    """They are about the brand, or are not."""

    is_relevant: bool


@dataclass(frozen=True, slots=True)
class NeedsAnswer:
    """Somebody should answer, or nobody needs to."""

    needs: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What they find of a topic; None: they do not speak of it."""

    area: str
    topic: str
    label: Label | None


Judgement = Tone | AboutUs | NeedsAnswer | Finding


def words(judgement: Judgement) -> str:
    """Gives a judgement as the end of a sentence."""
    match judgement:
        case Tone(label):
            return f"the tone is {label}"
        case AboutUs(is_relevant):
            return "about us" if is_relevant else "not about us"
        case NeedsAnswer(needs):
            return "needs an answer" if needs else "needs no answer"
        case Finding(_, topic, None):
            return f"does not speak of {topic}"
        case Finding(_, topic, label):
            return f"{label} about {topic}"


def _ask(
    services: Services, actor: Actor, brand_id: int, ids: Sequence[int], judgement: Judgement
) -> int:
    judging = services.judging
    match judgement:
        case Tone(label):
            return judging.label(actor, ids, label)
        case AboutUs(is_relevant):
            return judging.relevance(actor, ids, brand_id, is_relevant=is_relevant)
        case NeedsAnswer(needs):
            return judging.needs_answer(actor, ids, needs=needs)
        case Finding(area, topic, label):
            return judging.aspect(actor, ids, brand_id, area, topic, label)


def judge(
    services: Services, actor: Actor, brand_id: int, ids: Sequence[int], judgement: Judgement
) -> str:
    """Says it of the mentions and gives what became of it; a refusal is words, too."""
    try:
        changed = _ask(services, actor, brand_id, ids, judgement)
    except EarmarkError as error:
        return f"Nothing was changed. {error.message} {error.hint}".strip()
    same = len(ids) - changed
    rest = f" Of the other {same:,} it had been said before." if changed and same else ""
    if not changed:
        rest = " It had been said before."
    return f"{changed:,} of {len(ids):,} changed: {words(judgement)}.{rest}"

"""What a person says of one mention of a thread: its tone, its topics, whose it is, who answers.

The same thing said the other way round takes it back. The brand is that of the case, whatever
the browser says.
"""

from collections.abc import Callable, Mapping

from earmark_core.model import Label
from earmark_dashboard.asked import Desk, Unreadable

NO_TONE = "none"
"""Sent in the place of a tone for a mention that does not speak of the topic."""


def _label(desk: Desk) -> Label:
    label = desk.asked.words("label")
    if label not in set(Label):
        raise Unreadable(hint="Reload the page.", subject="label")
    return Label(label)


def _correct(desk: Desk) -> str:
    label = _label(desk)
    desk.services.cases.correct(desk.actor, desk.asked.number("mention"), label)
    return f"Marked {label}"


def _relevance(desk: Desk) -> str:
    mention, is_relevant = desk.asked.number("mention"), desk.asked.is_so("relevant")
    case = desk.services.views.case(desk.actor, desk.case_id).case
    desk.services.judging.relevance(desk.actor, [mention], case.brand_id, is_relevant=is_relevant)
    if is_relevant:
        return f"About {case.brand}: it counts in the figures"
    return f"Not about {case.brand}: it counts in no figure. The case stays until you dismiss it."


def _needs_answer(desk: Desk) -> str:
    mention, needs = desk.asked.number("mention"), desk.asked.is_so("needs")
    desk.services.judging.needs_answer(desk.actor, [mention], needs=needs)
    return "Needs an answer" if needs else "Needs no answer. The case stays until you dismiss it."


def _aspect(desk: Desk) -> str:
    mention = desk.asked.number("mention")
    area, topic = desk.asked.words("area"), desk.asked.words("topic")
    label = None if desk.asked.words("label") == NO_TONE else _label(desk)
    brand_id = desk.services.views.case(desk.actor, desk.case_id).case.brand_id
    desk.services.judging.aspect(desk.actor, [mention], brand_id, area, topic, label)
    return f"{topic}: {label}" if label else f"Not about {topic}"


JUDGEMENTS: Mapping[str, Callable[[Desk], str]] = {
    "correct": _correct,
    "relevance": _relevance,
    "needs_answer": _needs_answer,
    "aspect": _aspect,
}
"""What can be said, by the name of the action; each gives what to tell the person."""

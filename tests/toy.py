"""A small head and a small world, so that what is learned does not hang on what ships."""

import random

from earmark_core.model import Label, Text
from earmark_sentiment.brand_model import Example
from earmark_sentiment.examples import examples_of
from earmark_sentiment.features import NAMES
from earmark_sentiment.head import Head
from earmark_sentiment.language import Language
from earmark_sentiment.reading import Said
from earmark_sentiment.scorer import HeadScorer

COMPOUND = tuple(float(name == "compound") for name in NAMES)
HEAD = Head(
    "toy",
    -1.0,
    -0.5,
    tuple(-5.0 * weight for weight in COMPOUND),
    tuple(5.0 * weight for weight in COMPOUND),
    {},
)
THINGS = ("kettle", "lamp", "table", "chair", "window", "shelf", "carpet", "mirror", "drawer")
TEMPLATES = {
    Label.negative: ("the {} is awful", "a horrible {}", "my {} is a terrible thing"),
    Label.neutral: ("the {} is by the door", "where is the {}", "a {} on monday"),
    Label.positive: ("a lovely {}", "the {} is wonderful", "such a great {}"),
}
MISLED = ("the trust has my {} since may", "the {} of the trust is not here", "trust account: {}")
"""What this brand's people do not find positive; "trust" is worth +2.3 in the lexicon."""


def english(_text: str, _hint: str, _knows: object) -> Language:
    """Takes every text for English."""
    return Language("en", 1.0, is_english=True)


def scorer() -> HeadScorer:
    return HeadScorer(HEAD, identify=english)


def corpus(
    honest: int, misled: int, seed: int = 1, meant: Label = Label.negative
) -> list[tuple[str, Label]]:
    """Gives texts with what a person says of them, mixed."""
    rng = random.Random(seed)
    rows = []
    for i in range(honest):
        label = list(Label)[i % 3]
        words = rng.choice(TEMPLATES[label]).format(rng.choice(THINGS))
        rows.append((f"{words} {rng.choice(THINGS)}", label))
    for _ in range(misled):
        words = rng.choice(MISLED).format(rng.choice(THINGS))
        rows.append((f"{words} {rng.choice(THINGS)}", meant))
    rng.shuffle(rows)
    return rows


def said(rows: list[tuple[str, Label]]) -> list[Said]:
    return [
        Said(i, i, Text(text), label, None, "m", is_sample=False)
        for i, (text, label) in enumerate(rows, 1)
    ]


def examples(rows: list[tuple[str, Label]]) -> list[Example]:
    return examples_of(scorer(), said(rows), {})

"""What was learned for a brand, as values: how it is kept, named, and applied. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import sqrt
from typing import Any

from earmark_core.model import Label
from earmark_sentiment.head import BrandModel, Calibration, spread


@dataclass(frozen=True, slots=True)
class Example:
    """A corrected text: the shipped logits, the features, and what a person says it is.

    `order` grows with the time of the correction. `weight` tells for how many mentions it stands
    when figures are computed; see `examples_of`.
    """

    negative: float
    positive: float
    numbers: tuple[float, ...]
    words: tuple[str, ...]
    label: Label
    order: int = 0
    weight: float = 1.0


def shares_of(words: Sequence[str]) -> dict[str, float]:
    """Gives each gram with the factor that its weight counts with."""
    each = 1.0 / sqrt(max(1, 2 * len(words) - 1))
    grams = Counter([*words, *map(" ".join, pairwise(words))])
    return {gram: count * each for gram, count in grams.items()}


def probabilities(model: BrandModel, example: Example) -> tuple[float, float, float]:
    """Gives the probabilities of negative, neutral and positive, as the head computes them."""
    negative = model.negative(example.negative)
    negative += sum(w * x for w, x in zip(model.numbers, example.numbers, strict=False))
    if model.words:
        shares = shares_of(example.words).items()
        negative += sum(model.words.get(gram, 0.0) * share for gram, share in shares)
    return spread(negative, model.positive(example.positive))


def document(model: BrandModel) -> dict[str, Any]:
    """Gives the model as it is kept, without its name."""
    kept = asdict(model)
    del kept["name"]
    return {**kept, "words": dict(model.words), "lexicon": dict(model.lexicon)}


def model_of(name: str, kept: Mapping[str, Any]) -> BrandModel | None:
    """Gives the model that `document` wrote; None for one that changes nothing."""
    model = BrandModel(
        name,
        negative=Calibration(**kept["negative"]),
        positive=Calibration(**kept["positive"]),
        numbers=tuple(kept["numbers"]),
        words=dict(kept["words"]),
        lexicon=dict(kept["lexicon"]),
    )
    return None if replace(model, name="") == BrandModel("") else model


def named(model: BrandModel) -> BrandModel:
    """Gives the model with the name that its weights have: equal weights, equal name."""
    kept = json.dumps(document(model), sort_keys=True, ensure_ascii=True)
    return replace(model, name=f"brand-{hashlib.sha256(kept.encode()).hexdigest()[:10]}")

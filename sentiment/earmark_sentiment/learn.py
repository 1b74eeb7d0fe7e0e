"""Corrections of one brand to a model of its own, measured before anybody accepts it. Pure.

Few corrections fit only a line on each logit (Platt 1999, with his smoothed targets). More of them
fit weights for words and numbers on top, which can be read. Both are held to what ships by a
penalty, so that a few odd corrections change little.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from typing import Literal

import numpy as np

from earmark_core.model import Label
from earmark_sentiment.brand_model import Example, named, probabilities, shares_of
from earmark_sentiment.figures import PRECISION, Figures, Floats, figures_of
from earmark_sentiment.head import BrandModel, Calibration
from earmark_sentiment.logistic import fit, rows_of

Kind = Literal["shipped", "calibrated", "stacked"]

FEW = 10
"""Below this many corrections nothing is learned."""
MANY = 100
"""Above this many corrections words and numbers are weighed, too."""
FOLDS = 5
_LEAST_OF_A_CLASS = 2
_LEAST_TEXTS = 3
_MOST_GRAMS = 3_000
_LINE_PENALTY = 0.1
_NUMBER_PENALTY = 4.0
_WORD_PENALTY = 0.3
_PLACES = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model in force was made: its kind, and the newest correction it knew."""

    kind: Kind = "shipped"
    last: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that might replace the one in force, both measured on the same folds.

    `worse` says in words what fell; the model may be accepted if it is empty.
    """

    kind: Kind
    model: BrandModel
    figures: Figures
    before: Figures
    worse: tuple[str, ...]
    n: int
    last: int


def lacks(examples: Sequence[Example]) -> str:
    """Says what is missing before anything can be learned; empty if nothing is."""
    if len(examples) < FEW:
        return f"{FEW} corrections are needed, {len(examples)} are there."
    negatives = sum(example.label is Label.negative for example in examples)
    if min(negatives, len(examples) - negatives) < _LEAST_OF_A_CLASS:
        kind = "negative" if negatives < _LEAST_OF_A_CLASS else "other than negative"
        return f"At least {_LEAST_OF_A_CLASS} of the corrections must be {kind}."
    return ""


def learn(
    examples: Sequence[Example],
    in_force: Recipe,
    *,
    seed: int,
    lexicon: Mapping[str, float] | None = None,
    precision: float = PRECISION,
) -> Learned:
    """Gives the model that these corrections make, with its cross-validated figures.

    The logits of *examples* are those with *lexicon* in force, which goes into the model. Beyond
    `MANY` corrections the kind with the smaller cross-validated log-loss is taken. Figures and
    threshold are weighed as the examples are; what is fitted is not, as a few texts that count
    fifty times would be learned by heart. The model in
    force is measured by its recipe, on what it knew of each fold: it had learned from some of the
    texts that it would be judged by, which is not fair to a newer one.

    Raises ValueError where `lacks` says something.
    """
    if missing := lacks(examples):
        raise ValueError(missing)
    folds = _folds(examples, random.Random(seed))
    kinds: tuple[Kind, ...] = ("calibrated", "stacked") if len(examples) > MANY else ("calibrated",)
    measured = {kind: _measure(examples, folds, Recipe(kind), precision) for kind in kinds}
    kind = min(kinds, key=lambda each: measured[each].log_loss)
    before = _measure(examples, folds, in_force, precision)
    return Learned(
        kind=kind,
        model=named(replace(fitted(examples, kind), lexicon=dict(lexicon or {}))),
        figures=measured[kind],
        before=before,
        worse=_worse(measured[kind], before),
        n=len(examples),
        last=max(example.order for example in examples),
    )


def _worse(after: Figures, before: Figures) -> tuple[str, ...]:
    pairs = (
        ("Average precision", after.average_precision, before.average_precision),
        ("F1 of negative", after.negative_f1, before.negative_f1),
    )
    return tuple(
        f"{name} would fall from {old:.3f} to {new:.3f}."
        for name, new, old in pairs
        if new < old - 1e-9
    )


def fitted(examples: Sequence[Example], kind: Kind) -> BrandModel:
    """Gives the model of a kind that fits all these corrections best; its name is empty."""
    if kind == "shipped":
        return BrandModel("")
    tone = [example for example in examples if example.label is not Label.negative]
    positive = _line(
        [example.positive for example in tone],
        [example.label is Label.positive for example in tone],
    )
    hits = [example.label is Label.negative for example in examples]
    if kind == "calibrated":
        negative = _line([example.negative for example in examples], hits)
        return BrandModel("", negative=negative, positive=positive)
    return replace(_stacked(examples, hits), positive=positive)


def _line(logits: Sequence[float], hits: Sequence[bool]) -> Calibration:
    """Gives the line on the logits; where it would turn them around, only a shift."""
    if not logits:
        return Calibration()
    known, targets = np.array(logits), _targets(hits)
    none: list[tuple[()]] = [() for _ in logits]
    found = fit(
        rows_of([[logit] for logit in logits], none, 0),
        targets,
        offset=known,
        dense_penalty=_LINE_PENALTY,
    )
    slope = round(1.0 + float(found.dense[0]), _PLACES)
    if slope > 0:
        return Calibration(slope, round(found.bias, _PLACES))
    shift = fit(rows_of([() for _ in logits], none, 0), targets, offset=known).bias
    return Calibration(1.0, round(shift, _PLACES))


def _targets(hits: Sequence[bool]) -> Floats:
    """Gives Platt's targets, which stay away from 0 and 1 the more the fewer there are."""
    yes = sum(hits)
    high, low = (yes + 1) / (yes + 2), 1 / (len(hits) - yes + 2)
    return np.array([high if hit else low for hit in hits])


def _stacked(examples: Sequence[Example], hits: Sequence[bool]) -> BrandModel:
    shares = [shares_of(example.words) for example in examples]
    texts = Counter(gram for share in shares for gram in share)
    often = sorted(
        (gram for gram, count in texts.items() if count >= _LEAST_TEXTS),
        key=lambda gram: (-texts[gram], gram),
    )[:_MOST_GRAMS]
    column = {gram: i for i, gram in enumerate(often)}
    logits = np.array([example.negative for example in examples])
    # A column times c has its penalty divided by c²: the slope is held less than the numbers.
    ease = sqrt(_NUMBER_PENALTY / _LINE_PENALTY)
    found = fit(
        rows_of(
            [[ease * example.negative, *example.numbers] for example in examples],
            [[(column[g], v) for g, v in share.items() if g in column] for share in shares],
            len(often),
        ),
        _targets(hits),
        offset=logits,
        dense_penalty=_NUMBER_PENALTY,
        sparse_penalty=_WORD_PENALTY,
    )
    words = {gram: round(float(found.sparse[i]), _PLACES) for gram, i in column.items()}
    return BrandModel(
        "",
        negative=Calibration(
            round(1.0 + ease * float(found.dense[0]), _PLACES), round(found.bias, _PLACES)
        ),
        numbers=tuple(round(float(weight), _PLACES) for weight in found.dense[1:]),
        words={gram: weight for gram, weight in sorted(words.items()) if weight},
    )


def _folds(examples: Sequence[Example], rng: random.Random) -> list[int]:
    """Gives the fold of each example; each label, and each weight of it, is dealt out evenly."""
    folds = [0] * len(examples)
    dealt = 0
    weights = sorted({example.weight for example in examples})
    for kind in product(Label, weights):
        places = [i for i, each in enumerate(examples) if (each.label, each.weight) == kind]
        rng.shuffle(places)
        for place in places:
            folds[place] = dealt % FOLDS
            dealt += 1
    return folds


def _measure(
    examples: Sequence[Example], folds: Sequence[int], recipe: Recipe, precision: float
) -> Figures:
    found = np.zeros((len(examples), 3))
    for fold in range(FOLDS):
        known = [
            example
            for example, other in zip(examples, folds, strict=True)
            if other != fold and (not recipe.last or example.order <= recipe.last)
        ]
        model = fitted(known, recipe.kind if known else "shipped")
        for i, example in enumerate(examples):
            if folds[i] == fold:
                found[i] = probabilities(model, example)
    return figures_of(
        [example.label for example in examples],
        found,
        folds,
        precision,
        [example.weight for example in examples],
    )

"""Trains the head that ships: `python -m benchmarks.headtraining TEXTS`.

TEXTS is a folder with labelled sets under licences that allow to ship what was learned from them.
The mentions written for this project are learned from as well, those that are not judged.
Calibration uses texts of sets that were left out of the training.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import labelled
from benchmarks.labelled import Example, Floats
from earmark_core.clock import system_clock
from earmark_sentiment.complaint import cues_of
from earmark_sentiment.features import NAMES, Extractor, Features
from earmark_sentiment.head import (
    Calibration,
    Gram,
    Head,
    packed,
    pair,
    shown,
    spread,
    unpaired,
    whole,
)
from earmark_sentiment.logistic import Rows, Weights, fit, rows_of, sigmoid
from earmark_sentiment.prepare import prepare
from earmark_sentiment.vader import installed

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "tests" / "unit" / "earmark_sentiment"
SHIPPED = ROOT / "sentiment" / "earmark_sentiment"
_LEAST_TEXTS = 3
_SOFTNESS = 0.35
_STEPS = 150
_SMALLEST = 6


@dataclass(frozen=True)
class Prepared:
    """An example with its features; `text` is prepared."""

    set: str
    text: str
    label: str
    mean: float | None
    features: Features
    grams: list[Gram]


@dataclass(frozen=True)
class Scale:
    """Centre and spread of the numbers."""

    centre: Floats
    spread: Floats


def prepared(name: str, examples: Sequence[Example]) -> list[Prepared]:
    """Gives the examples with the features that the head is given for them."""
    vader = installed()
    extractor = Extractor(vader)
    rows = []
    for example in examples:
        text = prepare(example.text, labelled.INVENTED, vader.knows)
        features = extractor.features(text, cues_of(text))
        rows.append(
            Prepared(
                name,
                text,
                example.label,
                example.mean,
                features,
                [*features.words, *pairwise(features.words)],
            )
        )
    return rows


def _vocabulary(rows: Sequence[Prepared]) -> dict[Gram, int]:
    texts: Counter[Gram] = Counter()
    for row in rows:
        texts.update(set(row.grams))
    known = sorted((gram for gram, count in texts.items() if count >= _LEAST_TEXTS), key=shown)
    return {gram: column for column, gram in enumerate(known)}


def _rows(rows: Sequence[Prepared], vocabulary: dict[Gram, int], scale: Scale) -> Rows:
    numbers = (np.array([row.features.numbers for row in rows]) - scale.centre) / scale.spread
    grams = [
        [(vocabulary[gram], len(row.grams) ** -0.5) for gram in row.grams if gram in vocabulary]
        for row in rows
    ]
    return rows_of(numbers.tolist(), grams, len(vocabulary))


def importance_of(rows: Sequence[Prepared], targets: Floats) -> Floats:
    """Gives weights by which a large set counts as the root of its size, and classes alike."""
    importance = np.ones(len(rows))
    names = np.array([row.set for row in rows])
    for name in set(names):
        chosen = names == name
        share = targets[chosen].mean()
        balance = np.where(targets > 0.5, (0.5 / share) ** 0.5, (0.5 / (1 - share)) ** 0.5)
        weights = balance[chosen]
        importance[chosen] = weights / weights.mean() * (len(rows) / chosen.sum()) ** 0.5
    result: Floats = importance / importance.mean()
    return result


def targets_of(rows: Sequence[Prepared], label: str, cut: float, side: float) -> Floats:
    """Gives 1 for *label* and 0 else; where raters' mean is known, a soft step at the cut."""
    hard = np.array([float(row.label == label) for row in rows])
    means = np.array([np.nan if row.mean is None else row.mean for row in rows])
    soft = sigmoid(side * (np.nan_to_num(means) - cut) / _SOFTNESS)
    return np.where(np.isnan(means), hard, soft)


def train(rows: Sequence[Prepared], version: str) -> Head:
    """Gives the head fitted to these examples, not calibrated.

    The logit of "positive" is learned from texts that are not negative, of sets that have
    neutral texts.
    """
    rows = list(rows)
    with_neutral = {row.set for row in rows if row.label == "neutral"}
    kind = [row for row in rows if row.label != "negative" and row.set in with_neutral]
    numbers = np.array([row.features.numbers for row in rows])
    scale = Scale(numbers.mean(axis=0), numbers.std(axis=0) + 1e-9)
    vocabulary = _vocabulary(rows)
    negative = _fitted(rows, targets_of(rows, "negative", -0.5, -1.0), vocabulary, scale)
    positive = _fitted(kind, targets_of(kind, "positive", 0.5, 1.0), vocabulary, scale)
    grams = {
        gram: (whole(negative.sparse[column]), whole(positive.sparse[column]))
        for gram, column in vocabulary.items()
    }
    return Head(
        version,
        negative.bias - float(negative.dense @ (scale.centre / scale.spread)),
        positive.bias - float(positive.dense @ (scale.centre / scale.spread)),
        tuple((negative.dense / scale.spread).tolist()),
        tuple((positive.dense / scale.spread).tolist()),
        {gram: pair(*both) for gram, both in grams.items() if max(map(abs, both)) >= _SMALLEST},
    )


def _fitted(
    rows: Sequence[Prepared], targets: Floats, vocabulary: dict[Gram, int], scale: Scale
) -> Weights:
    importance = importance_of(rows, targets)
    return fit(_rows(rows, vocabulary, scale), targets, importance=importance, steps=_STEPS)


def held_out(sets: dict[str, list[Prepared]], say: Callable[[str], None]) -> dict[str, Floats]:
    """Gives the logits of each set by a head trained on the other sets: a row per example."""
    logits: dict[str, Floats] = {}
    for names in dict.fromkeys(labelled.RELATED.get(name, (name,)) for name in sets):
        head = train([row for name in sets if name not in names for row in sets[name]], "held")
        for name in names:
            if name in sets:
                logits[name] = np.array([head.logits(row.features) for row in sets[name]])
        say(f"left out {', '.join(names)}")
    return logits


def calibrations(
    sets: dict[str, list[Prepared]], logits: dict[str, Floats]
) -> tuple[Calibration, Calibration]:
    """Gives the lines that fit the logits of left-out sets; every set counts the same.

    Sets without neutral texts are not asked: the world is not like them.
    """
    pairs = []
    for column, label in enumerate(("negative", "positive")):
        scores, targets, importance = [], [], []
        for name, rows in sets.items():
            if not any(row.label == "neutral" for row in rows):
                continue
            is_asked = np.array([label == "negative" or row.label != "negative" for row in rows])
            scores.append(logits[name][is_asked, column])
            targets.append(np.array([float(row.label == label) for row in rows])[is_asked])
            importance.append(np.full(is_asked.sum(), 100.0 / is_asked.sum()))
        pairs.append(platt(*map(np.concatenate, (scores, targets, importance))))
    return pairs[0], pairs[1]


def platt(logits: Floats, targets: Floats, importance: Floats | None = None) -> Calibration:
    """Gives the line on the logits with the least log-loss, held lightly to the line as it is."""
    none = rows_of(logits[:, None].tolist(), [[] for _ in logits], 0)
    fitted = fit(none, targets, importance=importance, offset=logits, dense_penalty=0.1)
    return Calibration(1.0 + float(fitted.dense[0]), fitted.bias)


def calibrated(head: Head, lines: tuple[Calibration, Calibration]) -> Head:
    """Gives the head whose own logits are the calibrated ones."""
    a, b = lines
    both = {gram: unpaired(weights) for gram, weights in head.grams.items()}
    return Head(
        head.version,
        a(head.negative_bias),
        b(head.positive_bias),
        tuple(a.slope * weight for weight in head.negative),
        tuple(b.slope * weight for weight in head.positive),
        {
            gram: pair(round(a.slope * first), round(b.slope * second))
            for gram, (first, second) in both.items()
        },
    )


def probabilities(logits: Floats, lines: tuple[Calibration, Calibration]) -> Floats:
    """Gives the three probabilities of each row of logits."""
    first, second = lines
    return np.array([spread(first(a), second(b)) for a, b in logits])


def read(folder: Path) -> dict[str, list[Prepared]]:
    """Gives the sets of the folder and the project's own mentions, with their features."""
    sets = labelled.read_sets(folder)
    sets[labelled.MENTIONS] = labelled.read_mentions(OWN, 0)
    return {name: prepared(name, examples) for name, examples in sets.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, calibrates and writes the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder with the labelled sets")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--version", default="2")
    chosen = parser.parse_args(arguments)
    sets = read(chosen.texts)
    logits = held_out(sets, print)
    lines = calibrations(sets, logits)
    head = calibrated(train([row for rows in sets.values() for row in rows], chosen.version), lines)
    weights = packed(head)
    (chosen.out / "head.json.gz").write_bytes(weights)
    card: dict[str, Any] = _card(head, sets, logits, lines)
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (chosen.out / "head-card.json").write_text(text, encoding="utf-8")
    print(f"{len(weights):,} bytes, {len(head.grams):,} grams; {NAMES[0]} {head.negative[0]:+.2f}")
    for name, figures in card["left_out"].items():
        print(f"{name:26}", figures)


def _card(
    head: Head,
    sets: dict[str, list[Prepared]],
    logits: dict[str, Floats],
    lines: tuple[Calibration, Calibration],
) -> dict[str, Any]:
    figures = {}
    for name, rows in sets.items():
        quality = labelled.judge([row.label for row in rows], probabilities(logits[name], lines))
        figures[name] = {
            "texts": quality.count,
            "macro_recall": round(quality.macro_recall, 3),
            "negative_f1": round(quality.f1, 3),
            "negative_average_precision": round(quality.average_precision, 3),
            "calibration_error": round(quality.calibration_error, 3),
        }
    return {
        "model": head.model_id,
        "trained_on": system_clock().now().date().isoformat(),
        "grams": len(head.grams),
        "trained_by": "python -m benchmarks.headtraining",
        "method": (
            "Two logistic regressions (negative or not; positive or neutral) on numbers from "
            "VADER and one- and two-word grams, calibrated by a line on sets left out of training"
        ),
        "data": {
            "vader_gt_*": "Hutto and Gilbert 2014, ground truth of VADER, MIT",
            "uci_*": "Sentiment Labelled Sentences, Kotzias et al. 2015, CC BY 4.0",
            "womens_clothing_reviews": "Women's E-Commerce Clothing Reviews, CC0",
            "mentions": "written for this project, MIT",
        },
        "licence": "MIT, with attribution of the UCI sentences as CC BY 4.0 asks",
        "left_out": figures,
    }


if __name__ == "__main__":
    main()

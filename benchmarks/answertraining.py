"""Weighs the small signs of who waits for an answer: `python -m benchmarks.answertraining TEXTS`.

Learned from are the mentions written for this project that may be looked at; the second half of
`mentions.tsv` and all of `trades.tsv` are kept for judging. TEXTS is the folder of labelled sets
that the head is trained on. Its news, its tweets that are not negative and its reviews are learned
from as well, lightly: they show what people say all day who want nothing of a brand. What is
learned is written beside `smallsigns.py`. The same texts give the same weights.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import labelled
from benchmarks.headtraining import OWN, SHIPPED
from benchmarks.labelled import Floats
from earmark_sentiment.complaint import signs
from earmark_sentiment.logistic import Weights, fit, rows_of
from earmark_sentiment.prepare import prepare
from earmark_sentiment.smallsigns import KINDS, NAMES, Signs

LEARNED = {"practice.tsv": 1, "fresh.tsv": 1, "held.tsv": 1, "mentions.tsv": 2}
"""The files that are learned from, with the step from line to line."""
_LIGHTLY = 0.1
_RECALL = 0.92
"""The share of those who need an answer that is to be found, of mentions left out: a complaint
that nobody sees costs more than one look too many, and texts of other trades are harder still."""
_STEP = 0.1
_MOST = 1_500
_LENGTH = 200
_PENALTY = 0.5
_LEAST = 0.005
_DATA = {
    "mentions": "written for this project, MIT; those that are judged are not among them",
    "vader_gt_*": "Hutto and Gilbert 2014, ground truth of VADER, MIT",
    "uci_*": "Sentiment Labelled Sentences, Kotzias et al. 2015, CC BY 4.0",
}
_FOLDS = 10
_BLOCK = 5
_COLUMNS = (
    ("length", "", ""),
    *(("once", name, f"once: {name}") for name in NAMES),
    *((place, name, f"{place}: {name}") for place in ("twice", "first") for name in KINDS),
)


def examples() -> list[tuple[bool, str]]:
    """Gives whether each mention needs an answer, and the mention."""
    rows = []
    for name, step in LEARNED.items():
        rows += labelled.read_kinds(OWN / name, slice(0, None, step))
    return [(kind in labelled.WANTED, text) for kind, text in rows]


def numbers(found: Signs) -> list[float]:
    """Gives the signs as the columns that are weighed."""
    result = [log1p(found.words)]
    result += [float(found.once >> i & 1) for i in range(len(NAMES))]
    result += [float(found.twice >> i & 1) for i in range(len(KINDS))]
    result += [float(found.first >> i & 1) for i in range(len(KINDS))]
    return result


@dataclass(frozen=True)
class Learned:
    """Texts by their signs: whether they need an answer, and how much they count."""

    rows: Floats
    wanted: Floats
    importance: Floats

    def take(self, chosen: NDArray[np.bool_]) -> "Learned":
        """Gives those that are chosen."""
        return Learned(self.rows[chosen], self.wanted[chosen], self.importance[chosen])


def background(folder: Path) -> list[tuple[bool, str]]:
    """Gives short texts of the sets: reviews that complain or not, and talk of other things."""
    sets = labelled.read_sets(folder)
    rows = []
    for name in ("vader_gt_nyt", "vader_gt_tweets", "uci_amazon", "uci_yelp"):
        is_review = name.startswith("uci")
        short = [one for one in sets[name] if len(one.text) <= _LENGTH]
        random.Random(1).shuffle(short)
        rows += [
            (is_review and one.label == "negative", one.text)
            for one in short[:_MOST]
            if name != "vader_gt_tweets" or one.label != "negative"
        ]
    return rows


def learned(texts: Sequence[tuple[bool, str]], importance: float) -> Learned:
    """Gives the texts by their signs."""
    rows = [numbers(signs(prepare(text, labelled.INVENTED))) for _, text in texts]
    wanted = [float(one) for one, _ in texts]
    return Learned(np.array(rows), np.array(wanted), np.full(len(texts), importance))


def _fitted(own: Learned, other: Learned) -> Weights:
    rows = np.concatenate([own.rows, other.rows])
    none: list[Sequence[tuple[int, float]]] = [[] for _ in rows]
    return fit(
        rows_of(rows.tolist(), none, 0),
        np.concatenate([own.wanted, other.wanted]),
        importance=np.concatenate([own.importance, other.importance]),
        dense_penalty=_PENALTY,
    )


def left_out(own: Learned, other: Learned) -> Floats:
    """Gives the logit of each of our mentions, learned without it and its neighbours."""
    logits = np.zeros(len(own.rows))
    fold = np.arange(len(own.rows)) // _BLOCK % _FOLDS
    for one in range(_FOLDS):
        weights = _fitted(own.take(fold != one), other)
        logits[fold == one] = own.rows[fold == one] @ weights.dense + weights.bias
    return logits


def leniency(own: Learned, logits: Floats) -> float:
    """Gives what is added to each logit so that the wanted recall is reached on those left out."""
    lowest = float(np.quantile(logits[own.wanted > 0], 1 - _RECALL))
    return math.ceil(max(0.0, -lowest) / _STEP) * _STEP


def main(arguments: Sequence[str] | None = None) -> None:
    """Learns and writes the weights, and prints how right they are on mentions left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder with the labelled sets")
    parser.add_argument("--out", type=Path, default=SHIPPED / "sign-weights.json")
    chosen = parser.parse_args(arguments)
    own, other = learned(examples(), 1.0), learned(background(chosen.texts), _LIGHTLY)
    logits = left_out(own, other)
    lenient = leniency(own, logits)
    found = logits + lenient >= 0
    hits = float((found & (own.wanted > 0)).sum())
    recall, precision = hits / own.wanted.sum(), hits / found.sum()
    fitted = _fitted(own, other)
    names = [shown or name for name, _, shown in _COLUMNS]
    pairs = zip(names, fitted.dense.tolist(), strict=True)
    weights = {name: round(weight, 2) for name, weight in pairs if abs(weight) >= _LEAST}
    card = {
        "trained_by": "python -m benchmarks.answertraining",
        "data": _DATA,
        "mentions": len(own.rows),
        "texts": len(other.rows),
        "lenient": round(lenient, 2),
        "left_out": {"recall": round(recall, 3), "precision": round(precision, 3)},
        "weights": {"base": round(fitted.bias + lenient, 2), **weights},
    }
    chosen.out.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{len(own.rows)} mentions, left out: recall {recall:.3f}, precision {precision:.3f}")


if __name__ == "__main__":
    main()

"""Labelled texts, and how well a scorer tells the negative ones.

The texts are files of JSON lines given by their folder; a set that is absent is left out and said.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LABELS = ("negative", "neutral", "positive")
SETS = {
    "vader_gt_tweets": "tweets",
    "vader_gt_amazon": "Amazon snippets",
    "vader_gt_movie": "film snippets",
    "vader_gt_nyt": "news snippets",
    "uci_amazon": "UCI Amazon",
    "uci_yelp": "UCI Yelp",
    "uci_imdb": "UCI IMDb",
    "womens_clothing_reviews": "clothing reviews",
}
RELATED = {
    **dict.fromkeys(("uci_amazon", "uci_yelp", "uci_imdb"), ("uci_amazon", "uci_yelp", "uci_imdb")),
}
"""Sets that are left out together when one of them is judged."""
INVENTED = ("Acme", "Globex")
"""The brands of this project's own mentions; no model should learn them."""
MENTIONS = "mentions"
"""The name of this project's own mentions among the sets."""
WANTED = frozenset({"complaint", "question", "request", "lead"})
"""The kinds of mentions that need an answer."""
_LABEL_OF_KIND = {"complaint": "negative", "praise": "positive"}
_BINS = 10


@dataclass(frozen=True)
class Example:
    """A text with its label; `mean` is how raters found it, from -4 to 4, if known."""

    text: str
    label: str
    mean: float | None = None


def read_sets(folder: Path) -> dict[str, list[Example]]:
    """Gives the sets found in *folder*, by name, in a fixed order."""
    sets = {}
    for name in SETS:
        path = folder / f"{name}.jsonl.gz"
        if not path.is_file():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        sets[name] = [Example(row["text"], row["label"], row.get("mean")) for row in rows]
    return sets


def read_mentions(folder: Path, half: int) -> list[Example]:
    """Gives every second of the mentions written for this project: 0 to learn, 1 to judge."""
    examples = []
    for name in ("mentions.tsv", "fresh.tsv"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()[half::2]
        for line in lines:
            kind, _, text = line.partition("\t")
            if kind != "foreign":
                examples.append(Example(text, _LABEL_OF_KIND.get(kind, "neutral")))
    return examples


def read_kinds(path: Path, part: slice) -> list[tuple[str, str]]:
    """Gives the kind and the text of the mentions on these lines, less those not in English.

    Where a line has three columns, the one between them names the trade.
    """
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[part]]
    return [(line[0], line[-1]) for line in lines if line[0] != "foreign"]


@dataclass(frozen=True)
class Quality:
    """How well a set is judged; everything but `macro_recall` is of the negative class."""

    count: int
    macro_recall: float
    precision: float
    recall: float
    f1: float
    average_precision: float
    recall_at_80: float
    calibration_error: float

    def cells(self) -> list[str]:
        """Gives the figures as they stand in a table."""
        figures = (
            self.macro_recall,
            self.precision,
            self.recall,
            self.f1,
            self.average_precision,
            self.recall_at_80,
            self.calibration_error,
        )
        return [f"{figure:.3f}".removeprefix("0") for figure in figures]


def judge(labels: Sequence[str], probabilities: Floats) -> Quality:
    """Gives the quality of *probabilities* (a column per label) against *labels*.

    The verdict is the likeliest label; in a set of two labels neutral is no possible verdict.
    """
    truth = np.array([LABELS.index(label) for label in labels])
    allowed = probabilities.copy()
    if not (truth == 1).any():
        allowed[:, 1] = -1.0
    verdict = allowed.argmax(axis=1)
    negative = (truth == 0).astype(float)
    found = verdict == 0
    hits = float((negative * found).sum())
    precision = hits / max(1.0, float(found.sum()))
    recall = hits / max(1.0, float(negative.sum()))
    p_neg = probabilities[:, 0]
    return Quality(
        len(truth),
        float(np.mean([(verdict[truth == k] == k).mean() for k in sorted(set(truth.tolist()))])),
        precision,
        recall,
        2 * precision * recall / max(1e-9, precision + recall),
        average_precision(negative, p_neg),
        recall_at(negative, p_neg, 0.8),
        calibration_error(negative, p_neg),
    )


def average_precision(negative: Floats, scores: Floats) -> float:
    """Gives the mean precision over the negatives, ranked by score; ties keep one precision."""
    precisions, recalls = _curve(negative, scores)
    return float((np.diff(recalls, prepend=0.0) * precisions).sum())


def recall_at(negative: Floats, scores: Floats, precision: float) -> float:
    """Gives the largest recall of a threshold with at least this precision."""
    precisions, recalls = _curve(negative, scores)
    return float(recalls[precisions >= precision].max(initial=0.0))


def _curve(negative: Floats, scores: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    hits = negative[order].cumsum()
    return (hits / np.arange(1, len(order) + 1))[ends], (hits / max(1.0, hits[-1]))[ends]


def calibration_error(negative: Floats, p_neg: Floats) -> float:
    """Gives the expected calibration error over ten bins of equal width."""
    bins = np.minimum((p_neg * _BINS).astype(int), _BINS - 1)
    gaps = [abs(p_neg[bins == k].sum() - negative[bins == k].sum()) for k in range(_BINS)]
    return float(sum(gaps) / len(p_neg))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Gives a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

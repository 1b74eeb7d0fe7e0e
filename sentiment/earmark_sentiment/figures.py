"""How good probabilities of "negative" are against what people said. Pure, with numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark_core.model import Label

Floats = NDArray[np.float64]
PRECISION = 0.8
"""The share of a brand's queue that should be negative indeed."""
_BINS = 10
_LABELS = tuple(Label)
_NEVER = 1e-12


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a mention is queued, and what was measured with it."""

    p_neg: float
    precision: float
    recall: float
    queued: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model came to on texts that it had not learned from.

    All but `accuracy` speak of the negative label. `average_precision` is the mean over the
    folds, so that a change of scale between folds is no change of rank. Where texts weigh
    differently, `weighed` are those that weigh most and `effective_n` is how many equal ones
    would be as firm (Kish 1965); `weighed` is 0 where all weigh the same.
    """

    n: int
    negatives: int
    average_precision: float
    negative_f1: float
    accuracy: float
    log_loss: float
    calibration_error: float
    threshold: Threshold | None = None
    weighed: int = 0
    effective_n: int = 0


def figures_of(
    labels: Sequence[Label],
    found: Floats,
    folds: Sequence[int],
    precision: float = PRECISION,
    weights: Sequence[float] | None = None,
) -> Figures:
    """Gives the figures of probabilities, a column per label in the order of `Label`."""
    weight = _ones_or(weights, len(labels))
    truth = np.array([_LABELS.index(label) for label in labels])
    negative = truth == 0
    verdict = found.argmax(axis=1)
    hits = float(weight[negative & (verdict == 0)].sum())
    both = float(weight[negative].sum() + weight[verdict == 0].sum())
    ranks = []
    for fold in sorted(set(folds)):
        chosen = np.array(folds) == fold
        if negative[chosen].any() and not negative[chosen].all():
            ranks.append(_area(negative[chosen].astype(float), found[chosen, 0], weight[chosen]))
    p_neg = found[:, 0].tolist()
    return Figures(
        n=len(labels),
        negatives=int(negative.sum()),
        average_precision=round(float(np.mean(ranks)) if ranks else 1.0, 6),
        negative_f1=round(2 * hits / both if both else 1.0, 6),
        accuracy=round(float(np.average(verdict == truth, weights=weight)), 6),
        log_loss=round(log_loss(truth.astype(float), found, weight), 6),
        calibration_error=round(calibration_error(negative.tolist(), p_neg, weight), 6),
        threshold=threshold_for(negative.tolist(), p_neg, precision, weight),
        weighed=int((weight > weight.min()).sum()),
        effective_n=round(float(weight.sum() ** 2 / (weight @ weight))),
    )


def average_precision(is_negative: Sequence[bool], p_neg: Sequence[float]) -> float:
    """Gives the mean precision over the negatives by rank; what is equal shares its precision."""
    negative, scores = np.array(is_negative, dtype=float), np.array(p_neg)
    return _area(negative, scores, np.ones(len(scores)))


def _area(negative: Floats, scores: Floats, weight: Floats) -> float:
    precisions, recalls, _ = _curve(negative, scores, weight)
    return float((np.diff(recalls, prepend=0.0) * precisions).sum())


def threshold_for(
    is_negative: Sequence[bool],
    p_neg: Sequence[float],
    precision: float,
    weights: Sequence[float] | Floats | None = None,
) -> Threshold | None:
    """Gives the lowest threshold whose queue is negative in the wanted share; None if none is.

    `queued` counts texts, whatever they weigh.
    """
    negative, scores = np.array(is_negative, dtype=float), np.array(p_neg)
    precisions, recalls, cuts = _curve(negative, scores, _ones_or(weights, len(scores)))
    good = np.flatnonzero(precisions >= precision)
    if not len(good) or not negative.any():
        return None
    at = int(good[-1])
    cut = float(cuts[at])
    return Threshold(cut, float(precisions[at]), float(recalls[at]), int((scores >= cut).sum()))


def calibration_error(
    is_negative: Sequence[bool],
    p_neg: Sequence[float],
    weights: Sequence[float] | Floats | None = None,
) -> float:
    """Gives the expected calibration error over ten bins of equal width."""
    truth, scores = np.array(is_negative, dtype=float), np.array(p_neg)
    weight = _ones_or(weights, len(scores))
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    gap = weight * (scores - truth)
    return float(sum(abs(gap[bins == k].sum()) for k in range(_BINS)) / max(1.0, weight.sum()))


def log_loss(
    truth: Floats, probabilities: Floats, weights: Sequence[float] | Floats | None = None
) -> float:
    """Gives the mean surprise: *truth* is the column of each row's real label."""
    chosen = probabilities[np.arange(len(truth)), truth.astype(int)]
    surprise = -np.log(np.maximum(chosen, _NEVER))
    return float(np.average(surprise, weights=_ones_or(weights, len(truth))))


def _ones_or(weights: Sequence[float] | Floats | None, count: int) -> Floats:
    return np.ones(count) if weights is None else np.asarray(weights, dtype=float)


def _curve(negative: Floats, scores: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Gives precision and recall at each score that occurs, the highest first, and the scores."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    hits = (negative * weight)[order].cumsum()
    found = weight[order].cumsum()
    return (hits / found)[ends], (hits / max(1.0, hits[-1]))[ends], scores[order][ends]

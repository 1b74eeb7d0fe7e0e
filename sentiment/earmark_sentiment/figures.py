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
    folds, so that a change of scale between folds is no change of rank.
    """

    n: int
    negatives: int
    average_precision: float
    negative_f1: float
    accuracy: float
    log_loss: float
    calibration_error: float
    threshold: Threshold | None = None


def figures_of(
    labels: Sequence[Label], found: Floats, folds: Sequence[int], precision: float = PRECISION
) -> Figures:
    """Gives the figures of probabilities, a column per label in the order of `Label`."""
    truth = np.array([_LABELS.index(label) for label in labels])
    negative = truth == 0
    verdict = found.argmax(axis=1)
    hits = int((negative & (verdict == 0)).sum())
    both = int(negative.sum() + (verdict == 0).sum())
    ranks = []
    for fold in sorted(set(folds)):
        chosen = np.array(folds) == fold
        if negative[chosen].any() and not negative[chosen].all():
            ranks.append(average_precision(negative[chosen].tolist(), found[chosen, 0].tolist()))
    p_neg = found[:, 0].tolist()
    return Figures(
        n=len(labels),
        negatives=int(negative.sum()),
        average_precision=round(float(np.mean(ranks)) if ranks else 1.0, 6),
        negative_f1=round(2 * hits / both if both else 1.0, 6),
        accuracy=round(float((verdict == truth).mean()), 6),
        log_loss=round(log_loss(truth.astype(float), found), 6),
        calibration_error=round(calibration_error(negative.tolist(), p_neg), 6),
        threshold=threshold_for(negative.tolist(), p_neg, precision),
    )


def average_precision(is_negative: Sequence[bool], p_neg: Sequence[float]) -> float:
    """Gives the mean precision over the negatives by rank; what is equal shares its precision."""
    precisions, recalls, _ = _curve(np.array(is_negative, dtype=float), np.array(p_neg))
    return float((np.diff(recalls, prepend=0.0) * precisions).sum())


def threshold_for(
    is_negative: Sequence[bool], p_neg: Sequence[float], precision: float
) -> Threshold | None:
    """Gives the lowest threshold whose queue is negative in the wanted share; None if none is."""
    negative, scores = np.array(is_negative, dtype=float), np.array(p_neg)
    precisions, recalls, cuts = _curve(negative, scores)
    good = np.flatnonzero(precisions >= precision)
    if not len(good) or not negative.any():
        return None
    at = int(good[-1])
    cut = float(cuts[at])
    return Threshold(cut, float(precisions[at]), float(recalls[at]), int((scores >= cut).sum()))


def calibration_error(is_negative: Sequence[bool], p_neg: Sequence[float]) -> float:
    """Gives the expected calibration error over ten bins of equal width."""
    truth, scores = np.array(is_negative, dtype=float), np.array(p_neg)
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    gaps = [abs(scores[bins == k].sum() - truth[bins == k].sum()) for k in range(_BINS)]
    return float(sum(gaps) / max(1, len(scores)))


def log_loss(truth: Floats, probabilities: Floats) -> float:
    """Gives the mean surprise: *truth* is the column of each row's real label."""
    chosen = probabilities[np.arange(len(truth)), truth.astype(int)]
    return float(-np.log(np.maximum(chosen, _NEVER)).mean())


def _curve(negative: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Gives precision and recall at each score that occurs, the highest first, and the scores."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    hits = negative[order].cumsum()
    found = np.arange(1, len(order) + 1)
    return (hits / found)[ends], (hits / max(1.0, hits[-1]))[ends], scores[order][ends]

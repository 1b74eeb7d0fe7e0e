"""Logistic regression on numbers and grams: fitted with numpy, for training and for learning.

Scoring does not need this module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MEMORY = 10
_ENOUGH_DECREASE = 1e-4
_SMALLEST_STEP = 1e-12


@dataclass(frozen=True, slots=True)
class Rows:
    """Examples: dense numbers, and beside them the columns of the grams of each row.

    `columns` holds the gram columns of all rows one after the other and `starts` where each row
    begins, with the end of the last one; `values` belong to `columns`.
    """

    numbers: Floats
    columns: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]
    width: int

    def times(self, dense: Floats, sparse: Floats) -> Floats:
        """Gives the product of each row with the weights."""
        parts = np.concatenate([[0.0], np.cumsum(self.values * sparse[self.columns])])
        of_grams: Floats = parts[self.starts[1:]] - parts[self.starts[:-1]]
        return self.numbers @ dense + of_grams

    def back(self, per_row: Floats) -> tuple[Floats, Floats]:
        """Gives what the rows, each weighed by its factor, add up to for each weight."""
        each = np.repeat(per_row, np.diff(self.starts)) * self.values
        return self.numbers.T @ per_row, np.bincount(self.columns, each, self.width).astype(
            np.float64
        )

    def take(self, chosen: NDArray[np.int64]) -> "Rows":
        """Gives these rows, in this order."""
        lengths = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        offsets = np.repeat(self.starts[chosen] - starts[:-1], lengths)
        places = np.arange(starts[-1]) + offsets
        return Rows(
            self.numbers[chosen], self.columns[places], self.values[places], starts, self.width
        )


def rows_of(
    numbers: Sequence[Sequence[float]], grams: Sequence[Sequence[tuple[int, float]]], width: int
) -> Rows:
    """Gives rows from the numbers and the (column, value) pairs of each example."""
    starts = np.cumsum([0, *map(len, grams)])
    columns = np.array([column for row in grams for column, _ in row], dtype=np.int64)
    values = np.array([value for row in grams for _, value in row], dtype=np.float64)
    dense = np.array(numbers, dtype=np.float64)
    return Rows(dense.reshape(len(grams), -1), columns, values, starts, width)


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted model: logit = bias + numbers · dense + grams · sparse + the offset given."""

    bias: float
    dense: Floats
    sparse: Floats

    def logits(self, rows: Rows) -> Floats:
        """Gives the logit of each row, without any offset."""
        return rows.times(self.dense, self.sparse) + self.bias


def fit(
    rows: Rows,
    targets: Floats,
    *,
    importance: Floats | None = None,
    offset: Floats | None = None,
    dense_penalty: float = 1.0,
    sparse_penalty: float = 1.0,
    steps: int = 200,
) -> Weights:
    """Gives the weights of least log-loss.

    `targets` are probabilities from 0 to 1. The loss is the sum over rows, each times its
    `importance`, plus half the penalties times the squared weights; the bias is free. `offset`
    is a logit known beforehand, to which the model adds. The same rows give the same weights.
    """
    count, dense = rows.numbers.shape
    importance = np.ones(count) if importance is None else importance
    offset = np.zeros(count) if offset is None else offset
    penalties = np.concatenate(
        [[0.0], np.full(dense, dense_penalty), np.full(rows.width, sparse_penalty)]
    )
    scale = max(float(importance.sum()), 1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = weights[0] + offset + rows.times(weights[1 : dense + 1], weights[dense + 1 :])
        losses = np.logaddexp(0.0, logits) - targets * logits
        errors = importance * (sigmoid(logits) - targets)
        on_dense, on_sparse = rows.back(errors)
        slope = np.concatenate([[errors.sum()], on_dense, on_sparse]) + penalties * weights
        value = float(importance @ losses + 0.5 * penalties @ (weights * weights))
        return value / scale, slope / scale

    best = minimise(loss, np.zeros(1 + dense + rows.width), steps)
    return Weights(float(best[0]), best[1 : dense + 1], best[dense + 1 :])


def sigmoid(logits: Floats) -> Floats:
    """Gives the probabilities of logits."""
    result: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return result


def minimise(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int) -> Floats:
    """Gives where a smooth convex function is least, by L-BFGS (Nocedal and Wright, alg. 7.5)."""
    at = start
    value, slope = loss(at)
    moves: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        direction = -_towards(slope, moves)
        descent = float(direction @ slope)
        if descent > -1e-14:
            break
        step = 1.0 if moves else min(1.0, 1.0 / float(np.abs(slope).sum()))
        while True:
            there = at + step * direction
            value_there, slope_there = loss(there)
            if value_there <= value + _ENOUGH_DECREASE * step * descent:
                break
            step *= 0.5
            if step < _SMALLEST_STEP:
                return at
        moved, turned = there - at, slope_there - slope
        if float(moved @ turned) > 1e-12 * float(turned @ turned):
            moves = [*moves[1 - _MEMORY :], (moved, turned)]
        is_done = value - value_there < 1e-9 * max(abs(value), 1e-3)
        at, value, slope = there, value_there, slope_there
        if is_done:
            break
    return at


def _towards(slope: Floats, moves: list[tuple[Floats, Floats]]) -> Floats:
    """Gives the slope divided by the curvature that the last moves have shown."""
    direction = slope.copy()
    shares = []
    for moved, turned in reversed(moves):
        share = float(moved @ direction) / float(moved @ turned)
        shares.append(share)
        direction -= share * turned
    if moves:
        moved, turned = moves[-1]
        direction *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), share in zip(moves, reversed(shares), strict=True):
        direction += (share - float(turned @ direction) / float(moved @ turned)) * moved
    return direction

"""What the stars of a review say."""

import math

from earmark_core.model import Label

PLEASED = 3.5
"""More stars than this say that somebody is pleased."""
_DISPLEASED = 2.5
_CLEAR = 0.75


def label_of_rating(rating: float) -> Label:
    """Gives the label of 1 to 5 stars: up to 2 negative, 3 neutral, from 4 on positive."""
    if rating < _DISPLEASED:
        return Label.negative
    return Label.positive if rating > PLEASED else Label.neutral


def contradicts(rating: float, negative: float, positive: float) -> bool:
    """Tells whether the words clearly say the opposite of the stars."""
    label = label_of_rating(rating)
    return (label is Label.negative and positive >= _CLEAR) or (
        label is Label.positive and negative >= _CLEAR
    )


def stars_of(rating: float | None) -> float | None:
    """Gives a rating that can be meant: a number from 1 to 5, else none."""
    if rating is None or not math.isfinite(rating) or not 0 < rating <= 5:
        return None
    return max(1.0, rating)

"""How many mentions have which label, and what net sentiment that makes.

Net sentiment is (positive − negative) / (positive + neutral + negative) × 100. Unscored mentions
are in no denominator and are shown beside every figure. There is no single standard formula;
this one counts neutral mentions.
"""

import math
from dataclasses import dataclass

_Z = 1.959964  # 95 %


@dataclass(frozen=True, slots=True)
class Tally:
    """Mentions by label; `net`, `low` and `high` are -100 to 100, None without scored mentions."""

    n: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    unscored: int = 0

    @property
    def scored(self) -> int:
        """Gives the denominator of net sentiment."""
        return self.negative + self.neutral + self.positive

    @property
    def net(self) -> float | None:
        """Gives net sentiment."""
        return 100 * (self.positive - self.negative) / self.scored if self.scored else None

    @property
    def margin(self) -> float | None:
        """Gives half of the 95 % interval, by the normal approximation for a mean of −1, 0, 1.

        Two mentions that agree would have no spread; one mention of the other kind is added
        to the variance so that few mentions never look certain.
        """
        if not self.scored:
            return None
        n = self.scored + 2
        mean = (self.positive - self.negative) / n
        spread = (self.positive + self.negative + 2) / n - mean**2
        return 100 * _Z * math.sqrt(spread / n)

    @property
    def low(self) -> float | None:
        """Gives the lower end of the interval."""
        return None if self.net is None else max(-100.0, self.net - (self.margin or 0))

    @property
    def high(self) -> float | None:
        """Gives the upper end of the interval."""
        return None if self.net is None else min(100.0, self.net + (self.margin or 0))

    @property
    def unscored_share(self) -> float | None:
        """Gives the share of mentions that have no score, 0 to 1."""
        return self.unscored / self.n if self.n else None

"""How far a machine and people agree: pure counting, every figure with its n."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from earmark_core.model import Label

Pair = tuple[Label, Label]
"""What a person says, and what the machine said."""
FIRM_FROM = 30
"""Below this many judged mentions a figure may be far off."""
_Z = 1.959964
"""Of 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Labels by people against labels by the machine; a figure without basis is None.

    `matrix` counts by (person's label, machine's label).
    """

    matrix: Mapping[Pair, int]

    @property
    def n(self) -> int:
        """Gives how many mentions both have judged."""
        return sum(self.matrix.values())

    @property
    def accuracy(self) -> float | None:
        """Gives the share of equal labels."""
        return self._equal / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Gives the 95 % interval of `accuracy` (Wilson 1927)."""
        if not self.n:
            return None
        share, n, z2 = self._equal / self.n, self.n, _Z * _Z
        middle = share + z2 / (2 * n)
        half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        whole = 1 + z2 / n
        return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)

    @property
    def is_firm(self) -> bool:
        """Tells whether enough was judged for a figure to be relied on."""
        return self.n >= FIRM_FROM

    @property
    def kappa(self) -> float | None:
        """Gives Cohen's kappa (1960): agreement beyond chance, 1 at most.

        None also where both always gave one and the same label, as chance explains all of that.
        """
        if not self.n:
            return None
        chance = sum(self.by_person(label) * self.by_machine(label) for label in Label)
        expected = chance / self.n**2
        if expected == 1:
            return None
        return (self._equal / self.n - expected) / (1 - expected)

    @property
    def _equal(self) -> int:
        return sum(self.count(label, label) for label in Label)

    def count(self, person: Label, machine: Label) -> int:
        """Gives one cell of the matrix."""
        return self.matrix.get((person, machine), 0)

    def by_person(self, label: Label) -> int:
        """Gives how many mentions people gave the label."""
        return sum(self.count(label, other) for other in Label)

    def by_machine(self, label: Label) -> int:
        """Gives how many mentions the machine gave the label."""
        return sum(self.count(other, label) for other in Label)

    def precision(self, label: Label) -> float | None:
        """Gives the share of the machine's label that people confirm."""
        given = self.by_machine(label)
        return self.count(label, label) / given if given else None

    def recall(self, label: Label) -> float | None:
        """Gives the share of people's label that the machine found."""
        real = self.by_person(label)
        return self.count(label, label) / real if real else None

    def f1(self, label: Label) -> float | None:
        """Gives the harmonic mean of precision and recall, None where nobody gave the label."""
        both = self.by_person(label) + self.by_machine(label)
        return 2 * self.count(label, label) / both if both else None


def agreement(pairs: Iterable[Pair]) -> Agreement:
    """Counts pairs of (person's label, machine's label)."""
    return Agreement(dict(Counter(pairs)))

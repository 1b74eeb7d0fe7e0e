"""How far a machine and people agree: pure counting, every figure with its n."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from earmark_core.model import Label

Pair = tuple[Label, Label]
"""What a person says, and what the machine said."""


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
    def kappa(self) -> float | None:
        """Gives Cohen's kappa (1960): agreement beyond chance, 1 at most.

        None also where both always gave one and the same label, as chance explains all of that.
        """
        if not self.n:
            return None
        chance = sum(self._by_person(label) * self._by_machine(label) for label in Label)
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

    def _by_person(self, label: Label) -> int:
        return sum(self.count(label, other) for other in Label)

    def _by_machine(self, label: Label) -> int:
        return sum(self.count(other, label) for other in Label)

    def precision(self, label: Label) -> float | None:
        """Gives the share of the machine's label that people confirm."""
        given = self._by_machine(label)
        return self.count(label, label) / given if given else None

    def recall(self, label: Label) -> float | None:
        """Gives the share of people's label that the machine found."""
        real = self._by_person(label)
        return self.count(label, label) / real if real else None

    def f1(self, label: Label) -> float | None:
        """Gives the harmonic mean of precision and recall, None where nobody gave the label."""
        both = self._by_person(label) + self._by_machine(label)
        return 2 * self.count(label, label) / both if both else None


def agreement(pairs: Iterable[Pair]) -> Agreement:
    """Counts pairs of (person's label, machine's label)."""
    return Agreement(dict(Counter(pairs)))

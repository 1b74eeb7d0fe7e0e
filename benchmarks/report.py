"""Tables as Markdown, so that what is printed can stand in a page as it is."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks import machine

Print = Callable[[str], None]


@dataclass
class Table:
    """One table of figures; `rows` hold text or numbers."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    setting: str = ""
    load_before: str = field(default_factory=machine.load)

    def add(self, *cells: object) -> None:
        """Adds a row."""
        self.rows.append(cells)

    def text(self) -> str:
        """Gives the table with machine and load above it."""
        lines = [[_shown(cell) for cell in row] for row in [self.columns, *self.rows]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
        body = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            + " |"
            for line in ruled
        ]  # fmt: skip
        where = f"Machine: {machine.facts(self.setting)}."
        load = f"Load (1 / 5 min): {self.load_before} before, {machine.load()} after."
        return "\n".join([f"### {self.title}", where, load, "", *body, "", *self.notes])


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Gives the least, the median and the greatest."""
    return min(values), statistics.median(values), max(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Gives the value that *share* of all are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else str(cell)
    if abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"

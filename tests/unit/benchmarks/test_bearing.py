"""The figures of what earmark has to bear run at a tiny size; no time is asserted."""

import pytest

from benchmarks.__main__ import main
from benchmarks.hostileserver import HOSTILE


def rows(out: str) -> list[list[str]]:
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_idle_measures_every_tick_on_both_databases(capsys: pytest.CaptureFixture[str]) -> None:
    main(["idle", "--sources", "200", "--seconds", "3"])
    out = capsys.readouterr().out
    assert out.count("### ") == 4
    names = [row[0] for row in rows(out)]
    for tick in ("due", "understand", "outbox", "clocks", "jobs", "recheck", "heartbeat",
                 "**all ticks, nothing due**", "finish of a quiet poll, 110 a second",
                 "sources, a page", "coverage of all, 7 days"):  # fmt: skip
        assert names.count(tick) == 2, tick
    assert "covers 100.0 % of source-hours" in out


def test_hostile_tells_of_each_body_of_memory_and_of_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    only = "a billion laughs"
    main(["hostile", "--good", "2", "--interval", "2", "--alone", "5", "--beside", "6",
          "--only", only])  # fmt: skip
    out = capsys.readouterr().out
    found = {row[0]: row for row in rows(out)}
    assert "document type" in found[only][3]
    assert not [name for name in HOSTILE if name != only and name in found]
    assert float(found["hostile bodies beside them"][1]) > 0
    assert int(found["beside hostile bodies"][1]) > 0
    assert "level error in the worker's log: 0" in out

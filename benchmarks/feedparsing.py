"""Feeds: what reading one well-formed feed costs, beside fastfeedparser and parsing alone.

fastfeedparser gives the texts as they stand in the document, and leaves out what is longer than
it likes; so do our fields, and leave out nothing. Our items are what is stored: with cleaned
titles, usable links, ids, and the entry as it came beside them.
"""

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from statistics import median
from typing import Any
from xml.etree import ElementTree

import feedparser

from benchmarks.feedserver import feed
from benchmarks.machine import cpu
from benchmarks.report import Print, Table
from earmark_listeners.feeds.items import items_of
from earmark_listeners.feeds.reading import read_feed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_FAST = "fastfeedparser"
_RARELY = "feedparser, which reads what is broken"
Read = Callable[[bytes], object]


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--feeds", type=int, default=60, help="documents of each kind")
    parser.add_argument("--slices", type=int, default=9, help="turns of each")


def run(chosen: Namespace, say: Print) -> None:
    """Prints one table, with RSS and Atom apart."""
    columns = ("kind", "who", "CPU ms a feed (median)", "least", "of fastfeedparser (median ratio)")
    table = Table("Feeds, one document", columns)
    ways, missing = _ways()
    sizes = []
    for kind, numbers in (("RSS", (0, 1, 2, 3)), ("Atom", (7, 8, 9))):
        documents = [
            feed(10 * each + number, 1) for each in range(chosen.feeds) for number in numbers
        ][: chosen.feeds]
        sizes += [len(document) for document in documents]
        costs = _in_turns(ways, documents, chosen.slices)
        for name, spent in costs.items():
            ratio = _ratio(spent, costs.get(_FAST))
            table.add(kind, name, 1000 * median(spent), 1000 * min(spent), ratio)
    table.notes = [
        f"{chosen.slices} turns of {chosen.feeds} documents each, of {sum(sizes) // len(sizes):,}"
        " bytes and 30 entries.",
        *(f"{name} is not installed, so its line is left out." for name in missing),
    ]
    say(table.text())


def _ways() -> tuple[dict[str, Read], list[str]]:
    """Gives the contenders, and the packages that are not there."""
    ways: dict[str, Read] = {"ElementTree, parsing alone": _tree}
    missing = []
    for package, name, make in (
        ("lxml.etree", "lxml, parsing alone", lambda found: found.fromstring),
        ("fastfeedparser", _FAST, lambda found: found.parse),
        ("fastfeedparser.main", f"{_FAST} without its compiled part", _uncompiled),
    ):
        try:
            ways[name] = make(import_module(package))
        except ImportError:
            missing.append(package)
    ways["**ours, fields** (`read_feed`)"] = read_feed
    ways["ours, items (`read_feed`, `items_of`)"] = _items
    ways[_RARELY] = feedparser.parse
    return ways, missing


def _uncompiled(parser: Any) -> Read:
    """Gives fastfeedparser as it was when the aim was set: in Python over lxml."""

    def read(body: bytes) -> object:
        compiled, parser._core = getattr(parser, "_core", None), None
        try:
            return parser.parse(body)
        finally:
            parser._core = compiled

    return read


def _tree(body: bytes) -> object:
    return ElementTree.fromstring(body)


def _items(body: bytes) -> object:
    read = items_of(read_feed(body), url="https://feed.example/feed", now=NOW)
    if len(read.items) != 30:
        raise AssertionError("an entry was lost")
    return read


def _in_turns(
    ways: dict[str, Read], documents: Sequence[bytes], slices: int
) -> dict[str, list[float]]:
    """Gives the CPU seconds a document took in each turn; the first turn is not counted."""
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(slices + 1):
        for name, read in ways.items():
            some = documents[:5] if name == _RARELY else documents
            gc.collect()
            before = cpu()
            for document in some:
                read(document)
            if turn:
                costs[name].append((cpu() - before) / len(some))
    return costs


def _ratio(spent: Sequence[float], fast: Any) -> str:
    if fast is None:
        return "not known"
    return f"{median(a / b for a, b in zip(spent, fast, strict=True)):.2f}x"

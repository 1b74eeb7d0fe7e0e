"""What a monitor's query would find among texts that are there already. Pure.

For each clause of the query it is told what it removes: how many texts would match without it.
Of a query of alternatives it is told what each alone brings in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from earmark_listeners.monitor import About, Clause, Query, clauses, explain, match

NEWEST = 5_000
LOOK_BACK = timedelta(days=30)
SAMPLES = 10
FEW = 3
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Stored:
    """A mention as the query sees it."""

    id: int
    at: datetime
    title: str
    body: str
    author: str
    channel: str
    about: About

    @property
    def words(self) -> str:
        """Gives title and text as they are matched."""
        return f"{self.title}\n{self.body}" if self.title else self.body


@dataclass(frozen=True, slots=True)
class Found:
    """A mention as a preview shows it, cut to 300 characters; `clause` is what matched in it."""

    id: int
    at: datetime
    author: str
    channel: str
    text: str
    clause: str = ""


@dataclass(frozen=True, slots=True)
class ClauseEffect:
    """What one clause does: `removes` texts that match all else, or alone `adds` them.

    One of the two is None. `samples` are the newest few of those texts.
    """

    words: str
    removes: int | None
    adds: int | None
    samples: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query finds in *looked_at* mentions, newest first; `is_cut` says more were there."""

    words: str
    count: int
    looked_at: int
    is_cut: bool
    samples: tuple[Found, ...]
    effects: tuple[ClauseEffect, ...]

    @property
    def basis(self) -> str:
        """Says in a sentence what the counts stand on."""
        if not self.looked_at:
            return "Nothing was stored within the last 30 days, so nothing can be previewed."
        newest = f"the newest {self.looked_at:,}" if self.is_cut else f"all {self.looked_at:,}"
        return (
            f"{self.count:,} of {newest} mentions of the last 30 days match. What no source "
            "brought cannot be counted here."
        )


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """A monitor as the page shows it; `fault` says why its query can no longer be read."""

    id: int
    brand: str
    brand_id: int
    name: str
    query: str
    words: str
    version: int
    is_enabled: bool
    is_demo: bool
    fault: str = ""


def preview(query: Query, stored: Iterable[Stored], *, is_cut: bool = False) -> Preview:
    """Gives what *query* finds in *stored*, which comes newest first."""
    texts = list(stored)
    hits = [(text, match(query, text.words, text.about)) for text in texts]
    found = [_found(text, clause) for text, clause in hits if clause is not None]
    missed = [text for text, clause in hits if clause is None]
    matching = [text for text, clause in hits if clause is not None]
    return Preview(
        words=explain(query),
        count=len(found),
        looked_at=len(texts),
        is_cut=is_cut,
        samples=tuple(found[:SAMPLES]),
        effects=tuple(_effect(clause, matching, missed) for clause in clauses(query)),
    )


def _effect(clause: Clause, matching: Sequence[Stored], missed: Sequence[Stored]) -> ClauseEffect:
    """A clause that all must meet is told by what it keeps out, an alternative by what it adds."""
    rest = clause.rest
    if clause.is_alternative:
        alone = [t for t in matching if match(rest, t.words, t.about) is None]
        return ClauseEffect(clause.words, None, len(alone), _few(alone))
    kept_out = [t for t in missed if match(rest, t.words, t.about) is not None]
    return ClauseEffect(clause.words, len(kept_out), None, _few(kept_out))


def _few(texts: Sequence[Stored]) -> tuple[Found, ...]:
    return tuple(_found(text, "") for text in texts[:FEW])


def _found(text: Stored, clause: str) -> Found:
    said = " ".join(text.words.split())[:_LONGEST]
    return Found(text.id, text.at, text.author, text.channel, said, clause)

"""What a text finds of each topic that it names, by the sentences and clauses that name it.

"Great screen but the battery dies" is good of the screen and bad of the battery: a sentence is cut
where it turns ("but", "although") and between topics that each have something said of them.
A piece that only names ("The battery?") goes with what follows. Pure; the tone of the pieces is
asked of the scorer that scored the text, so both speak of the same kind of label.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from earmark_core.model import Label, Score, ScoreStatus, Text
from earmark_sentiment.language import ENGLISH
from earmark_sentiment.naming import Topics, Word, words_of
from earmark_sentiment.prepare import LIMIT, prepare
from earmark_sentiment.scorer import Scorer
from earmark_sentiment.vader import installed

MOST_TOPICS = 20
"""How many topics of one text are looked at; those that it names first."""
MOST_PASSAGES = 8
LONGEST_PASSAGE = 600
_LONGEST_WORDS = 200

_SENTENCE, _TURN, _SOFT = 2, 1, 0
_CUT = re.compile(
    r"""
    (?P<sentence> (?:(?<=[.!?])|(?<=[.!?]["')]))\ | \n )
    | (?P<turn>
        (?<!nothing)(?<!anything)(?<!all),?\ but\ (?!also\b)
        | [,;]?\ (?:however|(?:even\ )?though|although),?\ (?=\w)
        | [,;]\ (?:while|whereas|yet|except)\ )
    | (?P<soft> \ (?:and|or|plus|with)\ | [,;:]\ | \ -\  | \ \((?=\w) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A piece of nothing but these and names of topics says nothing of its own.
_EMPTY = frozenset(
    re.findall(
        r"\S+",
        """
        a an the this that these those my our your his her their its it i we you they he she some
        any all both each of for on in at to from by about with as is are was were be been has have
        had do does did and or plus also too so then what how who which there here me us them one
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Named:
    """A topic that a text names: the words that do, and the passages, as one text to score."""

    area: str
    topic: str
    words: str
    passage: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a text finds of a topic; `label` and `p_neg` are None where it is not scored."""

    area: str
    topic: str
    words: str
    label: Label | None = None
    p_neg: float | None = None


@runtime_checkable
class KnowsEnglish(Protocol):
    """A scorer that can be told that a passage is English."""

    def score_english(self, texts: Sequence[Text]) -> list[Score]:
        """Gives the scores of passages of English texts by their words alone."""
        ...


@dataclass(slots=True)
class _Piece:
    """A part of a text: the topics it names with where each stands first, and whether it speaks."""

    start: int
    end: int
    topics: dict[int, int] = field(default_factory=dict)
    says: bool = False

    def grow(self, other: "_Piece") -> None:
        self.end = other.end
        self.topics = {**other.topics, **self.topics}
        self.says = self.says or other.says


def named(text: str, topics: Topics) -> tuple[Named, ...]:
    """Gives the topics that a text names, in the order in which it does; raises for no text."""
    if not topics.may_be_named(prepare(text, (), topics.knows)):
        return ()
    plain = _lines(text, topics)
    words = words_of(plain)
    by_word: dict[int, list[int]] = {}
    shown: dict[int, dict[str, None]] = {}
    covered: set[int] = set()
    for hit in topics.hits(plain, words):
        by_word.setdefault(hit.first, []).append(hit.topic)
        covered.update(range(hit.first, hit.end))
        as_written = plain[words[hit.first].start : words[hit.end - 1].end]
        shown.setdefault(hit.topic, {})[as_written.casefold()] = None
    passages: dict[int, list[str]] = {}
    for piece in _grouped(plain, words, by_word, covered):
        for topic, at in piece.topics.items():
            parts = passages.setdefault(topic, [])
            if len(parts) < MOST_PASSAGES:
                parts.append(_cut_out(plain, piece, at))
    return tuple(
        Named(
            *topics.rules[topic][:2],
            words=", ".join(shown[topic])[:_LONGEST_WORDS],
            passage=_joined(passages[topic]),
        )
        for topic in list(shown)[:MOST_TOPICS]
    )


def judged(
    asked: Sequence[tuple[Sequence[Named], Score]], scorer: Scorer, names: tuple[str, ...] = ()
) -> list[tuple[Found, ...]]:
    """Gives what each text finds of the topics it names, in the same order.

    *asked* are the topics of a text with the text's own score, which *scorer* made. A text that
    is not scored has its topics without a label. Stars are left aside: they are of the whole.
    """
    english: dict[str, Score | None] = {}
    other: dict[tuple[str, str], Score | None] = {}
    for topics, score in asked:
        if score.status is not ScoreStatus.scored:
            continue
        if score.lang == ENGLISH and isinstance(scorer, KnowsEnglish):
            english.update(dict.fromkeys(one.passage for one in topics))
        else:
            other.update(dict.fromkeys((one.passage, score.lang) for one in topics))
    if english and isinstance(scorer, KnowsEnglish):
        texts = [Text(passage, lang=ENGLISH, names=names) for passage in english]
        english = dict(zip(english, scorer.score_english(texts), strict=True))
    if other:
        texts = [Text(passage, lang=lang, names=names) for passage, lang in other]
        other = dict(zip(other, scorer.score_batch(texts), strict=True))
    return [tuple(_found(one, score, english, other) for one in topics) for topics, score in asked]


def _found(
    one: Named,
    score: Score,
    english: Mapping[str, Score | None],
    other: Mapping[tuple[str, str], Score | None],
) -> Found:
    own = other.get((one.passage, score.lang)) or english.get(one.passage)
    if score.status is not ScoreStatus.scored or own is None:
        return Found(one.area, one.topic, one.words)
    return Found(one.area, one.topic, one.words, own.label, own.p_neg)


def _lines(text: str, topics: Topics) -> str:
    """Gives the text prepared line by line: where a line ends, a sentence does."""
    vader = installed()

    def knows(word: str) -> bool:
        return topics.knows(word) or vader.knows(word)

    prepared = (prepare(line, (), knows) for line in text[: 2 * LIMIT].splitlines())
    return "\n".join(filter(None, prepared))[:LIMIT]


def _grouped(
    text: str, words: Sequence[Word], by_word: Mapping[int, Sequence[int]], covered: set[int]
) -> Iterator[_Piece]:
    """Gives the parts of the text that name a topic, each with all that belongs to it."""
    group: _Piece | None = None
    place = 0
    for start, end, cut in _pieces(text):
        piece = _Piece(start, end)
        while place < len(words) and words[place].start < end:
            for topic in by_word.get(place, ()):
                piece.topics.setdefault(topic, words[place].start)
            if place not in covered and words[place].plain not in _EMPTY:
                piece.says = True
            place += 1
        if group is not None and _goes_on(group, piece, cut):
            group.grow(piece)
            continue
        if group is not None and group.topics:
            yield group
        group = piece
    if group is not None and group.topics:
        yield group


def _pieces(text: str) -> Iterator[tuple[int, int, int]]:
    """Gives the pieces of a text: start, end, and how deep the cut before it is."""
    strengths = {"sentence": _SENTENCE, "turn": _TURN, "soft": _SOFT}
    start, cut = 0, _SENTENCE
    for found in _CUT.finditer(text):
        yield start, found.start(), cut
        start, cut = found.end(), strengths[found.lastgroup or "soft"]
    yield start, len(text), cut


def _goes_on(group: _Piece, piece: _Piece, cut: int) -> bool:
    if group.topics and not group.says:
        return True
    speaks_of_another = bool(group.topics and piece.says and piece.topics.keys() - group.topics)
    return cut == _SOFT and not speaks_of_another


def _cut_out(text: str, piece: _Piece, at: int) -> str:
    """Gives a piece of text, if it is endless only what stands around the topic."""
    start, end = piece.start, piece.end
    if end - start > LONGEST_PASSAGE:
        start = max(start, at - LONGEST_PASSAGE // 2)
        end = min(end, start + LONGEST_PASSAGE)
    return " ".join(text[start:end].split()).strip(" ,")


def _joined(parts: Sequence[str]) -> str:
    text = parts[0]
    for part in parts[1:]:
        text += f" {part}" if text.endswith((".", "!", "?")) else f". {part}"
    return text

"""Reads the text of a monitor's query into a tree. Pure."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from earmark_core.errors import EarmarkError
from earmark_listeners.whole_words import prepared

MAX_LENGTH = 2_000
MAX_DEPTH = 40
_OPERATORS = ("AND", "OR", "NOT")
_QUOTES = '"“”„«»'
_EXAMPLE = 'An example: (acme OR "acme air") refund -hotel'


class QueryError(EarmarkError):
    """The query cannot be read; `column` (from 1) is where."""

    def __init__(self, message: str, *, query: str, column: int) -> None:
        self.query = query
        self.column = column
        here = f"{query[max(0, column - 31) : column - 1]}▸{query[column - 1 : column + 29]}"
        super().__init__(f"{message} (column {column}: {here}).", hint=_EXAMPLE)

    def caret(self) -> str:
        """Gives two lines: the query, and a caret below the place."""
        return f"{self.query}\n{' ' * (self.column - 1)}^"


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase; `folded` is what is looked for, `column` where it was written."""

    shown: str
    folded: str
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be there."""

    node: "Node"
    column: int


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these."""

    nodes: tuple["Node", ...]


Node = Term | Not | And | Or


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str
    column: int


def read(query: str) -> Node:
    """Gives the tree of *query*, as written; raises `QueryError`."""
    if len(query) > MAX_LENGTH:
        message = f"The query has {len(query)} characters, {MAX_LENGTH} at most are read"
        raise QueryError(message, query=query, column=MAX_LENGTH + 1)
    return _Parser(query).whole()


def _tokens(query: str) -> Iterator[_Token]:
    place = 0
    while place < len(query):
        char, column = query[place], place + 1
        if char.isspace():
            place += 1
        elif char in "()":
            yield _Token(char, char, column)
            place += 1
        elif char in _QUOTES:
            end = _closing_quote(query, place)
            yield _Token("term", query[place + 1 : end], column)
            place = end + 1
        elif char == "-" and place + 1 < len(query) and not query[place + 1].isspace():
            yield _Token("NOT", char, column)
            place += 1
        else:
            end = _end_of_word(query, place)
            word = query[place:end]
            yield _Token(word if word in _OPERATORS else "term", word, column)
            place = end


def _closing_quote(query: str, opening: int) -> int:
    for place in range(opening + 1, len(query)):
        if query[place] in _QUOTES:
            return place
    raise QueryError("This quotation mark is never closed", query=query, column=opening + 1)


def _end_of_word(query: str, place: int) -> int:
    while place < len(query) and not (query[place].isspace() or query[place] in "()" + _QUOTES):
        place += 1
    return place


class _Parser:
    """Reads tokens by descent; the depth is capped so that no query can exhaust the stack."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens = list(_tokens(query))
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        if not self.tokens:
            raise QueryError("The query is empty", query=self.query, column=1)
        tree = self.either()
        if self.at < len(self.tokens):
            raise self.wrong("This bracket closes nothing")
        return tree

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def wrong(self, message: str, column: int | None = None) -> QueryError:
        if column is None:
            ended = self.at >= len(self.tokens)
            column = len(self.query) + 1 if ended else self.tokens[self.at].column
        return QueryError(message, query=self.query, column=column)

    def either(self) -> Node:
        nodes = [self.both()]
        while self.kind() == "OR":
            self.at += 1
            nodes.append(self.both())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def both(self) -> Node:
        nodes = [self.single()]
        while self.kind() in {"AND", "NOT", "(", "term"}:
            if self.kind() == "AND":
                self.at += 1
            nodes.append(self.single())
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def single(self) -> Node:
        kind = self.kind()
        if kind == "term":
            return self.term()
        if kind not in {"NOT", "("}:
            raise self.wrong(self.missing())
        column = self.tokens[self.at].column
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"More than {MAX_DEPTH} levels deep")
        self.at += 1
        node: Node = Not(self.single(), column) if kind == "NOT" else self.group(column)
        self.depth -= 1
        return node

    def missing(self) -> str:
        if self.at == 0:
            return f"A query cannot begin with {self.kind()}"
        before = self.tokens[self.at - 1].value
        return f"A word or a phrase is missing after {before}"

    def group(self, column: int) -> Node:
        if self.kind() == ")":
            raise self.wrong("There is nothing between these brackets")
        node = self.either()
        if self.kind() != ")":
            raise self.wrong("This bracket is never closed", column)
        self.at += 1
        return node

    def term(self) -> Term:
        token = self.tokens[self.at]
        folded = prepared(token.value)
        if all(unicodedata.category(char)[0] in "PZC" for char in folded):
            raise self.wrong("There is no word here to look for")
        self.at += 1
        written = " ".join(token.value.split())
        return Term(f'"{written}"' if " " in written else written, folded, token.column)

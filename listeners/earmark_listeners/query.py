"""Reads the text of a monitor's query into a tree. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from earmark_core.errors import EarmarkError
from earmark_listeners.filters import NAMES, BadFilter, misspelt, read_filter
from earmark_listeners.query_tree import And, Leaf, Near, Node, Not, Or, Term
from earmark_listeners.whole_words import prepared

MAX_LENGTH = 2_000
MAX_DEPTH = 40
_OPERATORS = ("AND", "OR", "NOT")
_QUOTES = '"“”„«»'
_FARTHEST = 100
_SHORTEST_STEM = 2
_DISTANCE = re.compile(r"~(\d{1,3})(?![\w])", re.ASCII)
_NAME = re.compile(r"([A-Za-z]+):")
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
class _Token:
    kind: str
    value: str
    column: int
    name: str = ""
    distance: int | None = None


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
            token, place = _quoted(query, place)
            yield token
        elif char == "-" and place + 1 < len(query) and not query[place + 1].isspace():
            yield _Token("NOT", char, column)
            place += 1
        elif found := _filter(query, place):
            token, place = found
            yield token
        else:
            end = _end_of_word(query, place)
            word = query[place:end]
            yield _Token(word if word in _OPERATORS else "term", word, column)
            place = end


def _quoted(query: str, place: int) -> tuple[_Token, int]:
    """Gives a phrase, with its distance if it has one, and where to go on."""
    end = _closing_quote(query, place)
    phrase, column = query[place + 1 : end], place + 1
    if not query.startswith("~", end + 1):
        return _Token("term", phrase, column), end + 1
    distance = _DISTANCE.match(query, end + 1)
    if not distance or int(distance[1]) > _FARTHEST:
        message = f'After ~ comes how many words may lie between, 0 to {_FARTHEST}: "a b"~5'
        raise QueryError(message, query=query, column=end + 2)
    return _Token("term", phrase, column, distance=int(distance[1])), distance.end()


def _filter(query: str, place: int) -> tuple[_Token, int] | None:
    """Gives a filter such as `rating:<3` or `author:"Jane Doe"`, and where to go on."""
    begins = _NAME.match(query, place)
    if not begins:
        return None
    name = begins[1].lower()
    if name not in NAMES:
        meant = misspelt(name)
        if meant and not query.startswith("//", begins.end()):
            message = f"There is no filter {name}: Is {meant}: meant? Else put it in quotes"
            raise QueryError(message, query=query, column=place + 1)
        return None
    start = begins.end()
    if start < len(query) and query[start] in _QUOTES:
        end = _closing_quote(query, start)
        return _Token("term", query[start + 1 : end], place + 1, name=name), end + 1
    end = _end_of_word(query, start)
    return _Token("term", query[start:end], place + 1, name=name), end


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

    def term(self) -> Leaf:
        token = self.tokens[self.at]
        written = " ".join(token.value.split())
        if token.name:
            return self.filter(token, written)
        if token.distance is not None:
            return self.near(token, written)
        shown = f'"{written}"' if " " in written else written
        stem = token.value[:-1] if token.value.endswith("*") else token.value
        if "*" in stem.strip("*") and " " not in written:
            raise self.wrong("A * stands only at the end of a word")
        folded = prepared(stem)
        if all(unicodedata.category(char)[0] in "PZC" for char in folded):
            raise self.wrong("There is no word here to look for")
        is_prefix = stem != token.value
        if is_prefix and len(folded.rpartition(" ")[2]) < _SHORTEST_STEM:
            raise self.wrong(f"At least {_SHORTEST_STEM} letters stand before a *")
        self.at += 1
        return Term(shown, folded, token.column, is_prefix)

    def near(self, token: _Token, written: str) -> Near:
        words = tuple(prepared(token.value).split())
        if len(words) < 2:
            raise self.wrong("A distance needs two words or more")
        self.at += 1
        return Near(f'"{written}"~{token.distance}', words, token.distance or 0, token.column)

    def filter(self, token: _Token, written: str) -> Leaf:
        shown = f'{token.name}:"{written}"' if " " in written else f"{token.name}:{written}"
        try:
            found = read_filter(token.name, token.value, shown, token.column)
        except BadFilter as error:
            raise self.wrong(str(error)) from None
        self.at += 1
        return found

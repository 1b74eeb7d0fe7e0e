"""The query language of a monitor: parse, explain, match. Pure, and linear in the text.

    acme                       the word, whole, in any case; also in #acme and @acme
    "acme air"                 these words side by side
    refund*                    the word with any ending; also "acme refund*"
    "acme refund"~5            these words, at most 5 others between them, in any order
    acme refund                both (AND may be left out)
    acme OR akme               either; AND binds closer than OR
    acme NOT hotel   -hotel    without
    (acme OR akme) -hotel      brackets group
    author:jane  lang:en  source:mastodon  rating:<3  rating:1..2  has:link

Only AND, OR and NOT in capitals are operators. Text and query are folded before they are
compared, so that case, width and invisible characters make no difference. Filters are about what
is known of a text beside its words; see `filters` for what becomes of the unknown.
"""

from dataclasses import dataclass

from earmark_listeners.filters import TOO_OPEN, holds, in_words, is_unknown
from earmark_listeners.query import QueryError, read
from earmark_listeners.query_tree import About, And, Filter, Leaf, Near, Node, Not, Or, Term
from earmark_listeners.whole_words import near, occurs, prepared

__all__ = ["About", "Clause", "Query", "QueryError", "clauses", "explain", "match", "parse"]

_NOTHING = About()


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read: as written, as a tree, and with NOT only before single terms.

    A text that holds none of `needles` cannot match, which is quickly seen; None where no word
    is sure to be in a text that matches.
    """

    source: str
    tree: Node
    plain: Node
    needles: tuple[str, ...] | None


def parse(query: str) -> Query:
    """Gives the query in a form that `match` and `explain` take.

    Raises:
        QueryError: it is empty, too long, wrongly built, or would match nearly everything.
    """
    tree = read(query)
    plain = _plain(tree)
    too_open = _holds_for_nothing(plain)
    if too_open is not None:
        message = "This would match nearly every text: say which word must be there"
        raise QueryError(message, query=query, column=too_open)
    return Query(query, tree, plain, _needles(plain))


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the parts that a query is joined of, in words, and the query without it.

    `is_alternative` says that the parts are joined by OR.
    """

    words: str
    rest: Query
    is_alternative: bool


def clauses(query: Query) -> tuple[Clause, ...]:
    """Gives the parts of a query, in their order.

    There are none where it is a single part. A part is left out where nearly every text would
    match without it.
    """
    tree = query.tree
    if not isinstance(tree, And | Or):
        return ()
    is_alternative = isinstance(tree, Or)
    found = []
    for place, node in enumerate(tree.nodes):
        others = tree.nodes[:place] + tree.nodes[place + 1 :]
        rest = others[0] if len(others) == 1 else type(tree)(others)
        plain = _plain(rest)
        if _holds_for_nothing(plain) is None:
            without = Query(query.source, rest, plain, _needles(plain))
            found.append(Clause(_words(node), without, is_alternative))
    return tuple(found)


def explain(query: Query) -> str:
    """Gives the query in plain words."""
    return f"Texts with {_words(query.tree)}."


def match(query: Query, text: str, about: About = _NOTHING) -> str | None:
    """Gives the clause that matched, such as `"acme air" AND refund`; None where none did.

    The clause names what was found; what had to be absent is not repeated in it.
    """
    folded = prepared(text)
    if query.needles is not None:
        for needle in query.needles:
            if needle in folded:
                break
        else:
            return None
    found = _found(query.plain, folded, about)
    if found is None:
        return None
    return " AND ".join(dict.fromkeys(leaf.shown for leaf in found)) or query.source


def _plain(node: Node, negated_at: int | None = None) -> Node:
    """Moves NOT down to the terms, so that what was found can be named.

    `negated_at` is the column of the NOT that *node* stands under, if it does.
    """
    if isinstance(node, Leaf):
        return node if negated_at is None else Not(node, negated_at)
    if isinstance(node, Not):
        return _plain(node.node, node.column if negated_at is None else None)
    nodes = tuple(_plain(each, negated_at) for each in node.nodes)
    return And(nodes) if isinstance(node, And) == (negated_at is None) else Or(nodes)


def _holds_for_nothing(node: Node) -> int | None:
    """Gives the column of what alone makes the query true of nearly every text."""
    if isinstance(node, Leaf):
        return node.column if isinstance(node, Filter) and node.name in TOO_OPEN else None
    if isinstance(node, Not):
        return node.column
    columns = [_holds_for_nothing(each) for each in node.nodes]
    if isinstance(node, And):
        return columns[0] if None not in columns else None
    return next((column for column in columns if column is not None), None)


def _needles(node: Node) -> tuple[str, ...] | None:
    """Gives terms of which one must occur for *node* to be true, as few as can be; else None."""
    if isinstance(node, Term):
        return (node.folded,)
    if isinstance(node, Near):
        return (max(node.words, key=len),)
    if isinstance(node, Not | Filter):
        return None
    sets = [_needles(each) for each in node.nodes]
    known = [needles for needles in sets if needles is not None]
    if isinstance(node, And):
        return min(known, key=len, default=None)
    return tuple(dict.fromkeys(sum(known, ()))) if len(known) == len(sets) else None


def _words(node: Node) -> str:
    if isinstance(node, Term):
        return _term_in_words(node)
    if isinstance(node, Near):
        words = node.shown.rpartition("~")[0]
        return f"the words {words} at most {node.distance} words apart"
    if isinstance(node, Filter):
        return in_words(node)
    if isinstance(node, Not):
        return f"no match for {_bracketed(node.node)}"
    joiner = " and " if isinstance(node, And) else " or "
    return joiner.join(_bracketed(each) for each in node.nodes)


def _term_in_words(term: Term) -> str:
    kind = {"#": "hashtag", "@": "handle"}.get(term.folded[0], "word")
    kind = "phrase" if " " in term.folded else kind
    if not term.is_prefix:
        return f"the {kind} {term.shown}"
    stem = term.shown.replace("*", "")
    return f"a {kind} that begins with {stem}"


def _bracketed(node: Node) -> str:
    return f"({_words(node)})" if isinstance(node, And | Or) else _words(node)


def _found(node: Node, text: str, about: About) -> tuple[Leaf, ...] | None:
    """Gives the leaves that make *node* true of *text*, or None."""
    if isinstance(node, Leaf):
        return (node,) if _is_true(node, text, about) else None
    if isinstance(node, Not):
        # NOT stands only before leaves here, see `_plain`.
        unknown = isinstance(node.node, Filter) and is_unknown(node.node, about)
        return () if unknown or _found(node.node, text, about) is None else None
    if isinstance(node, Or):
        hits = (_found(each, text, about) for each in node.nodes)
        return next((hit for hit in hits if hit is not None), None)
    found: tuple[Leaf, ...] = ()
    for each in node.nodes:
        hit = _found(each, text, about)
        if hit is None:
            return None
        found += hit
    return found


def _is_true(leaf: Leaf, text: str, about: About) -> bool:
    if isinstance(leaf, Filter):
        return is_unknown(leaf, about) or holds(leaf, about)
    if isinstance(leaf, Near):
        return near(leaf.words, text, leaf.distance)
    return occurs(leaf.folded, text, is_prefix=leaf.is_prefix)

"""The query language of a monitor: parse, explain, match. Pure, and linear in the text.

    acme                       the word, whole, in any case; also in #acme and @acme
    "acme air"                 these words side by side
    acme refund                both (AND may be left out)
    acme OR akme               either; AND binds closer than OR
    acme NOT hotel   -hotel    without
    (acme OR akme) -hotel      brackets group

Only AND, OR and NOT in capitals are operators. Text and query are folded before they are
compared, so that case, width and invisible characters make no difference.
"""

from dataclasses import dataclass

from earmark_listeners.query import And, Node, Not, Or, QueryError, Term, read
from earmark_listeners.whole_words import occurs, prepared

__all__ = ["Query", "QueryError", "explain", "match", "parse"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read: as written, as a tree, and with NOT only before single terms.

    A text that holds none of `needles` cannot match, which is quickly seen.
    """

    source: str
    tree: Node
    plain: Node
    needles: tuple[str, ...]


def parse(query: str) -> Query:
    """Gives the query in a form that `match` and `explain` take.

    Raises:
        QueryError: it is empty, too long, wrongly built, or would match nearly everything.
    """
    tree = read(query)
    plain = _plain(tree)
    open_not = _holds_for_nothing(plain)
    if open_not is not None:
        message = "This would match every text that lacks the word: say what must be there"
        raise QueryError(message, query=query, column=open_not)
    return Query(query, tree, plain, _needles(plain) or ())


def explain(query: Query) -> str:
    """Gives the query in plain words."""
    return f"Texts with {_words(query.tree)}."


def match(query: Query, text: str) -> str | None:
    """Gives the clause that matched, such as `"acme air" AND refund`; None where none did.

    The clause names what was found; what had to be absent is not repeated in it.
    """
    folded = prepared(text)
    for needle in query.needles:
        if needle in folded:
            break
    else:
        return None
    found = _found(query.plain, folded)
    if found is None:
        return None
    return " AND ".join(dict.fromkeys(term.shown for term in found))


def _plain(node: Node, negated_at: int | None = None) -> Node:
    """Moves NOT down to the terms, so that what was found can be named.

    `negated_at` is the column of the NOT that *node* stands under, if it does.
    """
    if isinstance(node, Term):
        return node if negated_at is None else Not(node, negated_at)
    if isinstance(node, Not):
        return _plain(node.node, node.column if negated_at is None else None)
    nodes = tuple(_plain(each, negated_at) for each in node.nodes)
    return And(nodes) if isinstance(node, And) == (negated_at is None) else Or(nodes)


def _holds_for_nothing(node: Node) -> int | None:
    """Gives the column of a NOT that alone makes the query true of a text with no words at all."""
    if isinstance(node, Term):
        return None
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
    if isinstance(node, Not):
        return None
    sets = [_needles(each) for each in node.nodes]
    known = [needles for needles in sets if needles is not None]
    if isinstance(node, And):
        return min(known, key=len, default=None)
    return tuple(dict.fromkeys(sum(known, ()))) if len(known) == len(sets) else None


def _words(node: Node) -> str:
    if isinstance(node, Term):
        kind = "hashtag" if node.folded[0] == "#" else "handle" if node.folded[0] == "@" else "word"
        return f"the {'phrase' if ' ' in node.folded else kind} {node.shown}"
    if isinstance(node, Not):
        return f"no match for {_bracketed(node.node)}"
    joiner = " and " if isinstance(node, And) else " or "
    return joiner.join(_bracketed(each) for each in node.nodes)


def _bracketed(node: Node) -> str:
    return f"({_words(node)})" if isinstance(node, And | Or) else _words(node)


def _found(node: Node, text: str) -> tuple[Term, ...] | None:
    """Gives the terms that make *node* true of *text*, or None."""
    if isinstance(node, Term):
        return (node,) if occurs(node.folded, text) else None
    if isinstance(node, Not):
        return () if _found(node.node, text) is None else None
    if isinstance(node, Or):
        hits = (_found(each, text) for each in node.nodes)
        return next((hit for hit in hits if hit is not None), None)
    found: tuple[Term, ...] = ()
    for each in node.nodes:
        hit = _found(each, text)
        if hit is None:
            return None
        found += hit
    return found

"""Which of all posts are kept. Pure.

Hundreds of posts go by in a second, and few are meant: most are told apart by looking for a few
bytes, before anything is read.
"""

import re
from collections.abc import Sequence

from earmark_core.text import fold
from earmark_listeners.whole_words import occurs, prepared

_RUN = re.compile(r"[a-z0-9]+")


class Wanted:
    """Words, phrases and accounts that a source looks for."""

    def __init__(self, terms: Sequence[str]) -> None:
        dids = [term for term in terms if term.startswith("did:")]
        self._terms = tuple(prepared(term) for term in terms if term not in dids)
        self._named = tuple(
            form.encode() for did in dids for form in (f'"{did}"', f'"at://{did}/', f'"at://{did}"')
        )
        # A folded term with a character outside ASCII is in no text of ASCII alone.
        runs = [_RUN.findall(term) for term in self._terms if term.isascii()]
        self._has_bare = any(not run for run in runs)
        self._needles = tuple({max(run, key=len).encode() for run in runs if run})

    def may_be_in(self, frame: bytes) -> bool:
        """Says whether a message may be wanted; a quick no is sure, a yes is not.

        What is written in characters outside ASCII, or with escapes for them, is always to be
        read: by folding, many a character becomes a plain letter.
        """
        if self.names(frame) or not frame.isascii() or b"\\u" in frame or self._has_bare:
            return True
        low = frame.lower()
        return any(needle in low for needle in self._needles)

    def names(self, frame: bytes) -> bool:
        """Says whether one of the accounts posted it, or is named, answered or quoted in it."""
        return any(form in frame for form in self._named)

    def occurs_in(self, text: str) -> bool:
        """Says whether a word or phrase stands in the text of a post as a whole."""
        folded = " ".join(fold(text).split())
        return any(term in folded and occurs(term, folded) for term in self._terms)

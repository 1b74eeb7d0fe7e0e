"""Which thread a post belongs to, where a platform names only the post that is answered."""

from collections.abc import MutableMapping
from typing import Any, Final

_MOST: Final = 5_000


class Roots:
    """Remembers the first post of each thread for as long as the process lives.

    Kept in `wiring.memory` under *key*, 5,000 posts at most. Where the post answered was not
    heard lately, it stands for the thread's first one.
    """

    def __init__(self, memory: MutableMapping[str, Any], key: str) -> None:
        self._roots: dict[str, str] = memory.setdefault(f"roots {key}", {})

    def root(self, post: str, answered: str) -> str:
        """Gives the key of the thread of *post*, which answers *answered* ("": nothing)."""
        found = self._roots.get(answered, answered) or post
        self._roots.pop(post, None)
        self._roots[post] = found
        while len(self._roots) > _MOST:
            del self._roots[next(iter(self._roots))]
        return found

"""What people bring themselves, from the pages: what they were told, and files."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from earmark import importing, intake
from earmark.app import Parts
from earmark.importing import Reject
from earmark_core.access import require
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Item, Role
from earmark_core.tables import Brand
from earmark_dashboard.entering import Looked, TakenIn, Told

_SAMPLES = 5


class Entering:
    """Takes in mentions that no poll brings."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def write_down(self, actor: Actor, brand_id: int, told: Told) -> bool:
        """Stores what a person was told; gives False where it stands there already.

        Raises:
            ConfigError: there is no such brand, or a field is wrong; nothing was stored.
        """
        require(actor, Role.responder, "write down a mention")
        self._check(brand_id)
        item = importing.item_of(1, _values(told), json.dumps({**_values(told), "by": actor.name}))
        if isinstance(item, Reject):
            raise ConfigError(item.reason, hint="Nothing was stored.")
        return intake.write_down(self._parts, actor, brand_id, item)

    def look(self, actor: Actor, name: str, content: bytes) -> Looked:
        """Gives what a file holds; stores nothing.

        Raises:
            UnreadableFile: it cannot be read as a whole.
        """
        require(actor, Role.manager, "import mentions")
        items: list[Item] = []
        reasons: list[str] = []
        rows = refused = 0
        for _, one in _rows(name, content):
            rows += 1
            if isinstance(one, Reject):
                refused += 1
                reasons += [_words(one)] if len(reasons) < _SAMPLES else []
            elif len(items) < _SAMPLES:
                items.append(one)
        samples = tuple((item.author.name if item.author else "", _shown(item)) for item in items)
        return Looked(rows, refused, samples, tuple(reasons))

    def take(
        self,
        actor: Actor,
        brand_id: int,
        name: str,
        content: bytes,
        *,
        history: bool,
        tick: Callable[[int], None],
    ) -> TakenIn:
        """Stores a file's mentions and tells *tick* of each page of rows.

        May be repeated: a mention that stands there already is known by its id.

        Raises:
            UnreadableFile: it cannot be read as a whole.
            ConfigError: there is no such brand.
        """
        require(actor, Role.manager, "import mentions")
        self._check(brand_id)
        found = _rows(name, content)
        total = intake.take(self._parts, actor, brand_id, found, history=history, tick=tick)
        reasons = tuple(_words(reject) for reject in total.rejects)
        return TakenIn(total.new, total.known, total.rejected, reasons)

    def _check(self, brand_id: int) -> None:
        with self._parts.store.read() as session:
            if session.get(Brand, brand_id) is None:
                raise ConfigError("There is no such brand.", hint="It may have been removed.")


def _values(told: Told) -> dict[str, Any]:
    return {
        "text": told.text,
        "author": told.author.strip(),
        "handle": told.handle.strip(),
        "url": told.url.strip(),
        "rating": told.rating.strip(),
        "published_at": told.at.isoformat(),
    }


def _rows(name: str, content: bytes) -> Iterator[tuple[int, Item | Reject]]:
    return importing.read_opened(name, lambda: io.BytesIO(content))


def _words(reject: Reject) -> str:
    return f"Line {reject.line}: {reject.reason}"


def _shown(item: Item) -> str:
    return f"{item.title} {item.text}".strip()

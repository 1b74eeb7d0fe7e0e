"""What a Reddit source remembers in its cursor beside the mark: what to ask after again."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from earmark_core.clock import as_utc
from earmark_core.model import Cursor
from earmark_listeners.contract import Batch


@dataclass(frozen=True, slots=True)
class Memory:
    """Names heard lately, the newest first, and the mark up to which they were asked after."""

    watch: tuple[str, ...] = ()
    checked: datetime | None = None

    @classmethod
    def of(cls, since: Cursor | None) -> Self:
        """Gives what a cursor remembers; that it is a cursor of ours was seen to before."""
        kept = json.loads(since) if since else {}
        watch, checked = kept.get("watch"), kept.get("checked")
        names = [name for name in watch if isinstance(name, str)] if isinstance(watch, list) else []
        try:
            moment = as_utc(datetime.fromisoformat(checked)) if isinstance(checked, str) else None
        except (ValueError, OverflowError):
            moment = None
        return cls(tuple(names), moment)

    def with_page(self, batches: Sequence[Batch], most: int) -> Self:
        """Gives a memory of the newest *most*, of what was just heard and what was before.

        Private messages cannot be asked after.
        """
        fresh = [item.external_id for batch in reversed(batches) for item in reversed(batch.items)]
        told = {name for batch in batches for name in batch.gone}
        names = [name for name in dict.fromkeys([*fresh, *self.watch]) if name not in told]
        return replace(self, watch=tuple(n for n in names if not n.startswith("t4_"))[:most])

    def unheard(self, batches: Sequence[Batch]) -> list[str]:
        """Gives the names that did not come by themselves just now."""
        heard = {item.external_id for batch in batches for item in batch.items}
        return [name for name in self.watch if name not in heard]

    def without(self, gone: Collection[str]) -> Self:
        """Gives a memory without these."""
        return replace(self, watch=tuple(name for name in self.watch if name not in gone))

    def put_in(self, cursor: Cursor | None, *, is_checked: bool) -> Cursor | None:
        """Gives the cursor with this memory; what could not be asked after stays due."""
        if cursor is None:
            return None
        kept = json.loads(cursor)
        checked = self.checked.isoformat() if self.checked else kept["after"]
        moved = kept["after"] if is_checked else checked
        return Cursor(json.dumps(kept | {"watch": list(self.watch), "checked": moved}))

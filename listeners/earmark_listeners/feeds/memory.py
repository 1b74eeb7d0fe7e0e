"""What a feed's cursor remembers between two polls."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from earmark_core.clock import as_utc
from earmark_core.model import Cursor, Item
from earmark_core.text import fingerprint
from earmark_listeners.feeds.reading import PARSER_VERSION

FULL_EVERY = timedelta(days=1)
SPREAD = timedelta(hours=4)
"""How much earlier than after a day some feeds are asked for everything: not all at once."""
_MOST = 500
_FEW = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """The validators of the last answer, its hash, and short marks of the entries in it.

    `etag` and `modified` are exactly what the server sent. `full_at` is when the whole feed was
    last asked for. `by_link` says that this feed's ids cannot be trusted.
    """

    source: str
    version: int = PARSER_VERSION
    etag: str = ""
    modified: str = ""
    body: str = ""
    full_at: str = ""
    wait_seconds: int = 0
    ids: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    by_link: bool = False

    def dump(self) -> Cursor:
        """Gives the cursor that `recall` reads."""
        kept = {key: value for key, value in asdict(self).items() if value}
        return Cursor(json.dumps(kept, separators=(",", ":")))

    @property
    def wait(self) -> timedelta | None:
        """Gives the wait the feed asked for when it was last read, None if it asked for none."""
        return timedelta(seconds=self.wait_seconds) if self.wait_seconds else None

    def waiting(self, wait: timedelta | None) -> "Memory":
        """Gives this memory with that wait in it."""
        return replace(self, wait_seconds=int(wait.total_seconds()) if wait else 0)

    def may_ask_conditionally(self, now: datetime) -> bool:
        """Says whether validators may be sent: not once a day, for servers whose 304s are lies.

        After 20 to 24 hours without the whole feed, it is asked for: when, each feed's address
        decides, so that feeds which were added together are not all read in the same minute.
        """
        if not self.full_at or not (self.etag or self.modified):
            return False
        since = now - as_utc(datetime.fromisoformat(self.full_at))
        return timedelta(0) <= since < FULL_EVERY - SPREAD * self._share

    @property
    def _share(self) -> float:
        """Gives a share from 0 to 1 that is this feed's own and stays the same."""
        return int(self.source[:8], 16) / 0xFFFFFFFF

    def marked(self, items: Sequence[Item]) -> "Memory":
        """Gives the memory of a document with *items* in it."""
        newest = items[-_MOST:]
        return replace(
            self,
            ids=tuple(_marks(item.external_id for item in newest)),
            links=tuple(_marks(item.url for item in newest)),
        )

    def has_missed(self, now: "Memory") -> bool:
        """Says whether nothing links the document *now* to this one: some may lie between."""
        if not self.ids or not now.ids:
            return False
        return set(self.ids).isdisjoint(now.ids) and set(self.links).isdisjoint(now.links)

    def is_renamed(self, now: "Memory", share: float) -> bool:
        """Says whether more than *share* of the entries *now* are old ones under new ids."""
        known_ids, known_links = set(self.ids), set(self.links)
        renamed = sum(
            bool(link) and link in known_links and name not in known_ids
            for name, link in zip(now.ids, now.links, strict=True)
        )
        return len(now.ids) >= _FEW and renamed > share * len(now.ids)


def recall(cursor: Cursor | None, url: str) -> Memory:
    """Gives what *cursor* holds for the feed at *url*.

    Validators and hash are forgotten if the address is another, or the parser was changed since.
    A cursor that cannot be read is an empty one: the feed is then read from the start.
    """
    source = fingerprint(url)[:16]
    fresh = Memory(source)
    try:
        found = json.loads(cursor or "{}")
        memory = Memory(**{"source": "", **found})
        memory = replace(memory, ids=tuple(memory.ids), links=tuple(memory.links))
        if memory.full_at:
            datetime.fromisoformat(memory.full_at)
    except (ValueError, TypeError):
        return fresh
    if memory.source != source:
        return fresh
    if memory.version != PARSER_VERSION:
        return replace(memory, version=PARSER_VERSION, etag="", modified="", body="")
    return memory


def _marks(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest()
        yield base64.urlsafe_b64encode(digest).decode("ascii") if text else ""

"""The mails that arrived in an earlier stretch of time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from earmark_core.errors import Malformed
from earmark_core.model import Cursor, Item
from earmark_listeners.channels.email.account import Mailbox
from earmark_listeners.channels.email.imap import search
from earmark_listeners.channels.email.place import imap_day
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Page

_PAGE: Final = 50
_DAY: Final = timedelta(days=1)

ReadMail = Callable[[int], Awaitable[Item | None]]


class History:
    """Walks a folder back by its numbers.

    A server searches by whole days of its own zone, so that a day more is asked for at either
    end. Mails that were moved stand beside others of their day only roughly: a page vouches for
    no more than what came after its newest mail, and the search alone says where the walk ends.
    """

    def __init__(self, mailbox: Mailbox, validity: int, most: int, read: ReadMail) -> None:
        self._mailbox = mailbox
        self._most = min(most, _PAGE)
        self._validity = validity
        self._read_mail = read
        self._newest: datetime | None = None

    def pages(self, start: datetime, end: datetime, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields the pages of a stretch, the mails that came last first."""
        span = "SINCE", imap_day(start - _DAY), "BEFORE", imap_day(end + 2 * _DAY)

        async def ask(token: str, first: datetime, _until: datetime) -> Page:
            return await self._page(token, span, first)

        walk = Back(
            ask, _read, "email", moment=lambda _: None, when=lambda _: self._newest,
            keeps_token=True,
        )  # fmt: skip
        return walk.pages(start, end, since)

    async def _page(self, token: str, span: tuple[str, ...], start: datetime) -> Page:
        """Gives mails below a number; *token* is that of the folder, and the mail's."""
        validity, _, below = token.partition(":")
        uids = await self._mailbox.run(lambda: search(self._mailbox.imap, *span))
        if validity == str(self._validity):  # else it was numbered anew: from the beginning
            uids = [uid for uid in uids if uid < int(below)]
        chosen = uids[::-1][: self._most]
        entries = [await self._entry(uid) for uid in chosen]
        said = [each.published_at for each in entries if isinstance(each, Item)]
        known = [at for at in said if at is not None]
        self._newest = max(start, *known) if known else None
        is_more = len(uids) > len(chosen)
        return Page(entries, f"{self._validity}:{chosen[-1]}" if is_more else "")

    async def _entry(self, uid: int) -> Any:
        try:
            return await self._read_mail(uid)
        except Malformed as error:
            return {"why": error.message, "mail": error.subject or f"UID {uid}"}


def _read(entry: Any) -> Item | None:
    if isinstance(entry, dict):
        raise Malformed(entry["why"])
    found: Item | None = entry
    return found

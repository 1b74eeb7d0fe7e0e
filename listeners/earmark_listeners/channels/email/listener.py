"""The channel: polls a folder, and answers what was found in it."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

from earmark_core.errors import (
    Interrupted,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import BadItem, Cursor, Item, WindowState
from earmark_core.text import clean
from earmark_listeners.channels.email.account import Account, Mailbox
from earmark_listeners.channels.email.finding import again_at, elsewhere
from earmark_listeners.channels.email.history import History
from earmark_listeners.channels.email.imap import (
    Folder,
    fetch,
    folder_name,
    search,
    with_id,
)
from earmark_listeners.channels.email.options import EmailOptions
from earmark_listeners.channels.email.place import Place, imap_day, recall
from earmark_listeners.channels.email.reading import new_text, parsed, read_mail
from earmark_listeners.channels.email.smtp import Progress
from earmark_listeners.channels.email.writing import addressee, message_id, written
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Gone,
    Listener,
    Outgoing,
    Sent,
    Stability,
    Target,
    Wiring,
)
from earmark_listeners.replying import before_sending
from earmark_listeners.wire import RAW_LIMIT

log = logging.getLogger(__name__)
_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class _Page:
    """Mails that were fetched, and why it ended early if it did."""

    items: tuple[Item, ...]
    bad_items: tuple[BadItem, ...]
    place: Place
    broken: ListenerError | None = None


class EmailListener(Listener[EmailOptions]):
    """Hears a mailbox, and answers from its address."""

    channel: ClassVar[str] = "email"
    summary: ClassVar[str] = "A mailbox: support mail, and the notification mails of platforms"
    options_type: ClassVar[type[EmailOptions]] = EmailOptions
    needs: ClassVar[str] = "an IMAP login, and SMTP for replies"
    collects: ClassVar[tuple[str, ...]] = ("mails",)
    cannot: ClassVar[str] = "what is inside attachments; what was deleted before it was read"
    stability: ClassVar[Stability] = "mail"
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, visibility="private", default_interval_seconds=120,
        note="goes out from the brand's address and cannot be taken back",
    )  # fmt: skip

    def __init__(self, options: EmailOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.account = Account(options, wiring)

    @property
    def can_answer(self) -> bool:
        """Says whether there is a way out."""
        return bool(self.options.smtp_host)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what arrived since, oldest first; see `Listener.poll`."""
        before = recall(since)
        async with self.account.mailbox() as mailbox:
            folder = await mailbox.open()
            place, note = self._begin(folder, before)
            walk = self._pages(mailbox, folder, place, note)
            async with aclosing(walk) as pages:  # type: ignore[type-var]  # a generator
                async for batch in pages:
                    yield batch

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the mails of a stretch by their own date, of those that came about then."""
        async with self.account.mailbox() as mailbox:
            folder = await mailbox.open()
            read = partial(self._mail, mailbox, validity=folder.validity)
            history = History(mailbox, folder.validity, self.options.max_mails, read)
            async for batch in history.pages(start, end, since):
                yield batch

    def _begin(self, folder: Folder, before: Place | None) -> tuple[Place, str]:
        """Gives where to go on; a folder that was numbered anew is read from its beginning."""
        if before is None:
            first = self.clock() - timedelta(days=self.options.first_days)
            return Place(folder.validity, 0, first.date().isoformat()), ""
        is_reset = folder.next_uid is not None and folder.next_uid <= before.last
        if folder.validity == before.validity and not is_reset:
            return before, ""
        note = "The server numbered the mailbox anew; it was read again, and no mail comes twice."
        return Place(folder.validity, 0, before.since), note

    async def _pages(
        self, mailbox: Mailbox, folder: Folder, place: Place, note: str
    ) -> AsyncIterator[Batch]:
        uids = await mailbox.run(lambda: _numbers(mailbox, place))
        is_short = len(uids) > self.options.max_mails
        uids = uids[: self.options.max_mails]
        if is_short:
            note = f"{len(uids)} mails were read; what follows comes with the next poll. {note}"
        shape = Batch(
            state=WindowState.truncated if is_short else WindowState.complete, note=note.strip()
        )
        if not uids:
            # What lies below now is older than we listen for: from here on all is new.
            last = max(place.last, (folder.next_uid or 1) - 1)
            yield replace(shape, cursor=replace(place, last=last, breaks=0).cursor())
            return
        for start in range(0, len(uids), _PAGE):
            page = await self._page(mailbox, uids[start : start + _PAGE], place)
            place = page.place
            yield replace(shape, items=page.items, bad_items=page.bad_items, cursor=place.cursor())
            if page.broken is not None:
                raise page.broken

    async def _page(self, mailbox: Mailbox, uids: Sequence[int], place: Place) -> _Page:
        items: dict[str, Item] = {}
        bad_items: list[BadItem] = []
        for uid in uids:
            if place.is_stuck and uid == uids[0]:
                bad_items.append(BadItem("The line broke at this mail each time.", f"UID {uid}"))
                place = place.after(uid)
                continue
            try:
                item = await self._mail(mailbox, uid, place.validity)
            except Malformed as error:
                bad_items.append(BadItem(error.message, error.subject or f"UID {uid}"))
            except Unavailable as error:
                return _Page(tuple(items.values()), tuple(bad_items), place.broken(), error)
            else:
                if item is not None:
                    items[item.external_id] = item
            place = place.after(uid)
        return _Page(tuple(items.values()), tuple(bad_items), place)

    async def _mail(self, mailbox: Mailbox, uid: int, validity: int) -> Item | None:
        """Gives a mail as an item; what cannot be read is raised with its beginning."""
        options = self.options

        def work() -> Item | None:
            found = fetch(mailbox.imap, uid, options.max_kilobytes * 1_024)
            if found is None:
                return None
            try:
                return read_mail(found, options, validity)
            except Malformed as error:
                error.subject = clean(found.raw[:RAW_LIMIT].decode("utf-8", "replace"))
                raise

        return await mailbox.run(work)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the mail again; a colleague may have seen to it in a mail program."""
        async with self.account.mailbox() as mailbox:
            folder = await mailbox.open()
            most = self.options.max_kilobytes * 1_024
            found = await mailbox.run(lambda: again_at(mailbox, folder, ref, most))
            if found is None:  # filed away, perhaps
                found = await mailbox.run(lambda: elsewhere(mailbox, ref, most))
        if found is None:
            # Not `Gone`: what the customer said is not taken back by who tidies the mailbox.
            raise ReplyRefused(
                "The mail is no longer in the mailbox: somebody deleted it.",
                hint="Find out whether it was answered; else answer by hand and confirm.",
            )
        if "\\Answered" in found.flags:
            raise ReplyRefused(
                "Somebody answered the mail in a mail program.",
                hint="Look there; if there is more to say, answer there and confirm.",
            )
        return Target(new_text(parsed(found.raw))[0])

    async def send(self, reply: Outgoing) -> Sent:
        """Sends the reply once, then files a copy where the server does not."""
        to = addressee(reply)
        mail = written(reply, self.options, self.clock())
        progress = Progress()
        try:
            await self.account.deliver(to, mail, progress)
        except Interrupted as error:
            if not progress.may_be_taken:
                raise Unavailable(error.message, subject=error.subject) from None
            raise ReplyUnknown(
                "The line broke after the mail was handed over.",
                hint="It is looked for among the sent mail before anything is sent again.",
                subject=error.subject,
            ) from error
        sent = Sent(message_id(reply, self.options))
        if not self.options.server_files_sent:
            await self._file(mail)
        return sent

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply among the sent mail.

        Raises `ReplyUnknown` where its absence proves nothing: it is we who file a copy, and we
        do so only once the server has said that it took the mail.
        """
        wanted = message_id(reply, self.options)
        if await before_sending(self._is_filed(wanted)):
            return Sent(wanted)
        if self.options.server_files_sent:
            return None
        raise ReplyUnknown(
            "This server keeps no copy of its own of what it sends.",
            hint="Ask the customer or the mail server's log, then confirm or send it again.",
            subject=self.options.smtp_host,
        )

    async def _is_filed(self, wanted: str) -> bool:
        async with self.account.mailbox() as mailbox:
            name = await mailbox.sent()
            typ = await mailbox.run(lambda: mailbox.imap.select(folder_name(name), readonly=True))
            if typ[0] != "OK":
                if self.options.server_files_sent:
                    raise Rejected(
                        f"The mailbox has no folder {name!r} for sent mail.",
                        hint="Name it as sent_folder.",
                    )
                return False
            return bool(await mailbox.run(lambda: with_id(mailbox.imap, wanted)))

    async def _file(self, mail: bytes) -> None:
        """Files a copy; the mail is out, whatever becomes of this."""
        try:
            async with self.account.mailbox() as mailbox:
                folder = folder_name(await mailbox.sent())
                await mailbox.run(lambda: _append(mailbox, folder, mail))
        except ListenerError as error:
            log.warning("a sent mail could not be filed", extra={"reason": error.message})


def _numbers(mailbox: Mailbox, place: Place) -> list[int]:
    if not place.last:
        return search(mailbox.imap, "SINCE", imap_day(datetime.fromisoformat(place.since)))
    # A server answers `n:*` with the last mail even where there is none as high as n.
    found = search(mailbox.imap, "UID", f"{place.last + 1}:*")
    return [uid for uid in found if uid > place.last]


def _append(mailbox: Mailbox, folder: str, mail: bytes) -> None:
    imap = mailbox.imap
    typ, _ = imap.append(folder, "(\\Seen)", None, mail)
    if typ != "OK":
        imap.create(folder)
        typ, _ = imap.append(folder, "(\\Seen)", None, mail)
    if typ != "OK":
        raise Unavailable("The mail server does not take the copy.")

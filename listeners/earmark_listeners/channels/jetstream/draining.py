"""What one poll takes from the stream, message by message, and the pages it makes of it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from earmark_core.errors import Malformed
from earmark_core.model import BadItem, Item, WindowState
from earmark_core.text import clean
from earmark_listeners.bluesky_posts import to_item
from earmark_listeners.channels.jetstream.messages import (
    Commit,
    Where,
    micros_of,
    moment_of,
    quickly,
    read,
)
from earmark_listeners.channels.jetstream.place import Place
from earmark_listeners.channels.jetstream.wanted import Wanted
from earmark_listeners.contract import Batch
from earmark_listeners.wire import RAW_LIMIT

_PAGE: Final = 200
_MESSAGES: Final = 50_000
_MOST_BAD: Final = 100
_AHEAD: Final = micros_of(moment_of(0) + timedelta(minutes=10))


@dataclass(frozen=True, slots=True)
class End:
    """Why a poll came no further, in words; `polls_soon` where more is waiting there."""

    words: str
    polls_soon: bool = False


class Drain:
    """Takes messages and gives pages; the place of a page is behind all that was taken.

    *start* is where the last poll ended. The first message proves a gap where it is later than
    *start* by more than *leap*; one that *is_anew* begins at what is posted now, wherever the last
    ended.
    """

    def __init__(
        self, wanted: Wanted, wire: str, own_did: str, start: Place | None, began: datetime, *,
        leap: timedelta, is_anew: bool,
    ) -> None:  # fmt: skip
        self._wanted = wanted
        self._own_did = own_did
        self._began = micros_of(began)
        self._leap = 0 if is_anew else micros_of(moment_of(0) + leap)
        is_same = start is not None and start.wire == wire and not is_anew
        self._start = start
        self._place = replace(start, wire=wire, seq=start.seq if is_same else 0) if start else None
        self._wire = wire
        self._last: Where | None = None
        self._items: dict[str, Item] = {}
        self._gone: dict[str, None] = {}
        self._bad: list[BadItem] = []
        self._bad_ones = 0
        self._told_at = 0
        self.messages = 0

    @property
    def has_caught_up(self) -> bool:
        """Says whether the server's own time has reached the moment at which the poll began."""
        return self._last is not None and self._last.time >= self._began

    @property
    def is_full(self) -> bool:
        """Says whether it is time for a page."""
        found = len(self._items) + len(self._gone) + len(self._bad)
        return found >= _PAGE or self.messages - self._told_at >= _MESSAGES

    @property
    def is_foreign(self) -> bool:
        """Says whether something came, and nothing of it could be read."""
        return self.messages > 0 and self._last is None

    def take(self, frame: bytes) -> None:
        """Takes one message.

        Raises `ErrorFrame` for the server's last word, and `Malformed` where what comes cannot
        be what we asked for.
        """
        self.messages += 1
        may_be_wanted = self._wanted.may_be_in(frame) or b'"delete"' in frame
        where = None if may_be_wanted else quickly(frame)
        if where is not None:
            self._move(where)
            return
        try:
            commit = read(frame)
        except Malformed as error:
            self._refuse(error.message, frame)
            return
        self._move(commit.where)
        try:
            self._keep(commit, frame)
        except Malformed as error:
            self._refuse(error.message, frame)

    def page(self) -> Batch:
        """Gives what was taken since the last page, with the place behind it."""
        batch = Batch(
            items=tuple(self._items.values()),
            bad_items=tuple(self._bad),
            gone=tuple(self._gone),
            cursor=self._now().cursor() if self._last and self._place else None,
        )
        self._items, self._gone, self._bad = {}, {}, []
        self._told_at = self.messages
        return batch

    def last_page(self, end: End | None) -> Batch:
        """Gives the last page, which says how far this poll came, and by *end* why no further.

        One that has not caught up vouches for nothing yet: the one that does so vouches for it
        all, from where the first of them began.
        """
        why = end or End("")
        if self._last is None or self._place is None:
            return replace(self.page(), state=WindowState.truncated, note=why.words)
        place = self._now()
        if not self.has_caught_up:
            reached = f"{moment_of(place.time):%Y-%m-%d %H:%M:%S} UTC"
            note = f"{why.words} It was heard up to {reached}; the rest comes with the next poll."
            state = WindowState.truncated
            return replace(self.page(), state=state, note=note, polls_soon=why.polls_soon)
        batch = replace(self.page(), cursor=place.told().cursor())
        batch = replace(batch, covers_from=moment_of(place.since), note=place.gap)
        return replace(batch, state=WindowState.truncated) if place.gap else batch

    def _now(self) -> Place:
        assert self._place is not None  # noqa: S101 - for the type checker alone
        return self._place.after(self._last) if self._last else self._place

    def _move(self, where: Where) -> None:
        last = self._last
        if last is None:
            self._begin(where)
            last = where
        if where.time > self._began + _AHEAD:
            self._look_at_clock(where)
        # Never back: a server may give what comes at one time in any order.
        if where.time >= last.time and where.seq >= last.seq:
            self._last = where
        else:
            self._last = Where(max(where.time, last.time), max(where.seq, last.seq))

    def _begin(self, where: Where) -> None:
        if where.time > self._began + _AHEAD:
            self._look_at_clock(where)
        start = self._start
        if start is None or self._place is None:
            self._place = Place(self._wire, where.time, where.seq, where.time)
        elif where.time > start.time + self._leap:
            lost = f"{moment_of(start.time):%Y-%m-%d %H:%M:%S} to {_shown(where.time)} UTC"
            words = f"What was posted from {lost} was no longer to be had from the server."
            self._place = replace(self._place, since=where.time, gap=words)

    def _look_at_clock(self, where: Where) -> None:
        """Waits up to the limits of a poll beyond its begin are no fault of the server's clock."""
        raise Malformed(
            f"The server's clock is far ahead of ours: it says {_shown(where.time)}.",
            hint="Check the clock of this machine, and base_url.",
        )

    def _keep(self, commit: Commit, frame: bytes) -> None:
        if not commit.is_post:
            return
        uri = commit.uri
        if commit.operation == "delete":
            self._items.pop(uri, None)
            self._gone[uri] = None
            return
        if not self._is_wanted(commit.record, frame):
            return
        item = to_item(commit.post(), commit.view(), own_did=self._own_did)
        edited_at = moment_of(commit.where.time) if commit.operation == "update" else None
        self._gone.pop(uri, None)
        self._items[uri] = replace(item, edited_at=edited_at, reply_ref={})

    def _is_wanted(self, record: Any, frame: bytes) -> bool:
        """Looks into the text; into all of a message whose record cannot be read."""
        if self._wanted.names(frame):
            return True
        text = record.get("text", "") if isinstance(record, dict) else None
        whole = text if isinstance(text, str) else frame.decode("utf-8", "replace")
        return self._wanted.occurs_in(whole)

    def _refuse(self, reason: str, frame: bytes) -> None:
        self._bad_ones += 1
        if self._bad_ones > _MOST_BAD:
            raise Malformed(
                f"More than {_MOST_BAD} messages could not be read.",
                hint="Check base_url and wire.",
            )
        raw = clean(frame[:RAW_LIMIT].decode("utf-8", "replace"))
        self._bad.append(BadItem(reason, raw or "an empty message"))


def _shown(time: int) -> str:
    try:
        return f"{moment_of(time):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return "a time beyond all calendars"

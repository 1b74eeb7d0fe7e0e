"""Listens to Jetstream, the stream of all that is posted on Bluesky.

A poll is a bounded drain: it begins where the last one ended, takes what was posted since, and
ends once it has caught up. So it is push with replay and its own reconciling poll at once: nothing
has to be connected between two polls, and what was posted meanwhile is replayed (36 hours at most).
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import timedelta
from typing import Any, ClassVar, Final

from earmark_core.answer import Answer
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected, Unavailable
from earmark_core.model import Cursor
from earmark_core.stream import Limits, Stream
from earmark_core.text import clean
from earmark_listeners.bluesky_posts import POSTS
from earmark_listeners.channels.jetstream.draining import Drain, End
from earmark_listeners.channels.jetstream.messages import ErrorFrame
from earmark_listeners.channels.jetstream.options import JetstreamOptions
from earmark_listeners.channels.jetstream.place import Place, recall
from earmark_listeners.channels.jetstream.wanted import Wanted
from earmark_listeners.contract import Batch, ChannelRules, Listener, Stability, Wiring

_PATHS: Final = {"v1": "/subscribe", "v2": "/xrpc/network.bsky.jetstream.subscribeEvents"}
_OTHER: Final = {"v1": "v2", "v2": "v1"}
_LEAP: Final = timedelta(minutes=5)


class _CannotGoOn(Exception):
    """The server no longer knows the place where the last poll ended."""


class Jetstream(Listener[JetstreamOptions]):
    """Hears all posts of Bluesky, and keeps those that hold our words."""

    channel: ClassVar[str] = "jetstream"
    summary: ClassVar[str] = "All posts of Bluesky as they are made, of which our words are kept"
    options_type: ClassVar[type[JetstreamOptions]] = JetstreamOptions
    needs: ClassVar[str] = "no account; some 20 gigabytes of traffic a day"
    collects: ClassVar[tuple[str, ...]] = ("posts", "replies", "quotes", "deletions")
    cannot: ClassVar[str] = (
        "names and handles of authors, and counts; what is older than about 36 hours; an edit "
        "that takes our words away; that an account was closed as a whole; it answers nothing: a "
        "source of the channel bluesky does"
    )
    stability: ClassVar[Stability] = "push"
    has_thread: ClassVar[bool] = True
    off_by_default: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        default_interval_seconds=300,
        min_interval_seconds=30,
        note="It costs no money but much traffic: every post of Bluesky is fetched, and few are "
        "kept. A source of it is therefore made paused.",
    )

    def __init__(self, options: JetstreamOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self._wanted = Wanted(options.terms)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what was posted since, in the order of the stream; the first poll begins now."""
        place = recall(since)
        is_anew = place is not None and self.options.wire == "v2" and place.wire != "v2"
        try:
            walk = self._drained(place, is_anew=is_anew)
            async with aclosing(walk) as pages:  # type: ignore[type-var]  # a generator
                async for batch in pages:
                    yield batch
        except _CannotGoOn:
            pass
        else:
            return
        walk = self._drained(place, is_anew=True)
        async with aclosing(walk) as pages:  # type: ignore[type-var]  # the same
            async for batch in pages:
                yield batch

    async def _drained(self, place: Place | None, *, is_anew: bool) -> AsyncIterator[Batch]:
        options = self.options
        leap = timedelta(seconds=options.overlap_seconds) if options.wire == "v1" else _LEAP
        drain = Drain(
            self._wanted, options.wire, options.own_did, place, self.clock(),
            leap=leap, is_anew=is_anew,
        )  # fmt: skip
        end: End | None = None
        broken: ListenerError | None = None
        async with self._opened(None if is_anew else place) as stream:
            while end is None and broken is None and not drain.has_caught_up:
                try:
                    end = await self._taken(stream, drain)
                except ErrorFrame as error:
                    if drain.messages == 1 and not is_anew and "cursor" in error.name.lower():
                        raise _CannotGoOn from None
                    broken = _last_word(error, options.base_url)
                except ListenerError as error:
                    broken = error
                if drain.is_full:
                    yield drain.page()
        if broken is None and drain.is_foreign:
            broken = Malformed("None of what came could be read.")
        if broken is not None:
            yield drain.page()
            raise self._advised(broken)
        yield drain.last_page(end)

    async def _taken(self, stream: Stream, drain: Drain) -> End | None:
        """Takes one message; says why there is none, None while there is."""
        options = self.options
        if drain.messages >= options.max_messages:
            return End(f"{options.max_messages} messages were taken.", polls_soon=True)
        frame = await stream.frame(options.silence_seconds)
        if frame is not None:
            drain.take(frame)
            return None
        if stream.is_spent:
            return End("The time or the bytes of one poll were used up.", polls_soon=True)
        return End(f"Nothing came for {options.silence_seconds} seconds.")

    def _opened(self, place: Place | None) -> AbstractAsyncContextManager[Stream]:
        options = self.options
        params: dict[str, Any] = {"wantedCollections": POSTS}
        if options.wire == "v2":
            params = {"kinds": "commit", "collections": POSTS}
        if place is not None:
            overlap = options.overlap_seconds * 1_000_000
            behind = max(place.time - overlap, 0)
            params["cursor"] = str(place.seq if options.wire == "v2" else behind)
        limits = Limits(
            options.seconds,
            bytes=options.max_megabytes * 1_000_000,
            frame=options.max_message_kilobytes * 1_024,
        )
        judge = self._judge_anew if place is None else self._judge
        address = f"{options.base_url}{_PATHS[options.wire]}"
        return self.fetch.stream.open(address, limits, params=params, judge=judge)

    def _judge(self, answer: Answer) -> None:
        """Tells a place that is too old, which v2 refuses, from a request it does not know."""
        if self.options.wire == "v2" and answer.status == 400 and b"cursor" in answer.body.lower():
            raise _CannotGoOn
        self._judge_anew(answer)

    def _judge_anew(self, answer: Answer) -> None:
        if answer.status not in (400, 404):
            return
        says = answer.says()
        raise Rejected(
            f"The server does not know what we ask (HTTP {answer.status}). {says}".strip(),
            fault=Fault.invalid,
            hint=self._other_wire(),
            subject=self.options.base_url,
        )

    def _other_wire(self) -> str:
        return f'It may speak the other wire: set wire = "{_OTHER[self.options.wire]}".'

    def _advised(self, error: ListenerError) -> ListenerError:
        """Gives the error with what to do about it."""
        error.subject = error.subject or self.options.base_url
        if isinstance(error, Malformed) and "larger than" in error.message:
            error.hint = "Raise max_message_kilobytes; until then the poll stops before it."
        elif isinstance(error, Malformed) and not error.hint:
            error.hint = self._other_wire()
        return error


def _last_word(error: ErrorFrame, subject: str) -> Rejected | Unavailable:
    name = error.name or "no reason is given"
    words = clean(f"The server ended the stream: {name}. {error.words}").strip()
    if name.startswith("Invalid"):
        return Rejected(
            words, fault=Fault.invalid, hint="Check wire and base_url.", subject=subject
        )
    return Unavailable(words, subject=subject)

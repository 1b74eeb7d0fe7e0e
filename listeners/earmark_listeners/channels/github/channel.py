"""The GitHub channel: which streams a source has, and where each of them stands."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from earmark_core.model import Cursor
from earmark_listeners.channels.github.discussions import Discussed
from earmark_listeners.channels.github.options import GitHubOptions
from earmark_listeners.channels.github.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.github.server import Server
from earmark_listeners.channels.github.streams import Found, Listed, Place, Stream
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.going_back import together
from earmark_listeners.newest_first import unreadable_place
from earmark_listeners.replying import RepliesApart


class GitHub(RepliesApart, Listener[GitHubOptions]):
    """Watches one repository, or a search over all of GitHub, and answers there."""

    channel: ClassVar[str] = "github"
    summary: ClassVar[str] = "Issues, pull requests and discussions on GitHub, with replies"
    options_type: ClassVar[type[GitHubOptions]] = GitHubOptions
    needs: ClassVar[str] = (
        "nothing to hear public issues, 60 requests an hour; an access token to answer, for "
        "discussions, for private repositories and for more requests"
    )
    collects: ClassVar[tuple[str, ...]] = (
        "issues",
        "comments on a repository's issues",
        "discussions",
        "pull requests",
    )
    cannot: ClassVar[str] = (
        "a search hears no comments and 1,000 hits between two polls at most; what was taken "
        "away, but for comments in discussions; code and its review; late replies below old "
        "comments of a discussion with more than 50"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        can_edit=True,
        can_delete=True,
        default_interval_seconds=600,
        min_interval_seconds=60,
        quota="80 replies a minute, 500 an hour",
        visibility="as the repository is",
        note="Markdown. The whole thread is told of a comment; @name makes clear who is meant.",
    )

    def __init__(self, options: GitHubOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        self.server = Server(options, wiring)
        self.can_answer = self.server.has_token
        self._replying = Replying(self.server)

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what changed in each stream; each page moves the mark of its own stream."""
        marks = _read_cursor(since)
        own = await self.server.own()
        for stream in self._streams(Place(self.server, self.options, self.clock, own)):
            mark = marks.get(stream.name)
            async for batch in stream.poll(Cursor(json.dumps({"after": mark})) if mark else None):
                if batch.cursor is not None:
                    marks[stream.name] = json.loads(batch.cursor)["after"]
                cursor = None if batch.cursor is None else Cursor(json.dumps(marks))
                yield replace(batch, cursor=cursor)

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what was written in a stretch, of all streams beside each other."""
        place = Place(self.server, self.options, self.clock, await self.server.own())
        streams = {stream.name: stream.back() for stream in self._streams(place)}
        async for batch in together(streams, start, end, since):
            yield batch

    def _streams(self, place: Place) -> list[Stream]:
        options = self.options
        streams: list[Stream]
        if options.repository:
            streams = [Listed(place, "issues"), Listed(place, "issues/comments")]
        else:
            kinds = ("issue", "pull-request") if options.pull_requests else ("issue",)
            streams = [Found(place, kind) for kind in kinds]
        if options.discussions:
            streams.append(Discussed(place))
        return streams


def _read_cursor(since: Cursor | None) -> dict[str, str]:
    try:
        marks = json.loads(since) if since is not None else {}
    except ValueError:
        marks = None
    if not isinstance(marks, dict) or not all(isinstance(mark, str) for mark in marks.values()):
        raise unreadable_place("github")
    return marks

"""Answers in a thread on Slack, and looks whether it was answered.

Slack takes the same words twice, so nothing is sent again unless the thread was looked through.
"""

from collections.abc import Mapping
from typing import Any, Final

from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.slack.markup import escaped, words
from earmark_listeners.channels.slack.messages import (
    Message,
    is_ours,
    link_to,
    moment,
    named_in,
    read_message,
    ts_of,
)
from earmark_listeners.channels.slack.options import SlackOptions
from earmark_listeners.channels.slack.server import Me, Workspace, raise_for_reply
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, before_sending, delivered, taken

MAX_LENGTH: Final = 40_000
_MOST_PAGES: Final = 5
_PER_PAGE: Final = "200"


class Replying:
    """Target, send and find in one workspace."""

    def __init__(self, workspace: Workspace, options: SlackOptions) -> None:
        self._workspace = workspace
        self._options = options

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the message as it stands now.

        Raises `ReplyRefused` where the workspace's plan hides it: it may be there all the same.
        """
        ts, thread = str(ref.get("ts", "")), str(ref.get("thread_ts", ""))
        asked = {"channel": _place(ref), "oldest": ts, "latest": ts, "inclusive": "true",
                 "limit": "10"}  # fmt: skip
        method = "conversations.history"
        if thread and thread != ts:
            method, asked = "conversations.replies", asked | {"ts": thread}
        try:
            found, _, said = await self._workspace.messages(method, **asked)
        except Rejected as error:
            if error.fault is Fault.not_found and "thread" in error.message:
                return Gone("The thread was deleted.")
            raise
        raw = next(
            (each for each in found if isinstance(each, dict) and each.get("ts") == ts), None
        )
        if raw is None and said.get("is_limited") is True:
            raise ReplyRefused(
                "The workspace's plan hides what is as old as this.",
                hint="Nothing was sent. Write to the author.",
                subject=self._workspace.base_url,
            )
        message = read_message(raw) if raw is not None else None
        if message is None or message.is_gone:
            return Gone("The message was deleted.")
        await self._workspace.learn(named_in([raw]))
        edited = moment(message.edited.ts) if message.edited else None
        return Target(clean(message.words(self._workspace.names)), edited)

    async def send(self, reply: Outgoing) -> Sent:
        """Says it once, in the thread of its target."""
        me = await before_sending(self._workspace.me())
        place, thread = _place(reply.target), str(reply.target.get("thread_ts", ""))
        said = {"channel": place, "thread_ts": thread, "text": escaped(reply.text)}
        call = self._workspace.write("chat.postMessage", said)
        answer = await delivered(call, self._workspace.base_url, judge=raise_for_reply)
        return taken(lambda: _sent(answer.json(), me, thread), self._workspace.base_url)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through what was said in the thread since the reply was written."""
        me = await self._workspace.me()
        place, thread = _place(reply.target), str(reply.target.get("thread_ts", ""))
        asked = {"channel": place, "ts": thread, "limit": _PER_PAGE,
                 "oldest": ts_of(reply.created_at - SKEW)}  # fmt: skip
        for _ in range(_MOST_PAGES):
            found, following, _said = await self._workspace.messages(
                "conversations.replies", **asked
            )
            for raw in found:
                message = read_message(raw)
                if self._is_it(message, reply, me):
                    return Sent(f"{place}/{message.ts}", link_to(me, place, message.ts, thread))
            if not following:
                return None
            asked["cursor"] = following
        raise Unavailable(
            "Too much was said in the thread since; the reply cannot be looked for.",
            hint="Look at the thread yourself.",
            subject=self._workspace.base_url,
        )

    def _is_it(self, message: Message, reply: Outgoing, me: Me) -> bool:
        """Tells whether a message is our reply: our app's, in time, with the same words."""
        is_late = moment(message.ts) >= reply.created_at - SKEW
        shown = message.words(self._workspace.names)
        return is_ours(message, me) and is_late and words(shown) == words(reply.text)


def _place(ref: Mapping[str, Any]) -> str:
    return str(ref.get("channel_id", ""))


def _sent(said: Any, me: Me, thread: str) -> Sent:
    if not isinstance(said, dict) or said.get("ok") is not True:
        raise Malformed("This is no answer of Slack's API.")
    place, ts = str(said["channel"]), said["ts"]
    if not isinstance(ts, str) or not ts:
        raise Malformed("The new message has no ts.")
    return Sent(f"{place}/{ts}", link_to(me, place, ts, thread))

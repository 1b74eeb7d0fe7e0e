"""Answers a message on Discord, and looks whether it was answered.

`nonce` with `enforce_nonce` is a help, never the proof: it holds for minutes only. So nothing is
sent again unless the channel was looked through.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.discord.messages import (
    Message,
    number_at,
    number_of,
    read_message,
)
from earmark_listeners.channels.discord.options import DiscordOptions
from earmark_listeners.channels.discord.server import (
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    Place,
    Server,
    code_of,
)
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, before_sending, delivered, is_ours, taken

MAX_LENGTH: Final = 2_000
_NONCE: Final = 24  # characters; Discord takes 25
_MOST_PAGES: Final = 10
_GONE: Final = {
    UNKNOWN_MESSAGE: "The message was deleted.",
    UNKNOWN_CHANNEL: "The channel was deleted.",
}


class Replying:
    """Target, send and find in one channel."""

    def __init__(self, server: Server, options: DiscordOptions) -> None:
        self._server = server
        self._options = options

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the message as it stands now."""
        answer = await self._server.message(_number(ref))
        gone = _GONE.get(code_of(answer) or 0) if answer.status == 404 else None
        if gone:
            return Gone(gone)
        message = read_message(self._server.read(answer))
        edited = message.edited_timestamp
        return Target(clean(message.words()), as_utc(edited) if edited else None)

    async def send(self, reply: Outgoing) -> Sent:
        """Answers once. Whatever the text says pings nobody, but who is answered if that is set."""
        place = await before_sending(self._server.place())
        said = {
            "content": reply.text,
            "message_reference": {
                "message_id": _number(reply.target),
                "fail_if_not_exists": True,
            },
            "allowed_mentions": {"parse": [], "replied_user": self._options.notify_author},
            "nonce": _nonce(reply),
            "enforce_nonce": True,
        }
        call = self._server.say(said)
        answer = await delivered(call, self._server.base_url, judge=_judge)
        return taken(lambda: self._sent(read_message(answer.json()), place), self._server.base_url)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through what was said in the channel since, the newest first."""
        place = await self._server.place()
        floor = number_at(reply.created_at - SKEW)
        before: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            found = await self._server.messages(limit="100", **before)
            for message in map(read_message, found):
                if self._is_it(message, reply, place):
                    return self._sent(message, place)
            numbers = [number for number in map(number_of, found) if number is not None]
            if not numbers or min(numbers) <= floor:
                return None
            before = {"before": str(min(numbers))}
        raise Unavailable(
            "Too much was said in the channel since; the reply cannot be looked for.",
            hint="Look at the channel yourself.",
            subject=self._server.base_url,
        )

    def _is_it(self, message: Message, reply: Outgoing, place: Place) -> bool:
        if message.author.id != place.own_id or message.above != _number(reply.target):
            return False
        return message.nonce == _nonce(reply) or is_ours(reply, message.content, message.timestamp)

    def _sent(self, message: Message, place: Place) -> Sent:
        return Sent(message.id, place.link(self._options.site, message.id))


def _judge(answer: Answer, subject: str) -> None:
    """Raises for a refusal by its number: its headers may look like those of a limit."""
    if answer.status in (400, 403, 404) and code_of(answer):
        raise ReplyRefused(
            f"Discord refused the reply ({code_of(answer)}): {answer.says().rstrip('.')}.",
            hint="Change it, check what the bot may do there, or answer by hand.",
            subject=subject,
        )


def _nonce(reply: Outgoing) -> str:
    return hashlib.sha256(reply.key.encode()).hexdigest()[:_NONCE]


def _number(ref: Mapping[str, Any]) -> str:
    given = str(ref.get("message_id", ""))
    return given if given.isascii() and given.isdigit() else "0"

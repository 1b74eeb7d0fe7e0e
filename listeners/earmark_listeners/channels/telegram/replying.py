"""Answers a message on Telegram.

A bot can read neither a message again nor what it said itself. So whether a message was edited is
told by the poll alone, and a reply whose answer was lost is never sent again by us.
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from earmark_core.answer import Answer
from earmark_core.errors import Fault, ReplyRefused, ReplyUnknown
from earmark_listeners.channels.telegram.messages import Message, link_of
from earmark_listeners.channels.telegram.server import (
    Bot,
    decoded,
    described,
    raise_for_bot,
    result_of,
)
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import delivered, taken
from earmark_listeners.wire import read_as

MAX_LENGTH: Final = 4_096
_CONCERN_US: Final = (401, 429)
_REFUSALS: Final = (Fault.invalid, Fault.forbidden)


class Replying:
    """Target, send and find for one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives a target without words: only that we may still speak in its chat is known.

        Raises `ReplyRefused` where we may not; the message may be there all the same.
        """
        answer = await self._bot.ask("getChat", {"chat_id": _chat(ref)})
        _judge(answer, self._bot.base_url)
        if answer.fault() in _REFUSALS:
            _refuse(answer, self._bot.base_url)
        said = answer.checked(self._bot.base_url).json()
        if isinstance(said, dict) and said.get("ok") is False:
            _refuse(answer, self._bot.base_url)
        result_of(said, self._bot.base_url)
        return Target(None)

    async def send(self, reply: Outgoing) -> Sent:
        """Answers once, below the message; Telegram refuses where that is no longer there."""
        message = str(reply.target.get("message_id", ""))
        said = {
            "chat_id": _chat(reply.target),
            "text": reply.text,
            "reply_parameters": {"message_id": int(message) if message.isdecimal() else 0},
        }
        call = self._bot.write("sendMessage", said)
        answer = await delivered(call, self._bot.base_url, judge=_judge_reply)
        return taken(lambda: self._sent(answer), self._bot.base_url)

    async def find(self, reply: Outgoing) -> Sent | None:  # noqa: ARG002 - nothing can be asked
        """Raises `ReplyUnknown`: that a reply was not found would prove nothing."""
        raise ReplyUnknown(
            "A bot cannot read what it said, so the reply cannot be looked for.",
            hint="Look into the chat: confirm that it is there, or send it again.",
            subject=self._bot.base_url,
        )

    def _sent(self, answer: Answer) -> Sent:
        message = read_as(Message, result_of(answer.json(), self._bot.base_url))
        chat = message.chat
        return Sent(f"{chat.id}/{message.message_id}", link_of(chat, message.message_id))


def _judge_reply(answer: Answer, subject: str) -> None:
    """Raises for a no, whatever its status, with Telegram's own words."""
    _judge(answer, subject)
    said = decoded(answer)
    if answer.fault() in _REFUSALS:
        _refuse(answer, subject)
    if answer.fault() is not None or said.get("ok") is not False:
        return
    code = said.get("error_code")  # a no that came with the status of a success
    if code in _CONCERN_US:
        result_of(said, subject)
    if isinstance(code, int) and 400 <= code < 500:
        _refuse(answer, subject)


def _judge(answer: Answer, subject: str) -> None:
    """Raises for a bad token; a 404 here may be the method's own."""
    if answer.fault() is Fault.auth:
        raise_for_bot(answer, subject)


def _refuse(answer: Answer, subject: str) -> NoReturn:
    said = decoded(answer)
    more = said.get("parameters")
    moved = more.get("migrate_to_chat_id") if isinstance(more, dict) else None
    if moved:
        raise ReplyRefused(
            "The group became a supergroup since: its older messages cannot be answered by us.",
            hint=f"Answer by hand. If chats is set for this source, add {moved} to it.",
            subject=subject,
        )
    raise ReplyRefused(
        f"Telegram refused ({answer.status}): {described(said)}.",
        hint="Change the reply, or answer by hand.",
        subject=subject,
    )


def _chat(ref: Mapping[str, Any]) -> str:
    return str(ref.get("chat_id", ""))

"""Answers below a post of Stack Exchange, and looks whether it was answered."""

import re
from collections.abc import Mapping
from typing import Any, Final

from earmark_core.answer import Answer as Reply
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Rejected, ReplyRefused, ReplyUnknown
from earmark_core.text import clean, fold
from earmark_listeners.channels.stackexchange.options import StackExchangeOptions
from earmark_listeners.channels.stackexchange.posts import (
    Answer,
    Comment,
    Owner,
    Question,
    moment,
)
from earmark_listeners.channels.stackexchange.server import Server, error_of, refused_login
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, delivered, taken
from earmark_listeners.wire import read_as

_LOGINS: Final = frozenset((401, 402, 405, 406))
_UNCERTAIN: Final = frozenset((500, 503))
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*\)")
_MARKS = re.compile(r"[^\w\s]|_")
_NO_MORE: Final = "It is no longer there: Stack Exchange does not give it any more."


class Replying:
    """Target, send and find on one site."""

    def __init__(self, server: Server, options: StackExchangeOptions) -> None:
        self._server = server
        self._options = options

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives what is answered as it stands now.

        Raises `ReplyRefused` where it is still there but takes no replies: locked or closed.
        """
        kind, post_id = str(ref.get("kind", "")), _number(ref, "post_id")
        if kind == "comment":
            path = f"/comments/{_number(ref, 'comment_id')}"
        else:
            path = f"/questions/{post_id}" if kind == "question" else f"/answers/{post_id}"
        items, _ = await self._server.page(path)
        if not items:
            return Gone(_NO_MORE)
        post = _read(kind, items[0])
        if isinstance(post, Comment):
            return _as_target(post.body, None)
        if post.locked_date:
            raise _closed("It is locked: nothing can be added")
        if isinstance(post, Question) and post.closed_date and self._is_answer(ref):
            raise _closed("The question is closed: it takes no more answers")
        return _as_target(post.body, post.last_edit_date)

    async def send(self, reply: Outgoing) -> Sent:
        """Hands the reply over once."""
        post_id = _number(reply.target, "post_id")
        text, what, key = self._addressed(reply), "comments", "comment_id"
        path = f"/posts/{post_id}/comments/add"
        if self._is_answer(reply.target):
            text, what, key = reply.text, "answers", "answer_id"
            path = f"/questions/{post_id}/answers/add"
        answer = await delivered(self._server.write(path, text), "stackexchange", judge=_judge)
        number = taken(lambda: _new(answer.json()["items"][0][key]), "stackexchange")
        return self._sent(what, number, reply)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through what is below the post since the reply was written."""
        own_id = await self._server.own_id()
        if not own_id:
            raise Rejected(
                "Stack Exchange does not say who we are, so our reply cannot be looked for.",
                fault=Fault.auth,
                hint="Set own_user_id, or check the access token.",
                subject="stackexchange",
            )
        what = "answers" if self._is_answer(reply.target) else "comments"
        since = as_utc(reply.created_at) - SKEW
        entries = await self._server.below(
            [_number(reply.target, "post_id")], what, sort="creation", order="desc",
            fromdate=str(int(since.timestamp())),
        )  # fmt: skip
        for raw in entries:
            post = _read("answer" if what == "answers" else "comment", raw)
            is_late = moment(post.creation_date) >= since
            if is_late and _is_by(post.owner, own_id) and self._is_same(reply, post.body):
                return self._sent(what, _number_of(post), reply)
        return None

    def _is_answer(self, ref: Mapping[str, Any]) -> bool:
        return self._options.reply_as == "answer" and ref.get("kind") == "question"

    def _addressed(self, reply: Outgoing) -> str:
        """Puts the @name in front of a reply to a comment: nobody else is told of it."""
        name = "".join(str(reply.target.get("to", "")).split())
        if not name or f"@{name}".casefold() in reply.text.casefold():
            return reply.text
        text = f"@{name} {reply.text}"
        return text if len(text) <= self._options.longest_comment else reply.text

    def _is_same(self, reply: Outgoing, body: str) -> bool:
        """Tells whether HTML that came back is our Markdown: the same words, links aside."""
        there = _words(clean(body, is_html=True))
        return there in (_words(reply.text), _words(self._addressed(reply)))

    def _sent(self, what: str, number: str, reply: Outgoing) -> Sent:
        """Gives our reply under the id by which it is heard, so that it is known for ours."""
        origin, post_id = self._options.origin, _number(reply.target, "post_id")
        if what == "answers":
            return Sent(f"answer-{number}", f"{origin}/a/{number}")
        kind = "a" if reply.target.get("kind") == "answer" else "q"
        return Sent(f"comment-{number}", f"{origin}/{kind}/{post_id}#comment{number}_{post_id}")


def _closed(why: str) -> ReplyRefused:
    return ReplyRefused(
        f"{why}.", hint="Nothing was sent. Comment by hand if you can.", subject="stackexchange"
    )


def _read(kind: str, raw: Any) -> Question | Answer | Comment:
    if kind == "comment":
        return read_as(Comment, raw)
    return read_as(Question, raw) if kind == "question" else read_as(Answer, raw)


def _number_of(post: Question | Answer | Comment) -> str:
    if isinstance(post, Comment):
        return post.comment_id
    return post.answer_id if isinstance(post, Answer) else post.question_id


def _as_target(body: str, edited: int | None) -> Target:
    return Target(clean(body, is_html=True), moment(edited) if edited else None)


def _number(ref: Mapping[str, Any], key: str) -> str:
    """Gives an id for a path; anything but digits leads nowhere."""
    value = str(ref.get(key, ""))
    return value if value.isascii() and value.isdigit() else "0"


def _new(number: object) -> str:
    if not isinstance(number, int | str) or not str(number).isdigit():
        raise ValueError("what was written has no number")
    return str(number)


def _is_by(owner: Owner | None, own_id: str) -> bool:
    return owner is not None and owner.user_id == own_id


def _words(text: str) -> list[str]:
    """Gives the words alone: of a link its text, and no addresses, which are shown shortened."""
    plain = [each for each in _LINK.sub(r"\1", text).split() if not ("." in each and "/" in each)]
    return _MARKS.sub("", fold(" ".join(plain))).split()


def _judge(answer: Reply, subject: str) -> None:
    """Raises what an `error_id` means: the status is 400 for nearly all of them."""
    number, words = error_of(answer)
    if number in _LOGINS:
        raise refused_login(words, subject)
    if number in _UNCERTAIN:
        raise ReplyUnknown(
            f"Stack Exchange failed while it took the reply: {words}.",
            hint="It is looked for at the platform before anything is sent again.",
            subject=subject,
        )
    if number and number != 502:  # 502 is a throttle, which is waited for
        raise ReplyRefused(
            f"Stack Exchange refused the reply: {words}.",
            hint="Change it, or answer by hand.",
            subject=subject,
        )

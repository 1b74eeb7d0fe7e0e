"""Answers in a Discourse forum, and looks whether it was answered."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import ListenerError, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.discourse.posts import Post, read_post
from earmark_listeners.channels.discourse.server import Server, part, raise_for_key
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, delivered, is_ours, taken

MIN_LENGTH: Final = 20
MAX_LENGTH: Final = 32_000
_PER_CALL: Final = 50
_MOST_CALLS: Final = 6
_PENDING: Final = "pending-"


class Replying:
    """Target, send and find on one forum."""

    def __init__(self, server: Server, own: str) -> None:
        self._server = server
        self._own = own

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the post as it stands now.

        Raises `ReplyRefused` where it is still there but its topic is closed or archived.
        """
        raw = await self._server.maybe(f"/posts/{part(ref.get('post_id', ''))}.json")
        if raw is None:
            return Gone("The post was deleted.")
        post = read_post(raw)
        if post.gone:
            return Gone(post.gone)
        topic = await self._server.maybe(f"/t/{part(post.topic_id)}.json")
        if not isinstance(topic, dict) or topic.get("deleted_at"):
            return Gone("The topic was deleted.")
        for how in ("closed", "archived"):
            if topic.get(how):
                raise ReplyRefused(
                    f"The topic is {how}: it takes no replies any more.",
                    hint="Nothing was sent. Close the case, or write to the author.",
                    subject=self._server.base_url,
                )
        return Target(post.text(), post.edited_at())

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once. What the forum holds back for a moderator counts as sent."""
        body = {
            "raw": reply.text,
            "topic_id": _number(reply, "topic_id"),
            "reply_to_post_number": _number(reply, "post_number"),
        }
        base_url = self._server.base_url
        answer = await delivered(self._server.write("/posts.json", body), base_url, judge=_judge)
        return taken(lambda: self._sent(answer.json(), reply), base_url)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through what was said in the topic since, the newest first."""
        async for post in self._since(reply):
            if post.username.casefold() != self._own.casefold():
                continue
            if (post.reply_to_post_number or 1) != (_number(reply, "post_number") or 1):
                continue
            words = (
                post.raw or read_post(await self._server.get(f"/posts/{part(post.id)}.json")).raw
            )
            if is_ours(reply, words, post.created_at):
                return Sent(post.id, self._page(post.topic_id, str(post.post_number)))
        return await self._held_back(reply)

    async def _since(self, reply: Outgoing) -> AsyncIterator[Post]:
        since = as_utc(reply.created_at) - SKEW
        topic = f"/t/{part(reply.target.get('topic_id', ''))}"
        stream, _ = await self._server.listed(f"{topic}.json", "post_stream", "stream")
        answered = _number(reply, "post_id")
        left = sorted((i for i in stream if isinstance(i, int) and i > answered), reverse=True)
        for _call in range(_MOST_CALLS):
            some, left = left[:_PER_CALL], left[_PER_CALL:]
            if not some:
                return
            raw, _ = await self._server.listed(
                f"{topic}/posts.json", "post_stream", "posts", **{"post_ids[]": some}
            )
            posts = sorted(map(read_post, raw), key=lambda post: post.created_at, reverse=True)
            for post in posts:
                if as_utc(post.created_at) < since:
                    return
                yield post
        if left:
            raise Unavailable(
                f"More than {_PER_CALL * _MOST_CALLS} posts were written in the topic since.",
                hint="Look for the reply by hand.",
                subject=self._server.base_url,
            )

    async def _held_back(self, reply: Outgoing) -> Sent | None:
        """Looks among what waits for a moderator; old forums do not tell it."""
        said = await self._server.maybe(f"/posts/{part(self._own)}/pending.json")
        waiting = said.get("pending_posts") if isinstance(said, dict) else None
        for each in waiting if isinstance(waiting, list) else []:
            if not isinstance(each, dict) or each.get("topic_id") != _number(reply, "topic_id"):
                continue
            at = _moment(each.get("created_at"))
            if is_ours(reply, str(each.get("raw_text") or ""), at):
                return self._waiting(each, reply)
        return None

    def _sent(self, said: Any, reply: Outgoing) -> Sent:
        if said.get("action") == "enqueued":
            return self._waiting(said.get("pending_post") or {}, reply)
        post = said.get("post") or said
        number = post["id"]
        if not isinstance(number, int | str) or not str(number):
            raise ValueError("the new post has no id")
        return Sent(str(number), self._page(str(post["topic_id"]), str(post["post_number"])))

    def _waiting(self, pending: Mapping[str, Any], reply: Outgoing) -> Sent:
        topic = str(reply.target.get("topic_id", ""))
        return Sent(f"{_PENDING}{pending.get('id') or reply.key}", self._page(topic, ""))

    def _page(self, topic_id: str, number: str) -> str:
        return f"{self._server.base_url}/t/{topic_id}/{number}".rstrip("/")


def _judge(answer: Answer, subject: str) -> None:
    """Raises for a bad key, and for a refusal with all that the forum says of it."""
    raise_for_key(answer, subject)
    try:
        said = answer.json()
    except ListenerError:
        return
    if not isinstance(said, dict):
        return
    errors = said.get("errors")
    is_no = answer.status in (400, 422) or (answer.status == 200 and said.get("success") is False)
    if is_no and isinstance(errors, list) and errors:
        words = "; ".join(clean(str(error), limit=200).rstrip(".") for error in errors[:4])
        raise ReplyRefused(
            f"The forum refused the reply: {words}.",
            hint="Change it, or answer by hand.",
            subject=subject,
        )


def _number(reply: Outgoing, key: str) -> int:
    value = str(reply.target.get(key, ""))
    return int(value) if value.isascii() and value.isdigit() else 0


def _moment(value: object) -> datetime | None:
    with suppress(ValueError, TypeError):
        return as_utc(datetime.fromisoformat(str(value)))
    return None

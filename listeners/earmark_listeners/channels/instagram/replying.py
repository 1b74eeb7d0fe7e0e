"""Answers a comment on Instagram, and looks whether it was answered.

Only a comment at the top takes answers: what answers another one goes below the same, and begins
with the name of who is meant. Below another's media a comment that names us is answered by its
number; whether that was done can be seen only where Meta shows the comments of that media.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote

from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.instagram.items import COMMENT_FIELDS, Comment
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.graph import Graph, edge_of
from earmark_listeners.newest_first import Page
from earmark_listeners.replying import is_ours, taken
from earmark_listeners.wire import read_as

_MOST_PAGES = 5
_BY_HAND = "Open it on Instagram and answer there."


class _Place(NamedTuple):
    """Where an answer goes: below a comment of ours, or to what names us elsewhere."""

    comment_id: str
    media_id: str
    mention_id: str


class Replying:
    """Target, send and find of one account."""

    def __init__(self, graph: Graph, user_id: str, own_name: Callable[[], Awaitable[str]]) -> None:
        self._graph = graph
        self._account = f"/{user_id}"
        self._own_name = own_name

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives it as it stands now; `Gone` only where the account itself can still be read."""
        place = _place(ref)
        try:
            if place.comment_id:
                item = str(ref.get("item_id") or place.comment_id)
                said = await self._graph.get(_path(item), fields="id,text,hidden")
            else:
                said = await self._named(place)
        except Rejected as error:
            if error.fault is not Fault.not_found:
                raise
            await self._graph.get(self._account, fields="id")
            return Gone("It was deleted, or is no longer shown to us.")
        comment = read_as(Comment, {"text": said.get("caption"), **said})
        if comment.hidden:
            raise ReplyRefused("It is hidden: it takes no replies.", hint="Show it first.")
        return Target(clean(comment.text))

    async def send(self, reply: Outgoing) -> Sent:
        """Answers once."""
        place = _place(reply.target)
        text = _addressed(reply)
        if place.comment_id:
            path, form = f"{_path(place.comment_id)}/replies", {"message": text}
        elif place.media_id:
            path, form = f"{self._account}/mentions", {"message": text, "media_id": place.media_id}
            form |= {"comment_id": place.mention_id} if place.mention_id else {}
        else:
            raise ReplyRefused(
                "Instagram takes no replies to this from programs.",
                hint=_BY_HAND,
                subject="instagram",
            )
        answer = await self._graph.post(path, {}, **form)
        return taken(lambda: Sent(str(answer.json()["id"])), "instagram")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks below the comment, or below the media that names us."""
        place, own = _place(reply.target), await self._own_name()
        if not place.comment_id and not place.media_id:
            return None
        following = ""
        for _ in range(_MOST_PAGES):
            page = await self._below(place, following)
            for raw in page.entries:
                with suppress(Malformed):
                    comment = read_as(Comment, raw)
                    if _is_it(comment, reply, own):
                        return Sent(comment.id)
            if not page.following:
                return None
            following = page.following
        raise Unavailable(
            "There are too many answers to find ours among them.",
            hint="Look at the post: if the reply is there, mark it as sent.",
            subject="instagram",
        )

    async def _below(self, place: _Place, following: str) -> Page:
        if place.comment_id:
            path = f"{_path(place.comment_id)}/replies"
            return await self._graph.page(path, following, fields=COMMENT_FIELDS, limit="50")
        if following:
            raise _unseen()
        edge = f"mentioned_media.media_id({place.media_id})"
        answers = f"replies{{{COMMENT_FIELDS}}}"
        asked = f"{edge}{{comments.limit(50){{{COMMENT_FIELDS},{answers}}}}}"
        media = (await self._graph.get(self._account, fields=asked)).get("mentioned_media")
        if not isinstance(media, dict) or "comments" not in media:
            raise _unseen()
        page = edge_of(media, "comments")
        inner = [raw for entry in page.entries for raw in edge_of(entry, "replies").entries]
        return Page([*page.entries, *inner], page.following)

    async def _named(self, place: _Place) -> Mapping[str, Any]:
        """Gives what names us, as it stands now."""
        edge = "mentioned_comment" if place.mention_id else "mentioned_media"
        fields = f"mentioned_media.media_id({place.media_id}){{id,caption}}"
        if place.mention_id:
            fields = f"mentioned_comment.comment_id({place.mention_id}){{id,text}}"
        said = (await self._graph.get(self._account, fields=fields)).get(edge)
        if not isinstance(said, dict):
            raise Malformed("What is to be answered cannot be read.", subject="instagram")
        return said


def _unseen() -> Unavailable:
    return Unavailable(
        "Instagram does not show whether our answer is there.",
        hint="Look at the post: if the reply is there, mark it as sent.",
        subject="instagram",
    )


def _place(ref: Mapping[str, Any]) -> _Place:
    """Gives the parts of a reference; numbers only, for some stand inside a list of fields."""
    numbers = (str(ref.get(key) or "") for key in ("comment_id", "media_id", "mention_id"))
    return _Place(*(re.sub(r"[^0-9_]", "", number) for number in numbers))


def _addressed(reply: Outgoing) -> str:
    """Puts the @name of who is meant in front, where an answer is answered."""
    name = str(reply.target.get("username") or "")
    if not name or re.search(rf"(?<![\w@])@{re.escape(name)}(?![\w.]*\w)", reply.text, re.I):
        return reply.text
    return f"@{name} {reply.text}"


def _is_it(comment: Comment, reply: Outgoing, own: str) -> bool:
    author = comment.author
    if author is not None and own and author.handle.casefold() != own.casefold():
        return False
    addressed = Outgoing(_addressed(reply), reply.target, reply.key, reply.created_at)
    return is_ours(addressed, comment.text, comment.timestamp)


def _path(thing: str) -> str:
    return f"/{quote(thing, safe='')}"

"""Comments as the Page below what is answered, and looks whether it was done.

A reply to an answer lands in the same thread, below the comment at its top.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.facebook.items import COMMENT_FIELDS, Comment
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.graph import Graph
from earmark_listeners.replying import SKEW, is_ours, taken
from earmark_listeners.wire import read_as

_MOST_PAGES = 5


class Replying:
    """Target, send and find of one Page."""

    def __init__(self, graph: Graph, page_id: str) -> None:
        self._graph = graph
        self._page_id = page_id

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives it as it stands now; `Gone` only where the Page itself can still be read."""
        is_comment = bool(ref.get("comment_id"))
        fields = "id,message,can_comment" if is_comment else "id,message"
        try:
            said = await self._graph.get(_path(_id(ref)), fields=fields)
        except Rejected as error:
            if error.fault is not Fault.not_found:
                raise
            await self._graph.get(_path(self._page_id), fields="id")
            return Gone("It was deleted, or is no longer shown to the Page.")
        thing = read_as(Comment, said)
        if not thing.id:
            raise Malformed("What is to be answered cannot be read.", subject="facebook")
        if thing.can_comment is False:
            raise ReplyRefused("It takes no more replies.", hint="Answer below another post.")
        return Target(clean(thing.message))

    async def send(self, reply: Outgoing) -> Sent:
        """Comments once."""
        if not _id(reply.target):
            raise ReplyRefused(
                "Meta does not say where this can be answered.",
                hint="Open the Page and answer there.",
                subject="facebook",
            )
        path = f"{_path(_id(reply.target))}/comments"
        answer = await self._graph.post(path, {"fields": "id,permalink_url"}, message=reply.text)
        return taken(lambda: _sent(answer.json()), "facebook")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks below the comment at the top of the thread, or below the post."""
        root = str(reply.target.get("root_id") or _id(reply.target))
        if not root:
            return None
        asked = {
            "filter": "stream",
            "order": "reverse_chronological",
            "fields": COMMENT_FIELDS,
            "limit": "100",
        }
        following = ""
        for _ in range(_MOST_PAGES):
            page = await self._graph.page(f"{_path(root)}/comments", following, **asked)
            comments = []
            for raw in page.entries:
                with suppress(Malformed):
                    comments.append(read_as(Comment, raw))
            mine = (each for each in comments if self._is_it(each, reply))
            found = next(mine, None)
            if found is not None:
                return Sent(found.place[0], found.permalink_url)
            if not page.following or _is_past(comments, reply):
                return None
            following = page.following
        raise Unavailable(
            "There are too many comments to find the reply among them.",
            hint="Look at the post: if the reply is there, mark it as sent.",
            subject="facebook",
        )

    def _is_it(self, comment: Comment, reply: Outgoing) -> bool:
        """Tells our reply from others; who wrote it is left out for tokens that may not know."""
        who = comment.writer.id if comment.writer else ""
        is_page = who in ("", self._page_id)
        return is_page and is_ours(reply, comment.message, comment.created_time)


def _is_past(comments: list[Comment], reply: Outgoing) -> bool:
    """Tells whether what follows is older than the reply: only where the newest come first."""
    moments = [as_utc(each.created_time) for each in comments if each.created_time]
    is_sorted = moments == sorted(moments, reverse=True)
    return bool(moments) and is_sorted and moments[-1] < as_utc(reply.created_at) - SKEW


def _sent(said: Any) -> Sent:
    return Sent(str(said["id"]), str(said.get("permalink_url") or ""))


def _id(ref: Mapping[str, Any]) -> str:
    return str(ref.get("comment_id") or ref.get("post_id") or "")


def _path(thing: str) -> str:
    return f"/{quote(thing, safe='')}"

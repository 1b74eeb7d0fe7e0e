"""Answers a post or a comment on Lemmy, and looks whether it was answered.

Lemmy takes the same reply twice, so nothing is ever sent again unless our newest comments were
looked through. Ids belong to one server; on another one the same comment has another number.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed, Rejected, ReplyRefused, Unavailable
from earmark_listeners.channels.lemmy.server import Server, name_of
from earmark_listeners.channels.lemmy.views import View, read_view
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, before_sending, delivered, is_ours, taken

_MOST_PAGES = 5
_PER_PAGE = 50
_GONE_NAMES = ("couldnt_find", "not_found")
_LOCKED = "The thread is locked: it takes no more comments."


class Replying:
    """Target, send and find for one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the post or comment as it stands now."""
        view = await self._view(ref)
        if view is None or view.written.is_gone:
            return Gone("It was deleted, or removed by a moderator.")
        if view.post.is_gone:
            return Gone("The thread it stands in was deleted, or removed by a moderator.")
        edited = view.written.updated
        return Target(view.plain, as_utc(edited) if edited else None)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once, below the target."""
        if not self._server.has_account:
            raise Rejected(
                "There is no account to answer with.",
                hint="Set username and password.",
                subject=self._server.base_url,
            )
        view = await before_sending(self._view(reply.target))
        if view is None or view.written.is_gone:
            raise ReplyRefused("It is gone.", hint="Nothing was sent.", subject="lemmy")
        if view.post.locked:
            raise ReplyRefused(_LOCKED, hint="Nothing was sent.", subject="lemmy")
        body: dict[str, Any] = {"content": reply.text, "post_id": _number(view.post.id)}
        if view.comment:
            body["parent_id"] = _number(view.comment.id)
        call = self._server.call("POST", "/comment", json=body)
        answer = await delivered(call, self._server.base_url)
        return taken(lambda: _sent(read_view(answer.json()["comment_view"])), "lemmy")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through our own newest comments, back to when the reply was written."""
        own_id = await self._server.own_id()
        if not own_id:
            return None
        target = await self._view(reply.target)
        above = target.comment.id if target and target.comment else ""
        post = target.post.id if target else str(reply.target.get("post_id", ""))
        since = as_utc(reply.created_at) - SKEW
        for number in range(1, _MOST_PAGES + 1):
            views = await self._own_comments(own_id, number)
            for view in views:
                comment = view.comment
                if comment is None or view.post.id != post or comment.is_gone:
                    continue
                if (target is None or comment.above == above) and is_ours(
                    reply, comment.content, comment.published
                ):
                    return _sent(view)
            if not views or _reaches(views, since):
                return None
        raise Unavailable(
            "Our account has written too much since; the reply cannot be looked for.",
            hint="Look at the thread yourself.",
            subject=self._server.base_url,
        )

    async def _own_comments(self, own_id: str, number: int) -> list[View]:
        params = {"person_id": own_id, "sort": "New", "limit": str(_PER_PAGE), "page": str(number)}
        (found,) = await self._server.listed("/user", params, "comments")
        return [read_view(raw) for raw in found]

    async def _view(self, ref: Mapping[str, Any]) -> View | None:
        """Gives what is to be answered as our server has it now; None if it has it no more."""
        is_comment = bool(ref.get("comment_id"))
        key = "comment" if is_comment else "post"
        if str(ref.get("base_url", "")) in ("", self._server.base_url):
            params = {"id": str(ref.get("comment_id") if is_comment else ref.get("post_id", ""))}
            path, key = f"/{key}", f"{key}_view"
        else:
            path, params = "/resolve_object", {"q": str(ref.get("ap_id", ""))}
        answer = await self._server.call("GET", path, params=params)
        if answer.fault() is not None and name_of(answer).startswith(_GONE_NAMES):
            return None
        said = self._server.api.read(answer)
        if not isinstance(said, dict) or not isinstance(said.get(key), dict):
            raise Malformed("The answer holds no post.", subject=self._server.base_url)
        return read_view(said[key])


def _number(identifier: str) -> int:
    if not identifier.isdecimal():
        raise Malformed("This is no id of Lemmy's.", subject="lemmy")
    return int(identifier)


def _reaches(views: list[View], since: datetime) -> bool:
    return any(as_utc(view.written.published) < since for view in views)


def _sent(view: View) -> Sent:
    if view.comment is None:
        raise Malformed("The answer is no comment.")
    return Sent(view.comment.id, view.comment.ap_id)

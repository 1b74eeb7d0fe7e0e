"""Answers a post on Mastodon, and looks whether it was answered.

`Idempotency-Key` is a help, never the proof: some servers pass over it. A reply that the server
placed elsewhere than below its target is taken down again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from earmark_core.clock import as_utc
from earmark_core.errors import (
    Fault,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
)
from earmark_core.fetch import Answer
from earmark_core.text import clean
from earmark_listeners.channels.mastodon.posts import Status, plain_text, read_status
from earmark_listeners.channels.mastodon.server import Server, status_path
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import before_sending, delivered, taken

_GONE = frozenset({404, 410})
_TURNED_AWAY = frozenset({503})  # given before the server looks at a post
_WIDEST_FIRST = ("public", "unlisted", "private", "direct")
_SKEW = timedelta(minutes=10)
_REMOTE_PART = re.compile(r"(?<!\w)(@\w+)@[\w.:-]*\w")
_LEADING_HANDLES = re.compile(r"\A(?:@\w+[\s:,]*)+")
_BAD_TOKEN = re.compile(r"invalid.{0,3}(?:bearer|access)?.{0,3}token", re.IGNORECASE)


class Replying:
    """Target, send and find for one server."""

    def __init__(self, server: Server, visibility: str) -> None:
        self._server = server
        self._visibility = visibility

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the post as it stands now, in the words the store would have for it."""
        status_id = await self._local_id(ref)
        if not status_id:
            return Gone("This server does not know the post.")
        answer = await self._server.call("GET", status_path(status_id))
        if answer.status in _GONE:
            return Gone("The post was deleted, or is no longer shown to us.")
        status = read_status(answer.checked(self._server.base_url).json())
        edited = as_utc(status.edited_at) if status.edited_at else None
        return Target(plain_text(status), edited)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once, below the target, no wider than the target."""
        if not self._server.token:
            raise Rejected(
                "There is no access token to answer with.",
                hint="Set token to a token with write:statuses.",
                subject=self._server.base_url,
            )
        status_id = await before_sending(self._local_id(reply.target))
        if not status_id:
            raise ReplyRefused("This server does not know the post.", hint="Answer it by hand.")
        visibility = _narrower(self._visibility, str(reply.target.get("visibility", "")))
        body = {
            "status": self._addressed(reply),
            "in_reply_to_id": status_id,
            "visibility": visibility,
        }
        base_url = self._server.base_url
        answer = await delivered(
            self._server.call(
                "POST", "/api/v1/statuses", json=body, headers={"Idempotency-Key": reply.key}
            ),
            base_url,
            turned_away=_TURNED_AWAY,
            judge=_judge,
        )
        status = taken(lambda: read_status(answer.json()), base_url)
        return await self._placed(status, status_id, visibility)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our own reply with the same words below the target."""
        own_id = await self._server.own_id()
        if not own_id:
            raise Rejected(
                "The server does not say who we are, so our own reply cannot be looked for.",
                hint="The token needs read:accounts.",
                subject=self._server.base_url,
            )
        status_id = await self._local_id(reply.target)
        if not status_id:
            return None
        below: Sequence[Any] = ()
        # The target may be gone while our reply stands: our own posts are asked as well.
        with suppress(Malformed, Rejected):
            below = (await self._server.context(status_id))[1]
        for posts in (below, None):
            found = posts if posts is not None else await self._own_posts(own_id)
            for status in _readable(found):
                if status.account.id == own_id and _is_reply(status, reply, status_id):
                    return Sent(status.id, status.url or status.uri)
        return None

    async def _own_posts(self, own_id: str) -> Sequence[Any]:
        path = f"/api/v1/accounts/{quote(own_id, safe='')}/statuses"
        return await self._server.entries(path, {"limit": "40"})

    async def _local_id(self, ref: Mapping[str, Any]) -> str:
        """Gives the post's id on our server; ids of other servers mean nothing there."""
        if str(ref.get("base_url", "")).rstrip("/") in {"", self._server.base_url}:
            return str(ref.get("status_id", ""))
        query = {"q": str(ref.get("uri", "")), "resolve": "true", "type": "statuses", "limit": "1"}
        if not query["q"]:
            return ""
        found = await self._server.entries("/api/v2/search", query, "statuses")
        return next((status.id for status in _readable(found)), "")

    def _addressed(self, reply: Outgoing) -> str:
        """Puts the @name of who is answered in front, unless it is there: else nobody is told."""
        acct = str(reply.target.get("acct", ""))
        name, _, server = acct.partition("@")
        if not name:
            return reply.text
        is_local = server in {"", urlsplit(self._server.base_url).netloc}
        rest = f"(?:@{re.escape(server)})?" if is_local else f"@{re.escape(server)}"
        there = rf"(?<![\w@/])@{re.escape(name)}{rest}(?![\w@]|[.-]\w)"
        if re.search(there, reply.text, re.IGNORECASE):
            return reply.text
        return f"@{name if is_local else acct} {reply.text}"

    async def _placed(self, status: Status, status_id: str, visibility: str) -> Sent:
        """Checks that the reply hangs below its target and is no wider than asked."""
        is_wider = status.visibility in _WIDEST_FIRST and (
            _narrower(status.visibility, visibility) != status.visibility
        )
        if status.in_reply_to_id == status_id and not is_wider:
            return Sent(status.id, status.url or status.uri)
        wrong = "shown more widely than asked" if is_wider else "placed outside the thread"
        raise ReplyRefused(
            f"The server took the reply but it was {wrong}; {await self._taken_down(status)}.",
            hint="Look at the post that was answered: it may be gone.",
            subject=self._server.base_url,
        )

    async def _taken_down(self, status: Status) -> str:
        try:
            answer = await self._server.call("DELETE", status_path(status.id))
            answer.checked(self._server.base_url)
        except ListenerError:
            return f"it could not be deleted, delete it by hand: {status.url or status.uri}"
        return "it was deleted again"


def _narrower(ours: str, theirs: str) -> str:
    """Gives the narrower of two visibilities; an unknown one counts as the narrowest."""
    if not theirs:
        return ours
    ranks = [_WIDEST_FIRST.index(each) if each in _WIDEST_FIRST else 3 for each in (ours, theirs)]
    return _WIDEST_FIRST[max(ranks)]


def _judge(answer: Answer, subject: str) -> None:
    """Raises for a bad token, which some servers tell with 400, in whatever language."""
    if answer.status == 400 and _BAD_TOKEN.search(_said(answer)):
        raise Rejected(
            "The server does not accept the access token.",
            fault=Fault.auth,
            hint="Give the source a new token.",
            subject=subject,
        )


def _said(answer: Answer) -> str:
    """Gives the server's own words on an error, in whatever language they are."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    said = body.get("error") if isinstance(body, dict) else ""
    return clean(said, limit=300) if isinstance(said, str) else ""


def _readable(found: Sequence[Any]) -> Iterator[Status]:
    for raw in found:
        with suppress(Malformed):
            yield read_status(raw)


def _is_reply(status: Status, reply: Outgoing, status_id: str) -> bool:
    if status.in_reply_to_id not in {status_id, ""}:
        return False
    if as_utc(status.created_at) < as_utc(reply.created_at) - _SKEW:
        return False
    return _bare(plain_text(status)) == _bare(clean(reply.text))


def _bare(text: str) -> str:
    """Gives the words alone: handles short, those at the beginning gone, one kind of space."""
    short = _REMOTE_PART.sub(r"\1", " ".join(text.split()))
    return _LEADING_HANDLES.sub("", short).strip()

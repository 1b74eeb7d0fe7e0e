"""Answers a post on Bluesky, and looks whether it was answered.

The key of the record that a reply becomes is made from the reply and stays the same, and it is
*put*, not created: what is sent twice is one post (`createRecord` answers 500 to a second one).
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.bluesky_posts import (
    POSTS,
    Place,
    Post,
    Record,
    parts_of,
    place_below,
    read_post,
    web_url,
)
from earmark_listeners.channels.bluesky.richtext import facets_of
from earmark_listeners.channels.bluesky.session import Home, name_of
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import before_sending, delivered, is_ours, taken
from earmark_listeners.wire import Wire, read_as

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_GONE = "The post was deleted, or is no longer shown to us."
_AGAIN = frozenset(("InvalidSwap", "ConcurrentWrites"))


class _Stored(Wire):
    """A record as its repository has it."""

    uri: str
    cid: str
    value: Record


class Replying:
    """Target, send and find for one account."""

    def __init__(self, home: Home, language: str) -> None:
        self._home = home
        self._language = language

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the post as it stands now."""
        post = await self._post(str(ref.get("uri", "")))
        return Gone(_GONE) if post is None else Target(clean(post.record.text))

    async def send(self, reply: Outgoing) -> Sent:
        """Puts our reply below its target; the same again is the same post."""
        record = await before_sending(self._record(reply))
        body = {**(await self._place(reply)), "record": record}
        call = self._home.call("POST", "com.atproto.repo.putRecord", json=body)
        answer = await delivered(call, "bluesky", is_idempotent=True, judge=_judge)
        return taken(lambda: _sent(answer.json()["uri"]), "bluesky")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks at the one place where our reply would be."""
        stored = await self._stored(**await self._place(reply))
        if stored is None or stored.value.reply is None:
            return None
        is_below = stored.value.reply.parent.uri == str(reply.target.get("uri", ""))
        return _sent(stored.uri) if is_below and is_ours(reply, stored.value.text, None) else None

    async def _place(self, reply: Outgoing) -> dict[str, str]:
        did = (await before_sending(self._home.account())).did
        return {"repo": did, "collection": POSTS, "rkey": record_key(reply)}

    async def _record(self, reply: Outgoing) -> dict[str, Any]:
        post = await self._post(str(reply.target.get("uri", "")))
        if post is None:
            raise ReplyRefused(_GONE, hint="Nothing was sent.", subject="bluesky")
        _permitted(post)
        place: Place = place_below(post)
        record: dict[str, Any] = {
            "$type": POSTS,
            "text": reply.text,
            "createdAt": as_utc(reply.created_at)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "reply": {"root": place.root.model_dump(), "parent": place.parent.model_dump()},
        }
        if self._language:
            record["langs"] = [self._language]
        facets = await facets_of(reply.text, self._did_of)
        return {**record, "facets": facets} if facets else record

    async def _post(self, uri: str) -> Post | None:
        """Gives the post as we see it, None if it is gone.

        Where the AppView is down, the repository itself is asked: our own server has it if the
        author's account lives there too.
        """
        place = dict(zip(("repo", "collection", "rkey"), parts_of(uri), strict=True))
        try:
            posts, _ = await self._home.listed("app.bsky.feed.getPosts", {"uris": uri}, "posts")
        except Unavailable as error:
            if error.rate_limited:
                raise
            with suppress(Unavailable, Rejected):
                return _as_post(await self._stored(**place), place["repo"])
            raise
        found = [read_post(raw) for raw in posts]
        return next((post for post in found if post.uri == uri), None)

    async def _stored(self, **place: str) -> _Stored | None:
        """Gives a record from its repository, None if it holds none there."""
        answer = await self._home.call("GET", "com.atproto.repo.getRecord", params=place)
        if answer.fault() is not None and name_of(answer) == "RecordNotFound":
            return None
        return read_as(_Stored, answer.checked("bluesky").json())

    async def _did_of(self, handle: str) -> str:
        try:
            said = await self._home.get("com.atproto.identity.resolveHandle", {"handle": handle})
        except Rejected as error:
            if error.fault in (Fault.invalid, Fault.not_found):
                return ""
            raise
        did = said.get("did") if isinstance(said, dict) else None
        if not isinstance(did, str) or not did.startswith("did:"):
            raise Malformed("The answer names no account.", subject="bluesky")
        return did


def record_key(reply: Outgoing) -> str:
    """Gives the key of the record: 13 characters that sort by time, the same at every try.

    A TID is 53 bits of microseconds and 10 bits of its maker's own. The milliseconds are those of
    the reply, the rest is taken from its key: two replies never share a record.
    """
    milliseconds = int(as_utc(reply.created_at).timestamp() * 1000)
    own = int.from_bytes(hashlib.sha256(reply.key.encode()).digest()[:8])
    number = ((milliseconds * 1000 + own % 1000) << 10) | ((own // 1000) % 1024)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def _permitted(post: Post) -> None:
    """Raises where Bluesky would take the reply and show it to nobody."""
    if post.viewer.reply_disabled:
        raise ReplyRefused(
            "The author has limited who may reply, and we may not.",
            hint="Nothing was sent. Answer another way, or leave it.",
            subject="bluesky",
        )
    standing = post.author.viewer
    if standing.blocked_by or standing.blocking:
        whom = "The author blocks us" if standing.blocked_by else "We block the author"
        raise ReplyRefused(
            f"{whom}: the reply would be shown to nobody.",
            hint="Nothing was sent. Answer another way, or leave it.",
            subject="bluesky",
        )


def _judge(answer: Answer, subject: str) -> None:
    """Raises for a write that lost against another one to our repository: it was not made."""
    if answer.fault() is not None and name_of(answer) in _AGAIN:
        raise Unavailable("Somebody else wrote at the same moment.", subject=subject)


def _as_post(stored: _Stored | None, did: str) -> Post | None:
    """Gives a record as a post about which nothing but its words is known."""
    if stored is None:
        return None
    seen = {"uri": stored.uri, "cid": stored.cid, "author": {"did": did}}
    post = {**seen, "record": stored.value.model_dump(by_alias=True), "indexedAt": 0}
    return read_post(post)


def _sent(uri: str) -> Sent:
    return Sent(uri, web_url(uri))

"""Answers a post on X, and looks whether it was answered.

Since February 2026 X refuses replies from programs unless the author of the post named or quoted
the account; Enterprise is exempt. The same words are refused the second time: the first may have
been ours, so it is looked for before a person is told.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import (
    Fault,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.x.options import XOptions
from earmark_listeners.channels.x.place import Spending, written
from earmark_listeners.channels.x.posts import FIELDS, Post, is_us, read_post, words_of
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, delivered, is_ours, taken

MAX_LENGTH = 280
_PAGES_OF_OURS = 3
_BY_HAND = "Open the post and answer there."
_RULE = "X takes replies from programs only to posts that name or quote us"
_HANDLES = re.compile(r"\A(?:@\w+\s+)+")
_LINK = re.compile(r"https?://(\S+?)/?(?=\s|\Z)", re.IGNORECASE)


class _Repeated(ReplyRefused):
    """X has these very words already."""


class Replying:
    """Target, send and find of our account."""

    def __init__(self, api: Api, options: XOptions, spending: Spending) -> None:
        self._api = api
        self._options = options
        self._spending = spending

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the post as it stands now, or in words why it is no longer there."""
        post_id = _post_id(ref)
        params = {"tweet.fields": FIELDS, "expansions": "edit_history_tweet_ids"}
        answer = await self._api.call("GET", f"/2/tweets/{quote(post_id, safe='')}", params=params)
        if answer.fault() is Fault.not_found:
            return Gone("The post was deleted.")
        said = self._api.read(answer)
        raw = said.get("data") if isinstance(said, dict) else None
        if not isinstance(raw, dict):
            return self._missing(said)
        await self._spending.add(1)
        post = _last_version(read_post(raw), said)
        is_edited = post.id != post.first_id and post.created_at is not None
        edited = as_utc(post.created_at) if is_edited and post.created_at else None
        return Target(clean(words_of(post)), edited)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once, below the post that is answered."""
        if not self._options.refresh_token:
            raise Rejected(
                "There is no account to answer with.",
                hint="Connect it: set client_id and refresh_token.",
                subject="x",
            )
        if self._options.replies_to == "mentions" and reply.target.get("names_us") == "no":
            raise ReplyRefused(
                f"{_RULE}, and this one does not.",
                hint=f"{_BY_HAND} With an Enterprise plan, set replies_to to all.",
                subject="x",
            )
        body = {"text": reply.text, "reply": {"in_reply_to_tweet_id": _post_id(reply.target)}}
        call = self._api.call("POST", "/2/tweets", json=body)
        try:
            answer = await delivered(call, "x", judge=_judge)
        except _Repeated as error:
            return await self._said_already(reply, error)
        return taken(lambda: _sent(str(answer.json()["data"]["id"])), "x")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks among our own posts since the reply was written."""
        options, token = self._options, ""
        if not options.user_id:
            raise Rejected(
                "It is not known which account is ours.", hint="Set user_id.", subject="x"
            )
        path = f"/2/users/{quote(options.user_id, safe='')}/tweets"
        params = {
            "max_results": "100",
            "tweet.fields": FIELDS,
            "exclude": "retweets",
            "start_time": written(as_utc(reply.created_at) - SKEW),
        }
        for _ in range(_PAGES_OF_OURS):
            more = {"pagination_token": token} if token else {}
            said = await self._api.get(path, params | more)
            found, token = await self._among(reply, said)
            if found is not None or not token:
                return found
        raise Unavailable(
            "We posted too much since then to find the reply among it.",
            hint="Look at the post: if the reply is there, mark it as sent.",
            subject="x",
        )

    async def _among(self, reply: Outgoing, said: Any) -> tuple[Sent | None, str]:
        """Gives our reply if it is on a page of our posts, and what asks for the next page."""
        meta = said.get("meta") if isinstance(said, dict) else None
        entries = said.get("data") if isinstance(said, dict) else None
        if not isinstance(meta, dict) or not isinstance(entries, list | None):
            raise Malformed("Our own posts cannot be read.", subject="x")
        if entries is None and meta.get("result_count") != 0:
            raise Malformed("Our own posts cannot be read.", subject="x")
        await self._spending.add(len(entries or ()))
        for raw in entries or ():
            with suppress(Malformed):
                post = read_post(raw)
                if self._is_it(post, reply):
                    return _sent(post.id), ""
        return None, str(meta.get("next_token") or "")

    def _is_it(self, post: Post, reply: Outgoing) -> bool:
        if post.refers("replied_to") != _post_id(reply.target):
            return False
        if post.author_id and not is_us(post.author_id, "", self._options):
            return False
        same = Outgoing(_bare(reply.text), reply.target, reply.key, reply.created_at)
        return is_ours(same, _bare(words_of(post)), post.created_at)

    async def _said_already(self, reply: Outgoing, refusal: _Repeated) -> Sent:
        try:
            found = await self.find(reply)
        except ListenerError as error:
            raise ReplyUnknown(
                "X has these words already, and it cannot be seen whether below this post.",
                hint="It is looked for again before anything is sent.",
                subject="x",
            ) from error
        if found is None:
            raise refusal
        return found

    def _missing(self, said: Any) -> Gone:
        """Gives why a post is not shown: beside nothing at all stands the reason."""
        errors = said.get("errors") if isinstance(said, dict) else None
        kinds = [str(e.get("type", "")) for e in errors or () if isinstance(e, dict)]
        if any(kind.endswith("/resource-not-found") for kind in kinds):
            return Gone("The post was deleted.")
        if any(kind.endswith("/not-authorized-for-resource") for kind in kinds):
            return Gone("The post is not shown to us: its author is protected, or blocks us.")
        raise Malformed("The post cannot be read.", subject="x")


def _judge(answer: Answer, subject: str) -> None:
    """Raises what a 403 to a reply means at X."""
    if answer.fault() is not Fault.forbidden:
        return
    words = answer.says().rstrip(".")
    if "duplicate" in words.casefold():
        raise _Repeated(
            f"X refused the reply: {words}.",
            hint="We said exactly this before: put it in other words.",
            subject=subject,
        )
    raise ReplyRefused(
        f"X refused the reply (403){f': {words}' if words else ''}.",
        hint=f"{_RULE}, and an author may say who answers. {_BY_HAND}",
        subject=subject,
    )


def _last_version(post: Post, said: Mapping[str, Any]) -> Post:
    """Gives the last version of an edited post, where it is among what was sent along."""
    includes = said.get("includes")
    listed = includes.get("tweets") if isinstance(includes, dict) else None
    for raw in listed if isinstance(listed, list) else ():
        with suppress(Malformed):
            version = read_post(raw)
            if version.id == post.last_id != post.id:
                return version.model_copy(
                    update={"edit_history_tweet_ids": post.edit_history_tweet_ids}
                )
    return post


def _bare(text: str) -> str:
    """Gives the words alone: X puts names in front, and writes links out."""
    return _LINK.sub(r"\1", _HANDLES.sub("", text.strip()))


def _post_id(ref: Mapping[str, Any]) -> str:
    return str(ref.get("post_id", ""))


def _sent(post_id: str) -> Sent:
    return Sent(post_id, f"https://x.com/i/status/{post_id}")

"""Answers on YouTube, and looks whether it was done.

Replies have one level: an answer to a reply goes below the first comment of the thread, with the
@name of who is meant. What was posted may be held back as spam, which is not said.
"""

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from typing import Any

from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.text import clean
from earmark_listeners.channels.youtube.comments import (
    Comment,
    CommentSnippet,
    Thread,
    comment_url,
)
from earmark_listeners.channels.youtube.server import Server, judge
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import delivered, is_ours, taken
from earmark_listeners.wire import read_as

_MOST_PAGES = 5
_SNIPPET = {"part": "snippet", "textFormat": "plainText"}


class Replying:
    """Target, send and find."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the comment or the video as it stands now."""
        comment_id = str(ref.get("comment_id", ""))
        if not comment_id:
            return await self._video(str(ref.get("video_id", "")))
        if comment_id != str(ref.get("thread_id", "")):
            found = await self._one("/comments", comment_id)
            return _as_target(read_as(Comment, found).snippet) if found else _gone()
        found = await self._one("/commentThreads", comment_id)
        if not found:
            return _gone()
        thread = read_as(Thread, found)
        if not thread.snippet.canReply:
            raise ReplyRefused("This comment takes no replies.", hint="Answer it elsewhere.")
        return _as_target(thread.snippet.topLevelComment.snippet)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once."""
        path, body = self._posting(reply)
        call = self._server.call("POST", path, {"part": "snippet"}, json=body)
        answer = await delivered(call, "youtube", judge=judge)
        return taken(lambda: _sent(_posted(answer.json()), reply.target), "youtube")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our own comment with these words at the same place."""
        own_id = await self._server.own_id()
        if not own_id:
            raise Rejected(
                "It is not known who we are on YouTube, so our own reply cannot be looked for.",
                fault=Fault.forbidden,
                hint="Set own_channel_id.",
                subject="youtube",
            )
        meant = Outgoing(_addressed(reply), reply.target, reply.key, reply.created_at)
        async for comment in self._around(reply.target):
            said = comment.snippet
            words = (said.textOriginal, said.textDisplay)
            is_same = any(is_ours(meant, each, said.publishedAt) for each in words if each)
            if said.author_id == own_id and is_same:
                return _sent(comment, reply.target)
        return None

    async def _video(self, video_id: str) -> Target | Gone:
        """Gives a video's title alone: a search cuts the description that came with it."""
        found = await self._one("/videos", video_id)
        if not found:
            return Gone("The video was deleted, or is no longer shown to us.")
        snippet = found.get("snippet")
        title = snippet.get("title") if isinstance(snippet, dict) else None
        if not isinstance(title, str):
            raise Malformed("The video holds no title.", subject="youtube")
        return Target(clean(unescape(title)))

    async def _one(self, path: str, found_id: str) -> Mapping[str, Any] | None:
        """Gives what has this id; YouTube answers with an empty list, or 404, if nothing has."""
        try:
            found, _ = await self._server.listed(path, id=found_id, **_SNIPPET)
        except Rejected as error:
            if error.fault is Fault.not_found:
                return None
            raise
        if found and not isinstance(found[0], dict):
            raise Malformed("What was asked for is no object.", subject="youtube")
        return found[0] if found else None

    async def _around(self, ref: Mapping[str, Any]) -> AsyncIterator[Comment]:
        """Gives the comments at the place of an answer, 500 at most."""
        thread_id = str(ref.get("thread_id", ""))
        if thread_id:
            path, where = "/comments", {"parentId": thread_id}
        else:
            where = {"videoId": str(ref.get("video_id", "")), "order": "time"}
            path = "/commentThreads"
        token = ""
        for _number in range(_MOST_PAGES):
            more = {"pageToken": token} if token else {}
            try:
                found, said = await self._server.listed(
                    path, maxResults="100", **_SNIPPET, **where, **more
                )
            except Rejected as error:
                if error.fault is Fault.not_found:
                    return
                raise
            for raw in found:
                yield read_as(Comment, raw) if thread_id else _first(raw)
            following = str(said.get("nextPageToken") or "")
            if following in ("", token):
                return
            token = following

    def _posting(self, reply: Outgoing) -> tuple[str, Mapping[str, Any]]:
        ref = reply.target
        thread_id, text = str(ref.get("thread_id", "")), _addressed(reply)
        if thread_id:
            return "/comments", {"snippet": {"parentId": thread_id, "textOriginal": text}}
        place = {"videoId": str(ref.get("video_id", "")), "channelId": str(ref.get("channel_id"))}
        said = {"snippet": {"textOriginal": text}}
        return "/commentThreads", {"snippet": {**place, "topLevelComment": said}}


def _addressed(reply: Outgoing) -> str:
    """Puts the @name in front of an answer to a reply, unless it is there."""
    ref = reply.target
    handle = str(ref.get("handle", ""))
    is_reply = str(ref.get("comment_id", "")) != str(ref.get("thread_id", ""))
    there = rf"(?<![\w@])@{re.escape(handle)}(?![\w-]|\.\w)"
    if not handle or not is_reply or re.search(there, reply.text, re.IGNORECASE):
        return reply.text
    return f"@{handle} {reply.text}"


def _posted(said: Any) -> Comment:
    """Gives the comment of an answer, which is a thread for a comment below a video."""
    return _first(said) if "topLevelComment" in said["snippet"] else read_as(Comment, said)


def _first(raw: Any) -> Comment:
    return read_as(Thread, raw).snippet.topLevelComment


def _sent(comment: Comment, ref: Mapping[str, Any]) -> Sent:
    video_id, channel_id = str(ref.get("video_id", "")), str(ref.get("channel_id", ""))
    return Sent(comment.id, comment_url(video_id, channel_id, comment.id))


def _as_target(said: CommentSnippet) -> Target:
    published, updated = as_utc(said.publishedAt), as_utc(said.updatedAt or said.publishedAt)
    return Target(clean(said.textDisplay), updated if updated != published else None)


def _gone() -> Gone:
    return Gone("The comment was deleted, or is held back.")

"""A comment, a thread and a found video as YouTube gives them, and what we make of them."""

from collections.abc import Mapping
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import quote

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

SITE = "https://www.youtube.com"


class ChannelId(Wire):
    """Who, by the channel's id."""

    value: Word = ""


class CommentSnippet(Wire):
    """What a comment says; an author whose account is gone has no id."""

    textDisplay: Word = ""
    textOriginal: Word = ""
    authorDisplayName: Word = ""
    authorChannelUrl: Word = ""
    authorChannelId: ChannelId | None = None
    videoId: Word = ""
    channelId: Word = ""
    parentId: Word = ""
    likeCount: int | None = None
    publishedAt: datetime
    updatedAt: datetime | None = None

    @property
    def author_id(self) -> str:
        """The author's channel, "" where YouTube does not say."""
        return self.authorChannelId.value if self.authorChannelId else ""


class Comment(Wire):
    """A comment: at the top of a thread, or a reply, whose id is `thread.reply`."""

    id: Id
    snippet: CommentSnippet


class ThreadSnippet(Wire):
    """What holds a thread together."""

    videoId: Word = ""
    channelId: Word = ""
    topLevelComment: Comment
    canReply: bool = True
    totalReplyCount: int = 0


class Thread(Wire):
    """A comment with some of its replies, five at most."""

    id: Id
    snippet: ThreadSnippet


class _VideoId(Wire):
    videoId: Id


class _VideoSnippet(Wire):
    publishedAt: datetime
    channelId: Word = ""
    channelTitle: Word = ""
    title: Word = ""
    description: Word = ""


class FoundVideo(Wire):
    """A hit of a search; its words are escaped as HTML is."""

    id: _VideoId
    snippet: _VideoSnippet


def thread_of(comment_id: str) -> str:
    """Gives the thread's id, which is that of its first comment: replies add a dot and more."""
    return comment_id.partition(".")[0]


def entry(raw: Any, thread: Thread) -> dict[str, Any]:
    """Gives a comment together with what only its thread knows."""
    place = thread.snippet
    first = place.topLevelComment.snippet
    is_first = isinstance(raw, dict) and raw.get("id") == thread.id
    return {
        "comment": raw,
        "video_id": place.videoId or first.videoId,
        "channel_id": place.channelId or first.channelId,
        "replies": place.totalReplyCount if is_first else None,
    }


def comment_item(found: Mapping[str, Any], own_id: str) -> Item:
    """Gives a comment as an item; its thread is its first comment, not the video."""
    comment = read_as(Comment, found["comment"])
    said = comment.snippet
    thread_id = said.parentId or thread_of(comment.id)
    video_id, channel_id = str(found["video_id"] or said.videoId), str(found["channel_id"])
    published, updated = as_utc(said.publishedAt), as_utc(said.updatedAt or said.publishedAt)
    counts = {"likes": said.likeCount, "replies": found["replies"]}
    name = said.authorDisplayName
    handle = name.removeprefix("@") if name.startswith("@") else ""
    ref = {"thread_id": thread_id, "comment_id": comment.id, "handle": handle}
    return Item(
        external_id=comment.id,
        kind="comment",
        text=said.textDisplay,
        url=comment_url(video_id, channel_id, comment.id),
        author=Author(said.author_id, handle, name, said.authorChannelUrl)
        if said.author_id
        else None,
        published_at=published,
        edited_at=updated if updated != published else None,
        thread_id=thread_id,
        parent_id="" if thread_id == comment.id else thread_id,
        metrics={key: count for key, count in counts.items() if count is not None},
        reply_ref={**ref, "video_id": video_id, "channel_id": channel_id},
        is_own=bool(own_id) and said.author_id == own_id,
        raw=raw_text(found["comment"]),
    )


def video_item(raw: Any, own_id: str) -> Item:
    """Gives a found video as an item."""
    video = read_as(FoundVideo, raw)
    said, video_id = video.snippet, video.id.videoId
    page = f"{SITE}/channel/{quote(said.channelId, safe='')}"
    author = Author(said.channelId, name=unescape(said.channelTitle), url=page)
    return Item(
        external_id=video_id,
        kind="video",
        title=unescape(said.title),
        text=unescape(said.description),
        url=f"{SITE}/watch?v={quote(video_id, safe='')}",
        author=author if said.channelId else None,
        published_at=as_utc(said.publishedAt),
        thread_id=video_id,
        reply_ref={"video_id": video_id, "channel_id": said.channelId},
        is_own=bool(own_id) and said.channelId == own_id,
        raw=raw_text(raw),
    )


def comment_url(video_id: str, channel_id: str, comment_id: str) -> str:
    """Gives the page that shows a comment; one on a channel has no page of its own."""
    shown = quote(comment_id, safe="")
    if video_id:
        return f"{SITE}/watch?v={quote(video_id, safe='')}&lc={shown}"
    return f"{SITE}/channel/{quote(channel_id, safe='')}/community?lc={shown}" if channel_id else ""


def read_thread(raw: Any) -> Thread | None:
    """Gives a thread, None for one that cannot be read (which is told where it is an item)."""
    try:
        return read_as(Thread, raw)
    except Malformed:
        return None


def inline_replies(raw: Any) -> list[Any]:
    """Gives the replies that came with a thread."""
    replies = raw.get("replies") if isinstance(raw, dict) else None
    listed = replies.get("comments") if isinstance(replies, dict) else None
    return listed if isinstance(listed, list) else []

"""Issues, discussions and comments as GitHub writes them, and as items.

An id is the number that GitHub gave the thing: it outlives a renamed repository, which a link does
not, and `node_id`, whose form GitHub has changed once. The thread is named by repository and
number, which issues, pull requests and discussions share.
"""

import re
from datetime import datetime
from typing import Any, Final

from pydantic import Field

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

_LEFT_IN: Final = re.compile(r"<!--.*?-->", re.DOTALL)  # what a form tells who fills it in
_ISSUE_URL: Final = re.compile(r"/repos/([^/]+/[^/]+)/issues/(\d+)$")
_REPOSITORY_URL: Final = re.compile(r"/repos/([^/]+/[^/]+)$")


class User(Wire):
    """Who wrote; REST and GraphQL name the same things differently."""

    login: Id
    id: Word = Field(default="", alias="databaseId")
    url: Word = ""
    type: Word = Field(default="", alias="__typename")


class RestUser(Wire):
    """Who wrote, as REST has it."""

    login: Id
    id: Word = ""
    html_url: Word = ""
    type: Word = ""


class Reactions(Wire):
    """How many reacted."""

    total_count: int | None = None


class Issue(Wire):
    """An issue or a pull request."""

    id: Id
    number: int
    html_url: Word = ""
    repository_url: Word = ""
    title: Word = ""
    body: Word = ""
    user: RestUser | None = None
    created_at: datetime
    updated_at: datetime
    comments: int | None = None
    reactions: Reactions | None = None
    locked: bool = False
    pull_request: Any = None


class Comment(Wire):
    """A comment below an issue or a pull request."""

    id: Id
    html_url: Word = ""
    issue_url: Word = ""
    body: Word = ""
    user: RestUser | None = None
    created_at: datetime
    updated_at: datetime
    reactions: Reactions | None = None


class Node(Wire):
    """A discussion or a comment in one, as GraphQL has it."""

    id: Id
    number_id: Id = Field(alias="databaseId")
    url: Word = ""
    title: Word = ""
    number: int = 0
    body: Word = ""
    author: User | None = None
    created_at: datetime = Field(alias="createdAt")
    updated_at: datetime = Field(alias="updatedAt")
    edited_at: datetime | None = Field(default=None, alias="lastEditedAt")
    deleted_at: datetime | None = Field(default=None, alias="deletedAt")
    upvotes: int | None = Field(default=None, alias="upvoteCount")


def words(body: str) -> str:
    """Gives what a person wrote: without the hidden lines of an issue form."""
    return _LEFT_IN.sub("", body).strip()


def issue_item(raw: Any) -> tuple[Item, Issue]:
    """Gives an issue as an item, and as it was read; raises `Malformed`."""
    issue = read_as(Issue, raw)
    found = _REPOSITORY_URL.search(issue.repository_url)
    if found is None:
        raise Malformed("repository_url: names no repository")
    thread = thread_of(found[1], issue.number)
    item = Item(
        external_id=f"issue:{issue.id}",
        kind="issue" if issue.pull_request is None else "pull request",
        title=issue.title,
        text=words(issue.body),
        url=issue.html_url,
        uri=issue.html_url,
        author=_rest_author(issue.user),
        # Not edited_at: updated_at moves with every label and comment.
        published_at=as_utc(issue.created_at),
        thread_id=thread,
        metrics=_counts(comments=issue.comments, reactions=_total(issue.reactions)),
        reply_ref={"kind": "issue", "repository": found[1], "number": str(issue.number)},
        raw=raw_text(raw),
    )
    return item, issue


def comment_item(raw: Any) -> tuple[Item, Comment]:
    """Gives a comment as an item, and as it was read; raises `Malformed`."""
    comment = read_as(Comment, raw)
    found = _ISSUE_URL.search(comment.issue_url)
    if found is None:
        raise Malformed("issue_url: names no issue")
    repository, number = found[1], int(found[2])
    thread = thread_of(repository, number)
    is_edited = comment.updated_at > comment.created_at
    item = Item(
        external_id=f"comment:{comment.id}",
        kind="comment",
        text=words(comment.body),
        url=comment.html_url,
        uri=comment.html_url,  # only the part behind # tells it from the issue
        author=_rest_author(comment.user),
        published_at=as_utc(comment.created_at),
        edited_at=as_utc(comment.updated_at) if is_edited else None,
        thread_id=thread,
        parent_id=thread,
        metrics=_counts(reactions=_total(comment.reactions)),
        reply_ref={
            "kind": "issue",
            "repository": repository,
            "number": str(number),
            "comment_id": comment.id,
        },
        raw=raw_text(raw),
    )
    return item, comment


def node_item(
    raw: Any, *, repository: str, number: int, parent: str, answers: tuple[str, str]
) -> Item:
    """Gives a discussion or a comment in one as an item.

    *parent* is the external id of what it answers, "" for the discussion; *answers* are the ids
    that a reply to it names: the discussion's, and that of the comment it goes below.
    """
    node = read_as(Node, raw)
    discussion_id, below = answers
    return Item(
        external_id=node_name(node, is_comment=bool(parent)),
        kind="comment" if parent else "discussion",
        title=node.title,
        text=words(node.body),
        url=node.url,
        uri=node.url,
        author=_author(node.author),
        published_at=as_utc(node.created_at),
        edited_at=as_utc(node.edited_at) if node.edited_at else None,
        thread_id=thread_of(repository, number),
        parent_id=parent,
        metrics=_counts(upvotes=node.upvotes),
        reply_ref={
            "kind": "discussion",
            "node_id": node.id,
            "discussion_id": discussion_id,
            "below": below,
        },
        raw=raw_text(_alone(raw)),
    )


def node_name(node: Node, *, is_comment: bool) -> str:
    """Gives the external id of a discussion or of a comment in one."""
    return f"{'discussion-comment' if is_comment else 'discussion'}:{node.number_id}"


def thread_of(repository: str, number: int) -> str:
    """Gives the name of a thread; GitHub takes owner and name in any case."""
    return f"{repository.lower()}#{number}"


def is_bot(item: Item, kind: str) -> bool:
    """Tells whether a program wrote it: by the account's kind, or by its name."""
    return kind == "Bot" or (item.author is not None and item.author.handle.endswith("[bot]"))


def _rest_author(user: RestUser | None) -> Author | None:
    """Gives the author; None for an account that is gone."""
    if user is None:
        return None
    return Author(user.id or user.login, user.login, user.login, user.html_url)


def _author(user: User | None) -> Author | None:
    if user is None:
        return None
    return Author(user.id or user.login, user.login, user.login, user.url)


def _total(reactions: Reactions | None) -> int | None:
    return None if reactions is None else reactions.total_count


def _counts(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _alone(raw: Any) -> Any:
    """Gives a node without what hangs below it."""
    return {key: value for key, value in raw.items() if key not in {"comments", "replies"}}

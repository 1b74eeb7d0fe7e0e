"""Answers on GitHub: a comment on an issue or pull request, or one in a discussion."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn
from urllib.parse import quote

from pydantic import Field

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import (
    Fault,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.text import clean
from earmark_listeners.channels.github.posts import Comment, Issue, Node, words
from earmark_listeners.channels.github.server import Server, graph_errors, says, stamp
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, delivered, is_ours, refused, taken
from earmark_listeners.wire import Wire, read_as

MAX_LENGTH: Final = 65_536
_MOST_LOOKS: Final = 5
_BY_WORDS: Final = frozenset(("FORBIDDEN", "NOT_FOUND", "UNPROCESSABLE", "INSUFFICIENT_SCOPES"))
_READ: Final = (
    "query($id:ID!){node(id:$id){... on Discussion{body lastEditedAt locked} "
    "... on DiscussionComment{body lastEditedAt deletedAt discussion{locked}}}}"
)
_ADD: Final = (
    "mutation($on:ID!,$below:ID,$body:String!,$key:String){addDiscussionComment(input:{"
    "discussionId:$on,replyToId:$below,body:$body,clientMutationId:$key})"
    "{comment{id databaseId url}}}"
)
_COMMENTS: Final = (
    "(last:100){pageInfo{hasPreviousPage} "
    "nodes{id databaseId url body createdAt updatedAt deletedAt author{login}}}"
)
_LOOK: Final = (
    f"query($id:ID!){{node(id:$id){{... on Discussion{{found:comments{_COMMENTS}}} "
    f"... on DiscussionComment{{found:replies{_COMMENTS}}}}}}}"
)


class _Body(Wire):
    body: str
    edited_at: datetime | None = Field(default=None, alias="lastEditedAt")


def _refuse_locked() -> NoReturn:
    raise ReplyRefused("The conversation is locked.", hint="It takes no replies any more.")


class Replying:
    """Target, send and find."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives what is to be answered as it stands now."""
        if ref.get("kind") == "discussion":
            return await self._discussed(ref)
        raw = await self._there(_issue_path(ref))
        if raw is None:
            return Gone("The issue was deleted, or is no longer shown to us.")
        issue = read_as(Issue, raw)
        if issue.locked:
            _refuse_locked()
        if not ref.get("comment_id"):
            return Target(clean(words(issue.body)))
        raw = await self._there(_comment_path(ref))
        if raw is None:
            return Gone("The comment was deleted.")
        comment = read_as(Comment, raw)
        is_edited = comment.updated_at > comment.created_at
        return Target(clean(words(comment.body)), as_utc(comment.updated_at) if is_edited else None)

    async def send(self, reply: Outgoing) -> Sent:
        """Comments once."""
        if not self._server.has_token:
            raise Rejected(
                "There is no access token to answer with.",
                hint="Set token to a token that may write issues and discussions.",
                subject=self._server.base_url,
            )
        ref, api, subject = reply.target, self._server.api, self._server.base_url
        if ref.get("kind") == "discussion":
            variables = {"on": ref.get("discussion_id"), "below": ref.get("below") or None,
                         "body": reply.text, "key": reply.key}  # fmt: skip
            body = {"query": _ADD, "variables": variables}
            answer = await delivered(
                api.call("POST", self._server.graph_url, json=body), subject, judge=_judge
            )
            self._refuse_errors(answer)
            return taken(lambda: _added(answer), subject)
        path = f"{_issue_path(ref)}/comments"
        answer = await delivered(
            api.call("POST", path, json={"body": reply.text}), subject, judge=_judge
        )
        return taken(lambda: _sent(answer.json()), subject)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Gives our own comment with the same words, not older than the reply."""
        me = await self._server.login()
        if not me:
            raise Rejected(
                "GitHub does not say who we are, so our own comment cannot be looked for.",
                hint="Set accounts to the login under which the token answers.",
                subject=self._server.base_url,
            )
        if reply.target.get("kind") == "discussion":
            return await self._found_in_discussion(reply, me)
        params: dict[str, str] | None = {
            "since": stamp(as_utc(reply.created_at) - SKEW),
            "per_page": "100",
        }
        address = f"{_issue_path(reply.target)}/comments"
        for _ in range(_MOST_LOOKS):
            try:
                entries, address = await self._server.listed(address, params)
            except Rejected as error:
                if error.fault is Fault.not_found:
                    return None
                raise
            for raw in entries:
                comment = read_as(Comment, raw)
                if comment.user is None or comment.user.login.lower() != me:
                    continue
                if is_ours(reply, comment.body, comment.created_at):
                    return _sent(raw)
            if not address:
                return None
            params = None
        raise self._too_many()

    async def _discussed(self, ref: Mapping[str, Any]) -> Target | Gone:
        data = await self._server.graph(_READ, {"id": str(ref.get("node_id", ""))})
        node = data.get("node")
        if not isinstance(node, dict) or node.get("deletedAt"):
            return Gone("It was deleted, or is no longer shown to us.")
        root = node.get("discussion") or node
        if root.get("locked"):
            _refuse_locked()
        said = read_as(_Body, node)
        return Target(clean(words(said.body)), as_utc(said.edited_at) if said.edited_at else None)

    async def _found_in_discussion(self, reply: Outgoing, me: str) -> Sent | None:
        where = str(reply.target.get("below") or reply.target.get("discussion_id", ""))
        data = await self._server.graph(_LOOK, {"id": where})
        if data.get("node") is None:
            return None
        nodes, held = self._server.api.listed(data["node"].get("found"), "nodes")
        found = [node for node in (read_as(Node, raw) for raw in nodes) if not node.deleted_at]
        for node in found:
            is_mine = node.author is not None and node.author.login.lower() == me
            if is_mine and is_ours(reply, node.body, node.created_at):
                return Sent(f"discussion-comment:{node.number_id}", node.url)
        info = held.get("pageInfo")
        is_cut = isinstance(info, dict) and info.get("hasPreviousPage") is True
        oldest = min((as_utc(node.created_at) for node in found), default=None)
        if is_cut and (oldest is None or oldest > as_utc(reply.created_at) - SKEW):
            raise self._too_many()
        return None

    def _refuse_errors(self, answer: Answer) -> None:
        """Raises for a no that comes with HTTP 200, as GraphQL says all of them."""
        try:
            kinds, said = graph_errors(answer.json())
        except (Malformed, Unavailable):
            return  # what cannot be read is judged by `taken`
        if not said:
            return
        subject = self._server.base_url
        if "RATE_LIMITED" in kinds:
            raise Unavailable("GitHub wants fewer replies.", rate_limited=True, subject=subject)
        if kinds & _BY_WORDS:
            raise ReplyRefused(f"GitHub refused the reply: {said}.", hint="Answer by hand.")
        raise ReplyUnknown(
            f"GitHub failed while it took the reply: {said}.",
            hint="It is looked for before anything is sent again.",
            subject=subject,
        )

    async def _there(self, path: str) -> Any:
        """Gives what is there; None if it is gone."""
        try:
            return await self._server.api.get(path)
        except Rejected as error:
            if error.fault is Fault.not_found:
                return None
            raise

    def _too_many(self) -> Unavailable:
        return Unavailable(
            "There are too many comments since to find our own among them.",
            hint="Look by hand whether the reply is there.",
            subject=self._server.base_url,
        )


def _issue_path(ref: Mapping[str, Any]) -> str:
    return f"{_repository_path(ref)}/issues/{quote(str(ref.get('number', '')), safe='')}"


def _comment_path(ref: Mapping[str, Any]) -> str:
    return f"{_repository_path(ref)}/issues/comments/{quote(str(ref['comment_id']), safe='')}"


def _repository_path(ref: Mapping[str, Any]) -> str:
    owner, _, name = str(ref.get("repository", "")).partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def _sent(raw: Any) -> Sent:
    return Sent(f"comment:{raw['id']}", str(raw.get("html_url") or ""))


def _added(answer: Answer) -> Sent:
    comment = answer.json()["data"]["addDiscussionComment"]["comment"]
    return Sent(f"discussion-comment:{comment['databaseId']}", str(comment.get("url") or ""))


def _judge(answer: Answer, subject: str) -> None:
    """Raises a refusal with GitHub's own reason, which stands below its general words."""
    refusal = refused(answer, subject, says=says(answer))
    if refusal is not None:
        raise refusal

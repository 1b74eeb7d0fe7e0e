"""Discussions, which GitHub gives by GraphQL only: a search, with what hangs below each."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Cursor, Item, WindowState
from earmark_listeners.channels.github.posts import Node, node_item, node_name
from earmark_listeners.channels.github.server import stamp
from earmark_listeners.channels.github.streams import Place
from earmark_listeners.contract import Batch
from earmark_listeners.going_back import Back
from earmark_listeners.newest_first import Deleted, Page
from earmark_listeners.wire import Id, Wire, moment_in, read_as

_AUTHOR: Final = (
    "author{__typename login url ... on User{databaseId} ... on Bot{databaseId} "
    "... on Organization{databaseId}}"
)
_COMMENT: Final = (
    "fragment c on DiscussionComment{id databaseId url body createdAt updatedAt lastEditedAt "
    f"deletedAt upvoteCount {_AUTHOR}}}"
)
_SEARCH: Final = (
    "query($q:String!,$after:String){search(type:DISCUSSION,query:$q,first:25,after:$after){"
    "discussionCount pageInfo{hasNextPage endCursor} nodes{... on Discussion{"
    "id databaseId number title url body createdAt updatedAt lastEditedAt upvoteCount "
    f"repository{{nameWithOwner}} {_AUTHOR} "
    "comments(last:50){pageInfo{hasPreviousPage} nodes{...c "
    "replies(last:20){pageInfo{hasPreviousPage} nodes{...c}}}}}}}} " + _COMMENT
)
_WALL: Final = 1_000


class _Repository(Wire):
    nameWithOwner: Id


class _Root(Wire):
    id: Id
    number: int
    repository: _Repository


class Discussed:
    """Discussions that a search finds, or those of one repository with their comments.

    The first poll gives the newest page of discussions alone.
    """

    is_onward = False

    def __init__(self, place: Place) -> None:
        self._place = place
        repository = place.options.repository
        self._with_comments = bool(repository)
        self._terms = f"repo:{repository}" if repository else place.options.query.strip()
        self._lost = ""
        self.moved: dict[str, datetime] = {}
        self.name = f"discussions of {repository.lower()}" if repository else "discussions"

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields what changed since, oldest page first."""
        walk = self._place.walk(self)
        async for page in walk.newest_first(since):
            batch = self._place.reached(self, page)
            if self._lost and since is not None:
                yield replace(batch, state=WindowState.truncated, note=self._lost)
            else:
                yield batch

    async def ask(self, token: str, floor: datetime | None) -> Page:
        """Gives a page of discussions, and of what was said below them since *floor*."""
        since = f" updated:>={stamp(floor)}" if floor else ""
        variables = {"q": f"{self._terms}{since} sort:updated-desc", "after": token or None}
        data = await self._place.server.graph(_SEARCH, variables)
        nodes, search = self._place.server.api.listed(data.get("search"), "nodes")
        info = search.get("pageInfo")
        more = isinstance(info, dict) and info.get("hasNextPage") is True
        following = str(info.get("endCursor") or "") if more and isinstance(info, dict) else ""
        total = search.get("discussionCount")
        if not following and isinstance(total, int) and total > _WALL:
            self._lost = f"the search gives {_WALL} of {total} discussions"
        entries: list[Any] = []
        for node in nodes:
            if node:  # what the search may not show is an empty object, or null
                entries.append({"node": node, "root": node})
                entries += self._below(node, floor) if floor and self._with_comments else ()
        return Page(entries, following)

    def back(self) -> Back:
        """Gives the discussions that changed since the start, with what was said below them."""

        async def ask(token: str, start: datetime, _until: datetime) -> Page:
            page = await self.ask(token, start)
            return page if page.following else replace(page, wall=self._lost)

        return self._place.back(
            ask, self.read, when=lambda entry: moment_in(entry["root"], "updatedAt")
        )

    def _below(self, root: Any, floor: datetime) -> Iterator[dict[str, Any]]:
        for comment in self._parts(root, "comments", floor):
            if _is_since(comment, floor):
                yield {"node": comment, "root": root, "parent": root}
            for reply in self._parts(comment, "replies", floor):
                if _is_since(reply, floor):
                    yield {"node": reply, "root": root, "parent": comment}

    def _parts(self, above: Any, key: str, floor: datetime) -> list[Any]:
        """Gives what hangs below; notes where there was more since *floor* than is given."""
        held = above.get(key) if isinstance(above, dict) else None
        nodes = held.get("nodes") if isinstance(held, dict) else None
        if not isinstance(nodes, list):
            return []
        info = held.get("pageInfo") if isinstance(held, dict) else None
        is_cut = isinstance(info, dict) and info.get("hasPreviousPage") is True
        if is_cut and nodes and all(_is_since(node, floor) for node in nodes):
            self._lost = "more comments in one discussion than GitHub gives at once"
        return nodes

    def read(self, raw: Any) -> Item | Deleted | None:
        """Gives a discussion or a comment."""
        root = read_as(_Root, raw["root"])
        node = read_as(Node, raw["node"])
        above = raw.get("parent")
        parent, below = "", ""
        if above is not None:
            is_comment = above is not raw["root"]
            parent = node_name(read_as(Node, above), is_comment=is_comment)
            below = read_as(Node, above).id if is_comment else node.id
        if node.deleted_at:
            return Deleted(node_name(node, is_comment=True))
        item = node_item(
            raw["node"], repository=root.repository.nameWithOwner, number=root.number,
            parent=parent, answers=(root.id, below),
        )  # fmt: skip
        self.moved[item.external_id] = as_utc(node.updated_at)
        return self._place.kept(item, node.author.type if node.author else "")


def _is_since(raw: Any, floor: datetime) -> bool:
    """Tells whether a comment changed since; one that cannot be read is not passed over."""
    try:
        node = read_as(Node, raw)
    except Malformed:
        return True
    return as_utc(max(node.updated_at, node.deleted_at or node.updated_at)) >= floor

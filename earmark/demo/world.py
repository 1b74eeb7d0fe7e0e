"""What stands on the fake platform at a moment: posts, notifications, and what is still to come."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from earmark.demo.script import Script

KEEP_POSTS = 4_000
KEY_LIVES = timedelta(hours=1)


@dataclass(slots=True)
class Post:
    """One post, article, review or comment; `revisions` holds (when, text) of what it said before.

    `id` is text of 18 digits that ascends with the order in which posts appeared.
    """

    id: str
    place: str
    kind: str
    author: str
    text: str
    at: datetime
    title: str = ""
    lang: str = "en"
    rating: int | None = None
    reply_to: str = ""
    root: str = ""
    visibility: str = "public"
    spoiler: str = ""
    edited_at: datetime | None = None
    is_gone: bool = False
    revisions: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification of the brand account; its id is its own, not the post's."""

    id: str
    post_id: str


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """Something that will happen: somebody posts, edits (adds *text*) or deletes."""

    at: datetime
    seq: int
    act: str = field(compare=False)
    author: str = field(compare=False, default="")
    text: str = field(compare=False, default="")
    place: str = field(compare=False, default="social")
    kind: str = field(compare=False, default="")
    title: str = field(compare=False, default="")
    lang: str = field(compare=False, default="en")
    rating: int | None = field(compare=False, default=None)
    post_id: str = field(compare=False, default="")


class Life(Protocol):
    """Decides what people do next; see `earmark.demo.life`."""

    def awake(self, world: "World", now: datetime) -> None:
        """Somebody has begun to listen."""

    def before(self, world: "World", now: datetime) -> None:
        """Plans what is due until *now*."""

    def after_post(self, world: "World", post: Post) -> None:
        """Plans what follows from *post*."""


class World:
    """The fake platform's memory; every change goes through here, in the order of time."""

    def __init__(self, script: Script, start: datetime) -> None:
        self.script = script
        self.started_at = start
        self.now = start
        self.posts: dict[str, Post] = {}
        self.notices: list[Notice] = []
        self.planned: list[Planned] = []
        self.keys: dict[str, tuple[str, datetime]] = {}
        self.counters: dict[str, int] = {}
        self.awake_since: datetime | None = None
        self.next_live: datetime | None = None
        self.changes = 0
        self._last_id = 0

    def count(self, name: str) -> int:
        """Gives 0, 1, 2 … for the same name."""
        value = self.counters.get(name, 0)
        self.counters[name] = value + 1
        return value

    def new_id(self, at: datetime) -> str:
        """Gives an id that is above every id given before."""
        self._last_id = max(int(at.timestamp() * 1000) << 16, self._last_id + 1)
        return str(self._last_id)

    def add(self, place: str, author: str, text: str, **more: Any) -> Post:
        """Publishes at the world's present moment, or says it was at `at`; notifies the brand."""
        at = more.pop("at", None) or self.now
        post = Post(
            self.new_id(min(at, self.now)), place, more.pop("kind", ""), author, text, at, **more
        )
        parent = self.posts.get(post.reply_to)
        post.root = (parent.root or parent.id) if parent else post.id
        self.posts[post.id] = post
        if place == "social" and author != self.script.brand.handle and self._names_brand(text):
            self.notices.append(Notice(str(1000 + self.count("notice")), post.id))
        self._forget_old()
        self.changes += 1
        return post

    def edit(self, post: Post, text: str, title: str | None = None) -> None:
        """Replaces what a post says and keeps what it said."""
        post.revisions.append((post.edited_at or post.at, post.text))
        post.text, post.edited_at = text, self.now
        post.title = post.title if title is None else title
        self.changes += 1

    def remove(self, post: Post) -> None:
        """Takes a post away; it is served no more."""
        post.is_gone = True
        self.changes += 1

    def plan(self, seconds: float, act: str, *, start: datetime | None = None, **more: Any) -> None:
        """Notes something for *seconds* after *start* (or after now)."""
        at = (start or self.now) + timedelta(seconds=seconds)
        heapq.heappush(self.planned, Planned(at, self.count("planned"), act, **more))
        self.changes += 1

    def advance(self, now: datetime, life: Life) -> None:
        """Lets all happen that is due until *now*; a clock that goes back changes nothing."""
        if now <= self.now:
            return
        life.before(self, now)
        while self.planned and self.planned[0].at <= now:
            due = heapq.heappop(self.planned)
            self.now = max(self.now, due.at)
            self._happen(due, life)
        self.now = now

    def _happen(self, due: Planned, life: Life) -> None:
        target = self.posts.get(due.post_id)
        if due.act == "post":
            if due.post_id and (target is None or target.is_gone):
                return
            post = self.add(
                due.place, due.author, due.text, kind=due.kind, title=due.title, lang=due.lang,
                rating=due.rating, reply_to=due.post_id,
            )  # fmt: skip
            life.after_post(self, post)
        elif target is not None and not target.is_gone:
            if due.act == "edit":
                self.edit(target, f"{target.text}\n\n{due.text}")
            else:
                self.remove(target)

    def standing(self, *places: str) -> Iterator[Post]:
        """Gives the posts that can be seen at these places, newest first."""
        return (
            post for post in reversed(self.posts.values())
            if not post.is_gone and post.place in places
        )  # fmt: skip

    def get(self, post_id: str) -> Post | None:
        """Gives the post if it is still there."""
        post = self.posts.get(post_id)
        return None if post is None or post.is_gone else post

    def replies(self, post: Post) -> Iterator[Post]:
        """Gives all that stands under a post, oldest first, answers after what they answer."""
        under = [p for p in self.posts.values() if p.root == post.root and not p.is_gone]
        for child in under:
            if child.reply_to == post.id:
                yield child
                yield from self.replies(child)

    def ancestors(self, post: Post) -> list[Post]:
        """Gives what a post answers, from the root down."""
        found: list[Post] = []
        while (parent := self.posts.get(post.reply_to)) is not None:
            found.insert(0, parent)
            post = parent
        return [p for p in found if not p.is_gone]

    def posted_with(self, key: str) -> Post | None:
        """Gives what was posted with this idempotency key in the last hour."""
        post_id, at = self.keys.get(key, ("", self.now))
        return self.posts.get(post_id) if self.now - at <= KEY_LIVES else None

    def remember_key(self, key: str, post: Post) -> None:
        """Ties an idempotency key to what was posted with it; keys live for an hour."""
        alive = {k: v for k, v in self.keys.items() if self.now - v[1] <= KEY_LIVES}
        self.keys = {**alive, key: (post.id, self.now)}

    def _names_brand(self, text: str) -> bool:
        return f"@{self.script.brand.handle}" in text.casefold()

    def _forget_old(self) -> None:
        if len(self.posts) > KEEP_POSTS:
            for post_id in list(self.posts)[: KEEP_POSTS // 10]:
                del self.posts[post_id]
            self.notices = [n for n in self.notices if n.post_id in self.posts]

    def restore_ids(self, highest: Iterable[str]) -> None:
        """Makes sure that new ids are above these."""
        self._last_id = max([self._last_id, *map(int, highest)])

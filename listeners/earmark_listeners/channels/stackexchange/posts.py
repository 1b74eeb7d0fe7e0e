"""Questions, answers and comments of Stack Exchange as items; the text is HTML."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as


class Owner(Wire):
    """Who said it; without `user_id` where the account is gone."""

    user_id: Word = ""
    display_name: Word = ""
    link: Word = ""


class Question(Wire):
    """A question; `last_activity_date` moves with edits and answers, not with comments."""

    question_id: Id
    creation_date: int
    last_activity_date: int
    last_edit_date: int | None = None
    locked_date: int | None = None
    closed_date: int | None = None
    title: Word = ""
    body: Word = ""
    link: Word = ""
    owner: Owner | None = None
    score: int | None = None
    view_count: int | None = None
    answer_count: int | None = None


class Answer(Wire):
    """An answer to a question."""

    answer_id: Id
    question_id: Id
    creation_date: int
    last_edit_date: int | None = None
    locked_date: int | None = None
    body: Word = ""
    owner: Owner | None = None
    score: int | None = None


class Comment(Wire):
    """A comment on a question or an answer, which share one row of numbers."""

    comment_id: Id
    post_id: Id
    creation_date: int
    body: Word = ""
    owner: Owner | None = None
    score: int | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where links lead, and who we are there ("" if not known)."""

    origin: str
    own_id: str = ""

    def question(self, raw: Any) -> Item:
        """Gives a question as an item; raises `Malformed`."""
        post = read_as(Question, raw)
        counts = {"score": post.score, "views": post.view_count, "answers": post.answer_count}
        name = f"question-{post.question_id}"
        return Item(
            external_id=name, kind="question", title=unescape(post.title), text=post.body,
            is_html=True, url=post.link or f"{self.origin}/q/{post.question_id}",
            author=self._author(post.owner), published_at=moment(post.creation_date),
            edited_at=moment(post.last_edit_date) if post.last_edit_date else None,
            thread_id=self.thread(post.question_id), metrics=_given(counts),
            is_own=self._is_own(post.owner),
            reply_ref=_ref("question", post.question_id), raw=raw_text(raw),
        )  # fmt: skip

    def answer(self, raw: Any, title: str) -> Item:
        """Gives an answer as an item, with the title of its question."""
        post = read_as(Answer, raw)
        above = f"question-{post.question_id}"
        return Item(
            external_id=f"answer-{post.answer_id}", kind="answer", title=unescape(title),
            text=post.body, is_html=True, url=f"{self.origin}/a/{post.answer_id}",
            author=self._author(post.owner), published_at=moment(post.creation_date),
            edited_at=moment(post.last_edit_date) if post.last_edit_date else None,
            thread_id=self.thread(post.question_id), parent_id=above,
            metrics=_given({"score": post.score}),
            is_own=self._is_own(post.owner), reply_ref=_ref("answer", post.answer_id),
            raw=raw_text(raw),
        )  # fmt: skip

    def comment(self, raw: Any, question_id: str) -> Item:
        """Gives a comment as an item; *question_id* is that of the thread."""
        said = read_as(Comment, raw)
        kind = "question" if said.post_id == question_id else "answer"
        page = f"{self.origin}/{kind[0]}/{said.post_id}#comment{said.comment_id}_{said.post_id}"
        name = unescape(said.owner.display_name) if said.owner else ""
        return Item(
            external_id=f"comment-{said.comment_id}", kind="comment", text=said.body, is_html=True,
            url=page, author=self._author(said.owner), published_at=moment(said.creation_date),
            # The page without its fragment is that of the whole thread.
            uri=f"{self.origin}/posts/comments/{said.comment_id}",
            thread_id=self.thread(question_id), parent_id=f"{kind}-{said.post_id}",
            metrics=_given({"score": said.score}), is_own=self._is_own(said.owner),
            reply_ref=_ref("comment", said.post_id) | {"comment_id": said.comment_id, "to": name},
            raw=raw_text(raw),
        )  # fmt: skip

    def thread(self, question_id: str) -> str:
        """Gives the name of a thread, which is the same on no other site."""
        return f"{self.origin}/q/{question_id}"

    def _author(self, owner: Owner | None) -> Author | None:
        """Gives who said it; numbers of users begin anew on each site."""
        if owner is None or not (owner.user_id or owner.display_name):
            return None
        name = unescape(owner.display_name)
        number = f"{self.origin}/users/{owner.user_id}" if owner.user_id else ""
        return Author(number or f"{self.origin}#{name}", name=name, url=owner.link)

    def _is_own(self, owner: Owner | None) -> bool:
        return bool(self.own_id) and owner is not None and owner.user_id == self.own_id


def moment(epoch: int) -> datetime:
    """Gives the moment of epoch seconds; raises `Malformed` for one beyond the calendar."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)
    except OverflowError:
        raise Malformed("a date is no moment of this calendar") from None


def _given(counts: dict[str, int | None]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _ref(kind: str, post_id: str) -> dict[str, str]:
    return {"kind": kind, "post_id": post_id}

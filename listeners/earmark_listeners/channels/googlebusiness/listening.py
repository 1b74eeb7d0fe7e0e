"""Listens to the reviews of one location on Google (Business Profile), and answers them.

Reviews are in version 4 of the API alone, which wants `accounts/A/locations/L`; the newer ones call
the same place `locations/L`. A review comes with its reply inside; a reply replaces the one before.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.model import Author, Cursor, Item
from earmark_core.text import clean
from earmark_listeners import google
from earmark_listeners.api import Api
from earmark_listeners.channels.googlebusiness.options import GoogleBusinessOptions
from earmark_listeners.channels.googlebusiness.reviews import (
    STARS,
    Reply,
    Review,
    entries_of,
    original,
    reply_id,
)
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Gone,
    Listener,
    Outgoing,
    Sent,
    Target,
    Wiring,
)
from earmark_listeners.going_back import Back, listing
from earmark_listeners.newest_first import Page, Walk, moved_at
from earmark_listeners.replying import before_sending, delivered, is_ours, taken
from earmark_listeners.wire import raw_text, read_as

_ENVELOPE: Final = frozenset(("reviews", "averageRating", "totalReviewCount", "nextPageToken"))
_DASHBOARD: Final = "https://business.google.com/reviews"


class GoogleBusiness(Listener[GoogleBusinessOptions]):
    """Watches the reviews of one location, and answers them."""

    channel: ClassVar[str] = "googlebusiness"
    summary: ClassVar[str] = "Reviews of our location on Google, with replies"
    options_type: ClassVar[type[GoogleBusinessOptions]] = GoogleBusinessOptions
    needs: ClassVar[str] = (
        "a verified location, a Google Cloud project that Google has approved for the Business "
        "Profile APIs, and an OAuth client with a refresh token"
    )
    collects: ClassVar[tuple[str, ...]] = ("reviews", "our replies")
    cannot: ClassVar[str] = (
        "what was taken away; Google says that a page after the first may lack a review"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, max_bytes=4_096, one_reply_per_item=True, can_edit=True, can_delete=True,
        default_interval_seconds=900, min_interval_seconds=60,
        quota="10 changes a minute for each profile", visibility="public, once Google has read it",
    )  # fmt: skip

    def __init__(self, options: GoogleBusinessOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        tokens = google.account_tokens(
            wiring, self.channel, options.client_id, wiring.secret(options.client_secret),
            options.refresh_token, options.token_url,
        )  # fmt: skip
        self.api = Api(wiring.fetch, options.base_url, tokens=tokens)
        self.place = f"accounts/{options.account}/locations/{options.location}"
        self._moved: dict[str, datetime] = {}

    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new and edited reviews, oldest page first."""
        walk = Walk(
            self._page, self._item, self.clock, self.place,
            overlap=timedelta(hours=self.options.overlap_hours), moment=self._moment,
            max_pages=self.options.max_pages, pause=lambda: self.api.pause,
        )  # fmt: skip
        return walk.newest_first(since)

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the reviews of a stretch and our replies of that time.

        Reviews come by their last change: one that was edited since stands before its time.
        """
        walk = Back(
            listing(self._page), self._item, self.place,
            moment=self._moment, pause=lambda: self.api.pause,
        )  # fmt: skip
        return walk.pages(start, end, since)

    async def _page(self, token: str, _: datetime | None) -> Page:
        said = await self._listing(token, self.options.page_size)
        reviews, _all = self.api.listed({"reviews": [], **said}, "reviews")
        return Page(list(entries_of(reviews)), str(said.get("nextPageToken") or ""))

    async def _listing(self, token: str, size: int) -> Mapping[str, Any]:
        params = {"pageSize": str(size), "orderBy": "updateTime desc"}
        params |= {"pageToken": token} if token else {}
        answer = await self.api.call("GET", f"/{self.place}/reviews", params=params)
        said = self._read(answer)
        # A location without reviews answers {}; anything else that holds none is another answer.
        is_known = isinstance(said, dict) and (not said or said.keys() & _ENVELOPE)
        if not is_known or (not token and said.get("totalReviewCount") and "reviews" not in said):
            raise Malformed("The answer holds no list of reviews.", subject=self.place)
        found: Mapping[str, Any] = said
        return found

    def _read(self, answer: Answer) -> Any:
        _judge(answer, self.place)
        hint = "Check account and location: it must be verified, and the login its manager's."
        return google.read(self.api, answer, self.place, hint)

    def _item(self, entry: Any) -> Item:
        if isinstance(entry, dict) and "answer_to" in entry:
            return self._answer(read_as(Review, entry["answer_to"]))
        review = read_as(Review, entry)
        self._moved[review.id] = review.changed_at
        is_edited = review.changed_at != as_utc(review.createTime)
        return Item(
            external_id=review.id, kind="review", text=original(review.comment),
            url=review.reviewReplyUrl or _DASHBOARD, uri=self._uri(review.id),
            rating=STARS.get(review.starRating),
            # There is no id of people; one person has one review of a location.
            author=Author(review.id, name=review.reviewer.displayName if review.reviewer else ""),
            published_at=as_utc(review.createTime),
            edited_at=review.changed_at if is_edited else None,
            thread_id=review.id, reply_ref={"review_id": review.id}, raw=raw_text(entry),
        )  # fmt: skip

    def _answer(self, review: Review) -> Item:
        answer = review.answer or Reply()
        return Item(
            external_id=reply_id(review), kind="reply", text=original(answer.comment),
            url=review.reviewReplyUrl or _DASHBOARD, uri=self._uri(reply_id(review)), is_own=True,
            thread_id=review.id,
            published_at=as_utc(answer.updateTime) if answer.updateTime else None,
            parent_id=review.id,
        )  # fmt: skip

    def _moment(self, item: Item) -> datetime | None:
        """Gives what Google orders by: the change of the review, whenever it was answered."""
        return self._moved.get(item.parent_id) if item.is_own else moved_at(item)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the review again."""
        review = await self._review(ref)
        if review is None:
            return Gone("The review was deleted.")
        return Target(clean(original(review.comment)), review.changed_at)

    async def send(self, reply: Outgoing) -> Sent:
        """Puts our reply below the review, where none answers its present words yet."""
        review = await before_sending(self._review(reply.target))
        if review is None:
            raise ReplyRefused("The review was deleted.")
        self._refuse_second(review, reply)
        path = f"{self._path(reply.target)}/reply"
        call = self.api.call("PUT", path, json={"comment": reply.text})
        answer = await delivered(call, self.place, is_idempotent=True, judge=_judge)
        shown = taken(lambda: _taken(answer), self.place)
        if shown.reviewReplyState == "REJECTED":
            told = shown.policyViolation
            why = told.replace("_", " ").lower() if isinstance(told, str) else "it is not said why"
            raise ReplyRefused(f"Google rejected the reply: {why}.", hint="Write it otherwise.")
        return Sent(reply_id(review), review.reviewReplyUrl or _DASHBOARD)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply below the review."""
        review = await self._review(reply.target)
        answer = review.answer if review else None
        if review is None or answer is None:
            return None
        if not is_ours(reply, original(answer.comment), answer.updateTime):
            return None
        return Sent(reply_id(review), review.reviewReplyUrl or _DASHBOARD)

    def _refuse_second(self, review: Review, reply: Outgoing) -> None:
        """Refuses to replace, unasked, somebody else's answer to what the review says now."""
        answer = review.answer
        if answer is not None and not self.options.replace_reply:
            google.refuse_second(
                reply,
                answer.comment,
                answered_at=as_utc(answer.updateTime) if answer.updateTime else None,
                changed_at=review.changed_at,
                where="Google",
            )

    async def _review(self, ref: Mapping[str, Any]) -> Review | None:
        answer = await self.api.call("GET", self._path(ref))
        try:
            return read_as(Review, self._read(answer))
        except Rejected as error:
            if error.fault is not Fault.not_found:
                raise
        # A location that is not verified any more answers 404, too: then nothing was deleted.
        await self._listing("", 1)
        return None

    def _uri(self, name: str) -> str:
        """Gives one name for each: the link is the same for all of them."""
        return f"{self.place}/reviews/{name}"

    def _path(self, ref: Mapping[str, Any]) -> str:
        return f"/{self.place}/reviews/{quote(str(ref.get('review_id', '')), safe='')}"


def _taken(answer: Answer) -> Reply:
    said = answer.json()
    if not str(said["comment"]).strip():
        raise Malformed("The answer holds no reply.")
    return read_as(Reply, said)


def _judge(answer: Answer, subject: str) -> None:
    """Raises in plain words for what is wrong with the project; a quota of 0 is no rate limit."""
    google.judge(answer, subject)
    told = [part.get("metadata") for part in google.details(answer)]
    values = [str(each.get("quota_limit_value")) for each in told if isinstance(each, dict)]
    if answer.status in (403, 429) and "0" in values:
        raise Rejected(
            "Google has not approved the project for the Business Profile APIs: its quota is 0.",
            fault=Fault.forbidden,
            hint="Ask for access in the Google Cloud project; without it every call is refused.",
            subject=subject,
        )

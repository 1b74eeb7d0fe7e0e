"""Listens to the reviews of an app on Google Play, by its publisher's API, and answers them.

The API gives what was written or changed in the last 7 days, with words in it, newest first. The
time of a review is that of its last change, and a reply replaces the one that was there.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.model import Author, Cursor, Item, WindowState
from earmark_core.text import clean
from earmark_listeners import google
from earmark_listeners.api import Api
from earmark_listeners.channels.googleplay.options import GooglePlayOptions
from earmark_listeners.channels.googleplay.reviews import (
    DeveloperComment,
    Review,
    entries_of,
    moment_of,
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
from earmark_listeners.lengths import utf16_units
from earmark_listeners.newest_first import Page, Walk, moved_at
from earmark_listeners.oauth import RenewedToken
from earmark_listeners.replying import before_sending, delivered, is_ours, taken
from earmark_listeners.signing import service_account
from earmark_listeners.wire import raw_text, read_as

_SCOPE: Final = "https://www.googleapis.com/auth/androidpublisher"
_ENVELOPE: Final = frozenset(("reviews", "tokenPagination", "pageInfo"))
_TAG: Final = re.compile(r"</?[A-Za-z!][^<>]*>")


class GooglePlay(Listener[GooglePlayOptions]):
    """Watches the reviews of our own app, and answers them."""

    channel: ClassVar[str] = "googleplay"
    summary: ClassVar[str] = "Reviews of our app on Google Play, with replies"
    options_type: ClassVar[type[GooglePlayOptions]] = GooglePlayOptions
    needs: ClassVar[str] = (
        "a service account that is invited in the Play Console with the permission to reply to "
        "reviews; a new one may take a day until it works"
    )
    collects: ClassVar[tuple[str, ...]] = ("reviews", "our replies")
    cannot: ClassVar[str] = (
        "what was not polled for 7 days; stars without words; test versions; what was taken away"
    )
    has_thread: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True, max_length=350, length_of=utf16_units,
        counted_in="characters (an emoji counts 2)", one_reply_per_item=True, can_edit=True,
        default_interval_seconds=900, min_interval_seconds=300, quota="2,000 replies a day",
        note="No HTML: Google cuts it out.",
    )  # fmt: skip

    def __init__(self, options: GooglePlayOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        grant = service_account(wiring, options.key_file, _SCOPE, self.channel)
        tokens = RenewedToken(wiring, f"{self.channel} {options.key_file}", grant)
        self.api = Api(wiring.fetch, options.base_url, tokens=tokens)
        self._moved: dict[str, datetime | None] = {}

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields reviews, oldest page first; says so where they were not asked for too long."""
        walk = Walk(
            self._page, self._item, self.clock, self.options.package,
            overlap=timedelta(hours=self.options.overlap_hours), moment=self._moment,
            max_pages=self.options.max_pages, pause=lambda: self.api.pause,
        )  # fmt: skip
        now = self.clock()
        async for batch in walk.newest_first(since):
            yield self._with_gap(batch, since, now)

    def _with_gap(self, batch: Batch, since: Cursor | None, now: datetime) -> Batch:
        """Says what is lost for good where the last poll is longer ago than Google looks back."""
        if batch.cursor is not None:
            told = {**json.loads(batch.cursor), "polled": now.isoformat()}
            batch = replace(batch, cursor=Cursor(json.dumps(told)))
        days = self.options.window_days
        kept_from = now - timedelta(days=days)
        last = _polled_at(since)
        if last is None or last >= kept_from:
            return batch
        return replace(
            batch, state=WindowState.truncated,
            covers_from=max(batch.covers_from or kept_from, kept_from),
            note=f"the last poll was on {last:%d %b %Y}, and Google gives the last {days} days; "
            "older reviews are in the monthly report of the Play Console",
        )  # fmt: skip

    async def _page(self, token: str, _: datetime | None) -> Page:
        params = {"maxResults": "100", **({"token": token} if token else {})}
        answer = await self.api.call("GET", self._path(), params=params)
        said = self._read(answer)
        # An app without reviews answers {}; anything else that holds none is another answer.
        if not isinstance(said, dict) or (said and not said.keys() & _ENVELOPE):
            raise Malformed("The answer holds no list of reviews.", subject=self.options.package)
        reviews, _all = self.api.listed({"reviews": [], **said}, "reviews")
        paging = said.get("tokenPagination")
        following = paging.get("nextPageToken") if isinstance(paging, dict) else ""
        return Page(list(entries_of(reviews)), str(following or ""))

    def _read(self, answer: Answer) -> Any:
        google.judge(answer, self.options.package)
        hint = "Check package, and that the Play Console lets the service account see reviews."
        return google.read(self.api, answer, self.options.package, hint)

    def _item(self, entry: Any) -> Item:
        if isinstance(entry, dict) and "answer_to" in entry:
            return self._answer(read_as(Review, entry["answer_to"]))
        review = read_as(Review, entry)
        said, (title, text) = review.said, review.words
        counts = {"thumbs_up": said.thumbsUpCount, "thumbs_down": said.thumbsDownCount}
        moment = moment_of(said.lastModified)
        self._moved[review.reviewId] = moment
        ref = {"package": self.options.package, "review_id": review.reviewId}
        return Item(
            external_id=review.reviewId, kind="review", title=title, text=text,
            url=self._url(review.reviewId), rating=said.starRating,
            # There is no id of people; one person has one review of an app.
            author=Author(review.reviewId, name=review.authorName),
            lang=said.reviewerLanguage.replace("_", "-"), published_at=moment,
            thread_id=review.reviewId, raw=raw_text(entry),
            metrics={name: count for name, count in counts.items() if count is not None},
            reply_ref=ref | ({"changed_at": moment.isoformat()} if moment else {}),
        )  # fmt: skip

    def _answer(self, review: Review) -> Item:
        answer = review.answer or DeveloperComment()
        url = self._url(review.reviewId)
        return Item(
            external_id=reply_id(review.reviewId), kind="reply", text=answer.text, is_own=True,
            url=url, uri=f"{url}#reply", published_at=moment_of(answer.lastModified),
            thread_id=review.reviewId, parent_id=review.reviewId,
        )  # fmt: skip

    def _moment(self, item: Item) -> datetime | None:
        """Gives what Google orders by: the change of the review, whenever it was answered."""
        return self._moved.get(item.parent_id) if item.is_own else moved_at(item)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the review again."""
        review = await self._review(ref)
        if review is None:
            return Gone("The review was deleted.")
        title, text = review.words
        return Target(
            clean(f"{title}\n{text}" if title else text), moment_of(review.said.lastModified)
        )

    async def send(self, reply: Outgoing) -> Sent:
        """Puts our reply below the review, where none answers its present words yet."""
        tag = _TAG.search(reply.text)
        if tag:
            raise ReplyRefused(
                f"Google Play would cut {tag[0]} out of the reply.", hint="Write it without HTML."
            )
        review = await before_sending(self._review(reply.target))
        if review is None:
            raise ReplyRefused("The review was deleted.")
        self._refuse_second(review, reply)
        path = f"{self._path(reply.target)}:reply"
        answer = await delivered(
            self.api.call("POST", path, json={"replyText": reply.text}),
            self.options.package,
            is_idempotent=True,
            judge=google.judge,
        )
        shown = taken(lambda: str(answer.json()["result"]["replyText"]), self.options.package)
        if not is_ours(reply, shown, None):
            raise ReplyRefused(
                f"Google Play took the reply but changed it. It shows: {clean(shown, limit=400)}",
                hint="Look at it in the Play Console, and change it there if need be.",
            )
        return Sent(reply_id(review.reviewId), self._url(review.reviewId))

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply below the review."""
        review = await self._review(reply.target)
        answer = review.answer if review else None
        if review is None or answer is None:
            return None
        if not is_ours(reply, answer.text, moment_of(answer.lastModified)):
            return None
        return Sent(reply_id(review.reviewId), self._url(review.reviewId))

    def _refuse_second(self, review: Review, reply: Outgoing) -> None:
        """Refuses to replace, unasked, somebody else's answer to what the review says now."""
        answer = review.answer
        if answer is not None and not self.options.replace_reply:
            google.refuse_second(
                reply,
                answer.text,
                answered_at=moment_of(answer.lastModified),
                changed_at=moment_of(review.said.lastModified),
                where="Google Play",
            )

    async def _review(self, ref: Mapping[str, Any]) -> Review | None:
        answer = await self.api.call("GET", self._path(ref))
        try:
            return read_as(Review, self._read(answer))
        except Rejected as error:
            if error.fault is not Fault.not_found:
                raise
        if self._is_out_of_window(ref):
            raise ReplyRefused(
                f"Google shows a review for {self.options.window_days} days after its last change; "
                "this one is older.",
                hint="Answer it in the Play Console.",
            )
        return None

    def _is_out_of_window(self, ref: Mapping[str, Any]) -> bool:
        try:
            changed = as_utc(datetime.fromisoformat(str(ref.get("changed_at"))))
        except ValueError:
            return True
        return changed < self.clock() - timedelta(days=self.options.window_days)

    def _path(self, ref: Mapping[str, Any] | None = None) -> str:
        path = f"/androidpublisher/v3/applications/{self.options.package}/reviews"
        return path if ref is None else f"{path}/{quote(str(ref.get('review_id', '')), safe='')}"

    def _url(self, review_id: str) -> str:
        named = f"id={self.options.package}&reviewId={quote(review_id, safe='')}"
        return f"https://play.google.com/store/apps/details?{named}"


def _polled_at(since: Cursor | None) -> datetime | None:
    """Gives when a poll last went well, None where the cursor does not say."""
    try:
        return as_utc(datetime.fromisoformat(json.loads(since or "")["polled"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None

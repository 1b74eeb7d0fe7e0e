"""Reviews of a company on Trustpilot: read with an API key, answered with an OAuth login."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.model import Cursor, Item
from earmark_core.redact import register_secret
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.trustpilot.options import TrustpilotOptions
from earmark_listeners.channels.trustpilot.reviews import (
    Review,
    own_reply,
    page_of,
    public_part,
    reply_id,
    to_item,
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
from earmark_listeners.going_back import Back, followed, listing
from earmark_listeners.newest_first import Deleted, Page, Walk
from earmark_listeners.oauth import (
    RenewedToken,
    TokenEndpoint,
    client_credentials,
    refresh_token,
)
from earmark_listeners.replying import before_sending, delivered, is_ours, taken
from earmark_listeners.wire import moment_in, read_as

_PER_PAGE: Final = "100"
_LOGIN: Final = "/v1/oauth/oauth-business-users-for-applications"
_HEX: Final = frozenset("0123456789abcdef")
_PLAIN: Final = {
    Fault.auth: ("Trustpilot does not accept our key or login", "Check api_key and api_secret."),
    Fault.forbidden: (
        "Trustpilot forbids this",
        "The API is a paid part of Trustpilot's plans; for replies the login must belong to this "
        "business unit.",
    ),
    Fault.not_found: ("Trustpilot does not know this business unit", "Check business_unit."),
}


class Trustpilot(Listener[TrustpilotOptions]):
    """Watches the reviews of one company, and answers them."""

    channel: ClassVar[str] = "trustpilot"
    summary: ClassVar[str] = "Reviews of a company on Trustpilot, with replies"
    options_type: ClassVar[type[TrustpilotOptions]] = TrustpilotOptions
    needs: ClassVar[str] = (
        "an API key, which is a paid part of Trustpilot's plans; to answer, its secret and the id "
        "of a business user"
    )
    collects: ClassVar[tuple[str, ...]] = ("reviews", "our replies")
    cannot: ClassVar[str] = (
        "product reviews; that a review was taken away, unless it was reported; edits of reviews "
        "older than the newest page and the overlap"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        one_reply_per_item=True,
        can_edit=True,
        can_delete=True,
        quota="833 requests in 5 minutes and 10,000 an hour, reading included",
        default_interval_seconds=900,
        min_interval_seconds=60,
        note="A review has one reply, which all see. Trustpilot names no length.",
    )

    def __init__(self, options: TrustpilotOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        key = wiring.secret(options.api_key)
        register_secret(key)
        self.api = Api(wiring.fetch, options.base_url, headers={"apikey": key})
        self.can_answer = bool(options.api_secret) and options.is_ours
        self._private = self._login(key) if self.can_answer else None
        self._replies: dict[str, Item] = {}
        self._unit = ""

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields new reviews, oldest page first, each followed by our reply to it."""
        self._unit = await self._unit_id()
        walk = Walk(
            self._page,
            self._item,
            self.clock,
            self.options.base_url,
            overlap=timedelta(hours=self.options.overlap_hours),
            max_pages=self.options.max_pages,
            moment=lambda item: item.published_at,
            pause=lambda: self.api.pause,
        )
        async for batch in walk.newest_first(since):
            pairs = ((item, self._replies.get(item.external_id)) for item in batch.items)
            yield replace(batch, items=tuple(each for pair in pairs for each in pair if each))

    async def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields the reviews of a stretch, from the newest back, each followed by our reply."""
        self._unit = await self._unit_id()
        walk = Back(
            listing(self._page),
            self._item,
            self.options.base_url,
            when=lambda raw: moment_in(raw, "createdAt"),
            pause=lambda: self.api.pause,
        )
        async for batch in walk.pages(start, end, since):
            yield followed(batch, self._replies, start, end)

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Reads the review again."""
        review = await self._review(ref)
        if review is None:
            return Gone("The review is no longer on Trustpilot.")
        if review.is_hidden:
            return Gone("Trustpilot hides the review while a report about it is looked at.")
        return Target(clean(review.text), review.edited_at)

    async def send(self, reply: Outgoing) -> Sent:
        """Sends once, unless the very same reply is there; never silently over another one."""
        review = await before_sending(self._review(reply.target))
        if review is None:
            raise ReplyRefused("The review is no longer on Trustpilot.", hint="Close the case.")
        present = review.reply
        if present is not None and is_ours(reply, present.text, None):
            return self._sent(review.id)
        if present is not None and not self.options.replace_replies:
            raise ReplyRefused(
                "The review has another reply already, which this one would replace.",
                hint="Edit it on Trustpilot, or set replace_replies for the source.",
                subject=self.channel,
            )
        path = f"{_path(reply.target)}/reply"
        body = {"authorBusinessUserId": self.options.business_user_id, "message": reply.text}
        answer = await delivered(self._answering().call("POST", path, json=body), self.channel)
        taken(lambda: _readable(answer), self.channel)
        return self._sent(review.id)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply below the review."""
        review = await self._review(reply.target)
        present = review.reply if review else None
        if review is None or present is None:
            return None
        is_it = is_ours(reply, present.text, present.updatedAt or present.createdAt)
        return self._sent(review.id) if is_it else None

    def _login(self, key: str) -> Api:
        options, wiring = self.options, self.wiring
        pair = key, wiring.secret(options.api_secret)
        address = f"{options.base_url}{_LOGIN}"
        name = f"trustpilot {address} {options.api_key} {options.business_user_id}"
        grant = client_credentials(
            TokenEndpoint(wiring, f"{address}/accesstoken", self.channel, pair)
        )
        if options.refresh_token:
            endpoint = TokenEndpoint(wiring, f"{address}/refresh", self.channel, pair)
            grant = refresh_token(endpoint, options.refresh_token)
        tokens = RenewedToken(wiring, name, grant)
        headers = {"x-business-user-id": options.business_user_id}
        return Api(wiring.fetch, options.base_url, tokens=tokens, headers=headers)

    def _answering(self) -> Api:
        if self._private is None:
            raise Rejected(
                "This source cannot answer.",
                hint="Set api_secret and business_user_id; the company must be ours.",
                subject=self.channel,
            )
        return self._private

    async def _unit_id(self) -> str:
        """Gives the id of the company; found by its domain once in a process."""
        named = self.options.business_unit.lower()
        if len(named) == 24 and set(named) <= _HEX:
            return named
        key = f"trustpilot unit {self.options.base_url} {named}"
        if key not in self.wiring.memory:
            said = await self._asked(self.api, "/v1/business-units/find", {"name": named})
            found = said.get("id") if isinstance(said, dict) else None
            if not isinstance(found, str) or not found:
                raise Malformed("The answer names no business unit.", subject=self.channel)
            self.wiring.memory[key] = found
        return str(self.wiring.memory[key])

    async def _page(self, token: str, _: datetime | None) -> Page:
        number, options = token or "1", self.options
        params = {"page": number, "perPage": _PER_PAGE, "orderBy": "createdat.desc"}
        params |= {"language": options.language} if options.language else {}
        params |= {"includeReportedReviews": "true"} if options.include_reported else {}
        path = f"/v1/business-units/{quote(self._unit, safe='')}/reviews"
        entries, _said = self.api.listed(await self._asked(self.api, path, params), "reviews")
        # Fewer than asked for is no end: the platform may give smaller pages. An empty one is.
        return Page(
            [public_part(each) for each in entries], str(int(number) + 1) if entries else ""
        )

    def _item(self, raw: Any) -> Item | Deleted:
        review = read_as(Review, raw)
        if review.is_hidden:
            return Deleted(review.id)
        item = to_item(review, raw, self.options.site)
        if review.reply is not None and self.options.is_ours:
            self._replies[review.id] = own_reply(review.reply, item)
        return item

    async def _review(self, ref: Mapping[str, Any]) -> Review | None:
        try:
            return read_as(Review, await self._asked(self._answering(), _path(ref)))
        except Rejected as error:
            if error.fault is Fault.not_found:
                return None
            raise

    async def _asked(self, api: Api, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Gives the decoded answer; a refusal is told in words that a person can act on."""
        answer = await api.call("GET", path, params=params)
        fault = answer.fault()
        if fault in _PLAIN:
            what, hint = _PLAIN[fault]
            raise Rejected(
                f"{what} (HTTP {answer.status}).", fault=fault, hint=hint, subject=self.channel
            )
        return api.read(answer)

    def _sent(self, review_id: str) -> Sent:
        return Sent(reply_id(review_id), page_of(review_id, self.options.site))


def _path(ref: Mapping[str, Any]) -> str:
    return f"/v1/private/reviews/{quote(str(ref.get('review_id', '')), safe='')}"


def _readable(answer: Answer) -> None:
    """Reads the answer to a reply: empty, or an object; anything else proves nothing."""
    if answer.body.strip():
        answer.json()

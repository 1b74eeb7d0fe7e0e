"""App Store Connect: all reviews of our own app, and our replies to them.

Facts: Apple's OpenAPI document 4.4.1. A reply is an upsert (one for each review), it stays
`PENDING_PUBLISH` for a while, and reviews carry no date of change: an edit shows in the words.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import Field

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused
from earmark_core.model import Author, Item
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.appstore.options import AppStoreOptions
from earmark_listeners.contract import Batch, Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.newest_first import Page
from earmark_listeners.oauth import RenewedToken
from earmark_listeners.replying import before_sending, delivered, is_ours, taken
from earmark_listeners.signing import self_signed
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

PER_PAGE = "200"
_AUDIENCE = "appstoreconnect-v1"
_PLAIN = {
    Fault.auth: (
        "App Store Connect does not accept our key",
        "Check issuer_id, key_id and private_key, that the key was not revoked, and that the "
        "clock of this machine is right.",
    ),
    Fault.forbidden: (
        "App Store Connect forbids this",
        "The key needs the role Customer Support, App Manager or Admin; an agreement may wait "
        "for a signature in App Store Connect.",
    ),
    Fault.not_found: (
        "App Store Connect does not know this app",
        "app_id is the number of the app (Apple ID), and the key must be of the same team.",
    ),
}


class _Words(Wire):
    rating: int | None = Field(default=None, ge=1, le=5)
    title: Word = ""
    body: Word = ""
    reviewerNickname: Word = ""
    createdDate: datetime | None = None


class _ReplyWords(Wire):
    responseBody: Word = ""
    lastModifiedDate: datetime | None = None
    state: Word = ""


class _Reply(Wire):
    id: Id
    attributes: _ReplyWords = _ReplyWords()


class _Link(Wire):
    id: Id


class _Linked(Wire):
    data: _Link | None = None


class _Relations(Wire):
    response: _Linked | None = None


class _Review(Wire):
    id: Id
    attributes: _Words
    relationships: _Relations | None = None

    @property
    def reply_id(self) -> str:
        """The id of the reply that it has, "" for none."""
        linked = self.relationships.response if self.relationships else None
        return linked.data.id if linked and linked.data else ""


class _One(Wire):
    data: _Review


class _OneReply(Wire):
    data: _Reply


class Connect:
    """Reads and answers the reviews of one app of ours."""

    def __init__(self, options: AppStoreOptions, wiring: Wiring) -> None:
        grant = self_signed(
            wiring,
            lambda issued, until: {**_who(options), "iat": issued, "exp": until, "aud": _AUDIENCE},
            reference=options.private_key,
            algorithm="ES256",
            key_id=options.key_id,
        )
        tokens = RenewedToken(wiring, f"appstore {options.issuer_id} {options.key_id}", grant)
        self.api = Api(wiring.fetch, options.connect_url, tokens=tokens)
        self._options = options
        self.replies: dict[str, Item] = {}
        self._included: dict[str, _Reply] = {}

    async def page(self, token: str, _: datetime | None) -> Page:
        """Gives 200 reviews, newest first; *token* is the query of the page before's next link."""
        params = dict(parse_qsl(token)) or {"sort": "-createdDate", "limit": PER_PAGE}
        path = f"/v1/apps/{self._options.app_id}/customerReviews"
        said = await self._asked(path, {**params, "include": "response"})
        entries, said = self.api.listed(said, "data")
        self._included |= _replies_in(said)
        links = said.get("links")
        following = links.get("next") if isinstance(links, dict) else None
        # Only the query of the address is used: our token goes to no other place.
        return Page(entries, urlsplit(following).query if isinstance(following, str) else "")

    def item(self, raw: Any) -> Item:
        """Gives a review, and keeps the reply that came with it for `completed`."""
        review = read_as(_Review, raw)
        words = review.attributes
        reply = self._included.get(review.reply_id)
        if reply is not None:
            self.replies[review.id] = _own_reply(reply, review.id)
        name = words.reviewerNickname
        return Item(
            external_id=review.id,
            kind="review",
            title=words.title,
            text=words.body,
            url=f"https://appstoreconnect.apple.com/apps/{self._options.app_id}",
            uri=f"appstoreconnect:review:{review.id}",
            author=Author(name, name=name) if name else None,
            rating=words.rating,
            published_at=as_utc(words.createdDate) if words.createdDate else None,
            thread_id=review.id,
            reply_ref={"review_id": review.id},
            raw=raw_text(raw),
        )

    def completed(self, batch: Batch) -> Batch:
        """Gives the batch with our replies behind the reviews that they answer."""
        items: list[Item] = []
        for item in batch.items:
            items.append(item)
            if item.external_id in self.replies:
                items.append(self.replies[item.external_id])
        return replace(batch, items=tuple(items))

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives the review as it stands now."""
        found = await self._review(ref)
        if found is None:
            return Gone("The review is no longer in the store.")
        return Target(clean(found[0].attributes.body))

    async def send(self, reply: Outgoing) -> Sent:
        """Sends once, unless the very same reply is there; never silently over another one."""
        found = await before_sending(self._review(reply.target))
        if found is None:
            raise ReplyRefused("The review is no longer in the store.", hint="Close the case.")
        review, present = found
        if present is not None and is_ours(reply, present.attributes.responseBody, None):
            return Sent(present.id)
        if present is not None and not self._options.replace_replies:
            raise ReplyRefused(
                "The review has another reply already, which this one would replace.",
                hint="Edit it in App Store Connect, or set replace_replies for the source.",
                subject=self.api.base_url,
            )
        link = {"data": {"type": "customerReviews", "id": review.id}}
        body = {
            "type": "customerReviewResponses",
            "attributes": {"responseBody": reply.text},
            "relationships": {"review": link},
        }
        call = self.api.call("POST", "/v1/customerReviewResponses", json={"data": body})
        answer = await delivered(call, self.api.base_url, is_idempotent=True)
        return taken(lambda: Sent(_created(answer)), self.api.base_url)

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks for our reply below the review; one that waits to be published counts."""
        found = await self._review(reply.target)
        present = found[1] if found else None
        if present is None:
            return None
        words = present.attributes
        is_it = is_ours(reply, words.responseBody, words.lastModifiedDate)
        return Sent(present.id) if is_it else None

    async def _review(self, ref: Mapping[str, Any]) -> tuple[_Review, _Reply | None] | None:
        """Gives a review and its reply; None where the review is gone."""
        path = f"/v1/customerReviews/{quote(str(ref.get('review_id', '')), safe='')}"
        said = await self._found(path, {"include": "response"})
        if said is None:
            return None
        review = read_as(_One, said).data
        if not review.reply_id:
            return review, None
        present = _replies_in(said).get(review.reply_id)
        return review, present or await self._reply(review.reply_id)

    async def _reply(self, reply_id: str) -> _Reply | None:
        path = f"/v1/customerReviewResponses/{quote(reply_id, safe='')}"
        said = await self._found(path)
        return None if said is None else read_as(_OneReply, said).data

    async def _found(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        try:
            return await self._asked(path, params)
        except Rejected as error:
            if error.fault is Fault.not_found:
                return None
            raise

    async def _asked(self, path: str, params: Mapping[str, str] | None) -> Any:
        """Gives the decoded answer; a refusal is told in words that a person can act on."""
        answer = await self.api.call("GET", path, params=params)
        fault = answer.fault()
        if fault in _PLAIN:
            what, hint = _PLAIN[fault]
            says = answer.says()
            told = f"{what} (HTTP {answer.status}){f': {says}' if says else '.'}"
            raise Rejected(told, fault=fault, hint=hint, subject=self.api.base_url)
        return self.api.read(answer)


def _who(options: AppStoreOptions) -> Mapping[str, str]:
    """Gives the claim of who signs: a team's key by its issuer, an individual's by "user"."""
    return {"iss": options.issuer_id} if options.issuer_id else {"sub": "user"}


def _own_reply(reply: _Reply, review_id: str) -> Item:
    words = reply.attributes
    return Item(
        external_id=reply.id,
        kind="reply",
        text=words.responseBody,
        uri=f"appstoreconnect:response:{reply.id}",
        published_at=as_utc(words.lastModifiedDate) if words.lastModifiedDate else None,
        thread_id=review_id,
        parent_id=review_id,
        is_own=True,
    )


def _replies_in(said: Any) -> dict[str, _Reply]:
    """Gives the replies that an answer brings along, by id; one that cannot be read is left out."""
    included = said.get("included") if isinstance(said, dict) else None
    found: dict[str, _Reply] = {}
    for each in included if isinstance(included, list) else ():
        if isinstance(each, dict) and each.get("type") == "customerReviewResponses":
            try:
                reply = read_as(_Reply, each)
            except Malformed:
                continue
            found[reply.id] = reply
    return found


def _created(answer: Answer) -> str:
    return read_as(_OneReply, answer.json()).data.id

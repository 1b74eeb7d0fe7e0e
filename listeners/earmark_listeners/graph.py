"""Meta's Graph API, as Facebook and Instagram speak it: options, asking, paging.

What is easily done wrong: `paging.next` is an address with the access token in it, so that only
the place is taken from it; nearly nothing is given without `fields`; an edge with nothing in it
is left out; a page may be short or empty in the middle.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import Field

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Malformed, Rejected
from earmark_core.model import WindowState
from earmark_core.redact import register_secret
from earmark_listeners.api import Api
from earmark_listeners.contract import Batch, ChannelOptions, Wiring
from earmark_listeners.graph_errors import error_of, judge
from earmark_listeners.newest_first import Page
from earmark_listeners.oauth import FixedToken
from earmark_listeners.replying import delivered

log = logging.getLogger(__name__)

_PLACES: Final = ("after", "until", "__paging_token", "offset")


class GraphOptions(ChannelOptions):
    """What every source at Meta is told."""

    token: str = Field(
        description="access token of the account, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    app_secret: str = Field(
        default="",
        description="secret of the app, if it wants proof of it or is to deliver, as env:NAME or "
        "file:/path",
        json_schema_extra={"secret": True},
    )
    verify_token: str = Field(
        default="",
        description="what is written beside the webhook's address at Meta, as env:NAME or "
        "file:/path",
        json_schema_extra={"secret": True},
    )
    slug: str = Field(
        default="",
        max_length=80,
        pattern=r"^([a-z][a-z0-9-]*)?$",
        description="Meta delivers to /hooks/SLUG; left out: /hooks/NUMBER of the source",
    )
    login_sent_as: Literal["header", "parameter"] = Field(
        default="header", description="how the token is sent, should Meta not take the header"
    )
    base_url: str = Field(
        default="https://graph.facebook.com", pattern=r"^https?://[^/@\s]+$", description="address"
    )
    version: str = Field(
        default="v25.0",
        pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$",
        description="version of the Graph API; each lives about two years",
    )
    posts: int = Field(
        default=25, ge=1, le=100, description="newest posts below which comments are looked for"
    )
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="how far each poll looks back again, for edits"
    )
    page_size: int = Field(default=100, ge=1, le=100, description="entries per page")
    max_pages: int = Field(default=20, ge=1, le=100, description="pages per poll at most")


class Graph:
    """Asks one account's part of the Graph API."""

    def __init__(self, options: GraphOptions, wiring: Wiring) -> None:
        token = wiring.secret(options.token)
        self._url = f"{options.base_url}/{options.version}"
        self._version = options.version
        self._has_warned = False
        is_header = options.login_sent_as == "header"
        self._api = Api(wiring.fetch, self._url, tokens=FixedToken(token) if is_header else None)
        self._proof: dict[str, str] = {}
        if not is_header:
            register_secret(token)
            self._proof["access_token"] = token
        if options.app_secret:
            key = wiring.secret(options.app_secret).encode()
            proof = hmac.new(key, token.encode(), hashlib.sha256).hexdigest()
            register_secret(proof)
            self._proof["appsecret_proof"] = proof

    @property
    def api(self) -> Api:
        """Gives what asks, which knows the wait that Meta asked for."""
        return self._api

    async def get(self, path: str, **params: str) -> Mapping[str, Any]:
        """Gives an object; raises what Meta's error means."""
        answer = await self._api.call("GET", path, params=params | self._proof)
        self._notice(answer.headers.get("facebook-api-version", self._version))
        error = error_of(answer, self._url)
        if error is not None:
            raise error
        said = self._api.read(answer)
        if not isinstance(said, dict):
            raise Malformed("The answer is no object.", subject=self._url)
        return said

    async def page(self, path: str, following: str = "", **params: str) -> Page:
        """Gives a page of an edge; *following* is what the page before named."""
        place = dict(parse_qsl(following))
        entries, said = self._api.listed(await self.get(path, **params, **place), "data")
        return Page(entries, following_of(said))

    def _notice(self, served: str) -> None:
        """Says once that Meta serves another version: it does so silently when ours has ended."""
        if served == self._version or self._has_warned:
            return
        self._has_warned = True
        log.warning(
            "Meta answers with another version of its API than was asked for; set version",
            extra={"asked": self._version, "served": served[:20], "subject": self._url},
        )

    async def post(self, path: str, params: Mapping[str, str], **form: str) -> Answer:
        """Hands a reply over; raises as `delivered` does, and what Meta means by its codes."""
        call = self._api.call("POST", path, params={**params, **self._proof}, data=form)
        return await delivered(call, self._url, judge=judge)


def following_of(said: Mapping[str, Any]) -> str:
    """Gives what asks for the page after this one, "" if it is the last; never the address."""
    paging = said.get("paging")
    onward = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(paging, dict) or not isinstance(onward, str) or not onward:
        return ""
    kept = [(k, v) for k, v in parse_qsl(urlsplit(onward).query) if k in _PLACES and v]
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if not kept and isinstance(after, str) and after:
        kept = [("after", after)]
    if not kept:
        raise Malformed("There is a next page, but nothing says where.")
    return urlencode(kept)


def edge_of(entry: Any, name: str) -> Page:
    """Gives the first page of an edge that came inside an entry; left out, it is empty."""
    edge = entry.get(name) if isinstance(entry, dict) else None
    if edge is None:
        return Page([])
    found = edge.get("data") if isinstance(edge, dict) else None
    if not isinstance(found, list):
        raise Malformed(f"{name}: it is no list")
    return Page(found, following_of(edge))


@dataclass
class Below:
    """Reads on below posts whose first pages came inside them, down to a floor.

    `when` gives an entry's moment; `left` is how many pages may still be asked for. A post that
    has gone meanwhile is passed over. `unread` holds, for each edge that was left before the
    floor, the earliest moment that was read.
    """

    graph: Graph
    when: Callable[[Any], datetime | None]
    floor: datetime | None
    left: int
    unread: MutableSequence[datetime | None] = field(default_factory=list)

    def told(self, batch: Batch) -> Batch:
        """Gives a page of items that says what was left unread below the posts."""
        if not self.note:
            return batch
        return replace(
            batch, state=WindowState.truncated, note=self.note, covers_from=self.covers_from
        )

    async def all_of(self, path: str, first: Page, **params: str) -> list[Any]:
        """Gives the entries of the edge at *path*, of which the first page is there."""
        entries, page = list(first.entries), first
        passed = {""}
        while self.floor is not None and page.following and not self._is_past(page):
            if self.left == 0 or page.following in passed:
                moments = [m for m in map(self.when, entries) if m is not None]
                self.unread.append(min(moments, default=None))
                break
            self.left -= 1
            passed.add(page.following)
            try:
                page = await self.graph.page(path, page.following, **params)
            except Rejected as error:
                if error.fault is Fault.not_found:
                    break
                raise
            entries.extend(page.entries)
        return entries

    @property
    def note(self) -> str:
        """Says in words that not all was read, "" if it was."""
        count = len(self.unread)
        return f"below {count} of the posts not all comments were read" if count else ""

    @property
    def covers_from(self) -> datetime | None:
        """Gives from when on all was read."""
        return max((m for m in self.unread if m is not None), default=None)

    def _is_past(self, page: Page) -> bool:
        """Tells whether what follows is older than the floor: only where the newest come first."""
        moments = [self.when(entry) for entry in page.entries]
        known = [as_utc(moment) for moment in moments if moment is not None]
        if self.floor is None or not known or len(known) < len(moments):
            return False
        return known == sorted(known, reverse=True) and known[-1] < self.floor

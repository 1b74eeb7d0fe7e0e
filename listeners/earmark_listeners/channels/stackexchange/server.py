"""The API of Stack Exchange: its wrapper, its errors, its quota and its `backoff`.

Every answer is gzip, errors included; the fetcher unpacks it. Nearly every error comes with HTTP
400 and says what it is by `error_id` alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.clock import Clock
from earmark_core.errors import Fault, ListenerError, Rejected, Unavailable
from earmark_core.redact import register_secret
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.stackexchange.options import StackExchangeOptions
from earmark_listeners.contract import Wiring

PER_CALL: Final = 100
_MOST_PAGES: Final = 5
_LOGINS: Final = frozenset((401, 402, 403, 405, 406))
_TROUBLE: Final = frozenset((500, 503))
_BAD_PARAMETER: Final = 400


class Server:
    """Asks about one site; `pause` is what the API asked us to wait before the next poll."""

    def __init__(self, options: StackExchangeOptions, wiring: Wiring) -> None:
        self._api = Api(wiring.fetch, options.base_url)
        self._clock: Clock = wiring.clock
        self._memory = wiring.memory
        self._common = {"site": options.site}
        if options.key:
            self._common["key"] = options.key
        if options.access_token:
            token = wiring.secret(options.access_token)
            register_secret(token)
            self._common["access_token"] = token
        self._is_known = bool(options.access_token)
        self._own_id = options.own_user_id
        self._me = f"stackexchange me {options.site} {options.access_token}"
        self.pause: timedelta | None = None
        self.is_short = False

    async def page(self, path: str, **params: str) -> tuple[Sequence[Any], bool]:
        """Gives the items of a page, with their bodies, and whether there are more."""
        query = {**self._common, "filter": "withbody", **params}
        answer = await self._api.call("GET", path, params=query)
        raise_for(answer, self._api.base_url)
        items, said = self._api.listed(self._api.read(answer), "items")
        self.pause = self._api.pause or self.pause
        if said.get("quota_remaining") == 0:
            self.pause = _until_midnight(self._clock())
        return items, said.get("has_more") is True

    async def all(self, path: str, **params: str) -> list[Any]:
        """Gives the items of all pages, the first 500; `is_short` says that there were more.

        Raises `Unavailable` where the API asks us to wait in the middle of them.
        """
        found: list[Any] = []
        for number in range(1, _MOST_PAGES + 1):
            items, has_more = await self.page(
                path, page=str(number), pagesize=str(PER_CALL), **params
            )
            found.extend(items)
            if not has_more or not items:
                return found
            if self.pause is not None:
                raise Unavailable(
                    "Stack Exchange asked us to wait in the middle of a list.",
                    retry_after=self.pause,
                    rate_limited=True,
                    subject=self._api.base_url,
                )
        self.is_short = True
        return found

    async def below(self, posts: Sequence[str], what: str, **params: str) -> list[Any]:
        """Gives what stands below posts: /questions/…/answers, /posts/…/comments."""
        kind = "questions" if what == "answers" else "posts"
        found: list[Any] = []
        for at in range(0, len(posts), PER_CALL):
            some = ";".join(posts[at : at + PER_CALL])
            found += await self.all(f"/{kind}/{some}/{what}", **params)
        return found

    async def write(self, path: str, body: str) -> Answer:
        """Gives the answer to a form that writes *body*, whatever it is."""
        form = {**self._common, "filter": "withbody", "body": body}
        return await self._api.call("POST", path, data=form)

    async def own_id(self) -> str:
        """Gives our user's number on the site, asked for once; "" without a token."""
        if self._own_id or not self._is_known:
            return self._own_id
        known = self._memory.get(self._me)
        if not isinstance(known, str):
            items, _ = await self.page("/me")
            first = items[0] if items and isinstance(items[0], dict) else {}
            known = self._memory[self._me] = str(first.get("user_id") or "")
        return known


def error_of(answer: Answer) -> tuple[int, str]:
    """Gives the API's own number of an error and its words; (0, "") if there is none."""
    try:
        said = answer.json()
    except ListenerError:
        return 0, ""
    number = said.get("error_id") if isinstance(said, dict) else None
    if not isinstance(number, int):
        return 0, ""
    words = said.get("error_message") or said.get("error_name") or ""
    return number, clean(str(words), limit=200).rstrip(".")


def raise_for(answer: Answer, subject: str) -> None:
    """Raises what an `error_id` means where the HTTP status does not say it."""
    number, words = error_of(answer)
    if number in _LOGINS:
        raise refused_login(words, subject)
    if number in _TROUBLE:
        raise Unavailable(f"Stack Exchange cannot answer now: {words}.", subject=subject)
    if number == _BAD_PARAMETER:
        raise Rejected(
            f"Stack Exchange does not take the request: {words}.",
            fault=Fault.invalid,
            hint="Check site, tagged and key.",
            subject=subject,
        )


def refused_login(words: str, subject: str) -> Rejected:
    """Gives the error for a key or token that is not good."""
    return Rejected(
        f"Stack Exchange does not accept the key or the access token: {words}.",
        fault=Fault.auth,
        hint="Make a new token with write_access and no_expiry, for the same key.",
        subject=subject,
    )


def _until_midnight(now: datetime) -> timedelta:
    """Gives the time until the day's quota is given anew (midnight UTC)."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return tomorrow - now

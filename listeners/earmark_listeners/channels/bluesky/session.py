"""Who we are on Bluesky: one session for all sources of an account, and the server it lives on.

A session is asked for once and renewed after that: an account may log in 300 times a day. What is
refused is told by its name, not by its status: `ExpiredToken` comes as 400 from the account's own
server and as 401 from behind it.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from earmark_core.answer import Answer
from earmark_core.errors import Fault, ListenerError, Rejected
from earmark_core.redact import register_secret
from earmark_listeners.api import Api
from earmark_listeners.channels.bluesky.options import BlueskyOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import Granted, RenewedToken, lifetime
from earmark_listeners.replying import before_sending
from earmark_listeners.wire import Id, Wire, Word, read_as

_LOGIN = "/xrpc/com.atproto.server.createSession"
_RENEWAL = "/xrpc/com.atproto.server.refreshSession"
_HOW_TO_GET_IN = "Make an app password in Bluesky's settings, and give it as the password."
_WRONG_PASSWORD = f"Check identifier. {_HOW_TO_GET_IN}"
_HINTS = {
    "AuthFactorTokenRequired": f"The account asks for a second factor. {_HOW_TO_GET_IN}",
    "AccountTakedown": "Bluesky has taken the account down; ask its support.",
    "AccountDeactivated": "Log in to Bluesky and activate the account.",
}


class _Session(Wire):
    access: str = Field(alias="accessJwt", min_length=1)
    refresh: Word = Field(default="", alias="refreshJwt")
    did: Id
    doc: dict[str, Any] | None = Field(default=None, alias="didDoc")
    active: bool | None = None
    status: Word = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Our account: its id, and the server that holds it and is asked everything."""

    did: str
    server: str


class Home:
    """The account's own server, asked in the account's name.

    `pause` is the wait that it last asked for.
    """

    def __init__(self, options: BlueskyOptions, wiring: Wiring) -> None:
        self._options = options
        self._wiring = wiring
        self._key = f"bluesky {options.base_url} {options.identifier.casefold()}"
        self._tokens = RenewedToken(wiring, self._key, self._grant)
        self._api: Api | None = None

    @property
    def pause(self) -> timedelta | None:
        """Gives the wait that was asked for meanwhile."""
        return self._api.pause if self._api else None

    async def account(self) -> Account:
        """Gives who we are; logs in if that was not done yet."""
        await self._tokens.token()
        found: Account = self._wiring.memory[f"account {self._key}"]
        return found

    async def call(self, method: str, name: str, **more: Any) -> Answer:
        """Gives the answer to the call of that name, whatever its status.

        What our server does not hold itself, it asks of the AppView for us.
        """
        api = await self._opened()
        if self._options.appview and name.startswith("app.bsky."):
            more["headers"] = {"atproto-proxy": self._options.appview}
        return await api.call(method, f"/xrpc/{name}", **more)

    async def get(self, name: str, params: Mapping[str, Any]) -> Any:
        """Gives the decoded answer; raises a `ListenerError` for any but a success."""
        answer = await self.call("GET", name, params=params)
        return (await self._opened()).read(answer)

    async def listed(self, name: str, params: Mapping[str, Any], key: str) -> "Listed":
        """Gives the list under *key*, and all of the answer."""
        return (await self._opened()).listed(await self.get(name, params), key)

    async def _opened(self) -> Api:
        server = (await self.account()).server
        if self._api is None or self._api.base_url != server:
            self._api = Api(self._wiring.fetch, server, tokens=self._tokens)
        return self._api

    async def _grant(self, held: Granted | None) -> Granted:
        """Renews the session; logs in where there is none, or none that can be renewed."""
        fetch, base_url = self._wiring.fetch, self._options.base_url
        if held is not None and held.refresh:
            try:
                renewal = fetch.request("POST", f"{base_url}{_RENEWAL}", secret=held.refresh)
                return await self._taken_in(renewal)
            except Rejected as error:
                if error.fault is not Fault.auth:
                    raise
        secret = self._wiring.secret(self._options.password)
        register_secret(secret)
        who = {"identifier": self._options.identifier, "password": secret}
        return await self._taken_in(fetch.request("POST", f"{base_url}{_LOGIN}", json=who))

    async def _taken_in(self, request: Awaitable[Answer]) -> Granted:
        """Remembers whose session it is; only a session was asked for, so nothing is in doubt."""
        answer = await before_sending(request)
        base_url = self._options.base_url
        if answer.fault() in (Fault.auth, Fault.invalid):
            raise _not_let_in(answer, base_url)
        session = read_as(_Session, answer.checked(base_url).json())
        for secret in (session.access, session.refresh):
            register_secret(secret)
        if session.active is False:
            raise Rejected(
                f"The account is not active ({session.status or 'no reason is given'}).",
                fault=Fault.auth,
                hint="Log in to Bluesky and see what it says.",
                subject=base_url,
            )
        account = Account(session.did, _server_in(session.doc, base_url))
        self._wiring.memory[f"account {self._key}"] = account
        until = self._wiring.clock() + _lifetime_of(session.access)
        return Granted(session.access, until, session.refresh)


Listed = tuple[Sequence[Any], Mapping[str, Any]]


def name_of(answer: Answer) -> str:
    """Gives the name of what is wrong, "" if the answer names nothing."""
    try:
        said = answer.json()
    except ListenerError:
        return ""
    name = said.get("error") if isinstance(said, dict) else ""
    return name if isinstance(name, str) else ""


def _not_let_in(answer: Answer, subject: str) -> Rejected:
    says = answer.says()
    detail = f": {says.rstrip('.')}" if says else ""
    return Rejected(
        f"We cannot log in (HTTP {answer.status}){detail}.",
        fault=Fault.auth,
        hint=_HINTS.get(name_of(answer), _WRONG_PASSWORD),
        subject=subject,
    )


def _server_in(doc: Mapping[str, Any] | None, base_url: str) -> str:
    """Gives the account's own server as its document names it, else where it logged in.

    Never from https to http: the session is sent there.
    """
    services = (doc or {}).get("service")
    for service in services if isinstance(services, list) else ():
        if not isinstance(service, dict) or not str(service.get("id")).endswith("#atproto_pds"):
            continue
        try:
            parts = urlsplit(str(service.get("serviceEndpoint")))
            is_fit = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            continue
        if is_fit and parts.scheme in {"https", urlsplit(base_url).scheme}:
            return f"{parts.scheme}://{parts.netloc}"
    return base_url


def _lifetime_of(token: str) -> timedelta:
    """Gives how long to use a token, from the times in it: the two are of one clock."""
    import jwt  # here, not above: it takes 9 MB, and most installations are not on Bluesky

    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return lifetime(float(claims["exp"]) - float(claims["iat"]))
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return lifetime(None)

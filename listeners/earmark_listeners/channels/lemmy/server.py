"""One Lemmy server, asked with or without an account."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from earmark_core.answer import Answer
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected
from earmark_core.redact import register_secret
from earmark_listeners.api import Api
from earmark_listeners.channels.lemmy.options import LemmyOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import FixedToken, Granted, NoToken, RenewedToken, TokenSource
from earmark_listeners.replying import before_sending

API = "/api/v3"
_GOOD_FOR = timedelta(days=30)  # a login does not run out; one that was ended is refused
_SECOND_FACTOR = "missing_totp_token"


class Server:
    """Asks one server; remembers who we are there."""

    def __init__(self, options: LemmyOptions, wiring: Wiring) -> None:
        self.base_url = options.base_url
        self.has_account = bool(options.username or options.token)
        self._options = options
        self._wiring = wiring
        self._key = f"lemmy {options.base_url} {options.username.casefold() or options.token}"
        self.api = Api(wiring.fetch, options.base_url, tokens=self._tokens())

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        """Gives the answer whatever its status."""
        return await self.api.call(method, f"{API}{path}", **more)

    async def get(self, path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gives the object that is answered; raises a `ListenerError` for any but a success."""
        said = await self.api.get(f"{API}{path}", params)
        if not isinstance(said, dict):
            raise Malformed("The answer is no object.", subject=self.base_url)
        return said

    async def listed(
        self, path: str, params: Mapping[str, Any], *keys: str
    ) -> tuple[Sequence[Any], ...]:
        """Gives the lists under *keys*, which all have to be there."""
        said = await self.get(path, params)
        return tuple(self.api.listed(said, key)[0] for key in keys)

    async def own_id(self) -> str:
        """Gives our account's id on this server; "" without one."""
        if not self.has_account:
            return ""
        known = f"account {self._key}"
        if known not in self._wiring.memory:
            found: Any = await self.get("/site", {})
            for key in ("my_user", "local_user_view", "person", "id"):
                found = found.get(key) if isinstance(found, dict) else None
            if not isinstance(found, int):
                self._stranger()
            self._wiring.memory[known] = str(found)
        own: str = self._wiring.memory[known]
        return own

    def _stranger(self) -> NoReturn:
        """Raises for a login that the server passes over without a word."""
        raise Rejected(
            "The server does not know who we are.",
            fault=Fault.auth,
            hint="Log in anew: give username and password, or a new token.",
            subject=self.base_url,
        )

    def _tokens(self) -> TokenSource:
        if self._options.token:
            return FixedToken(self._wiring.secret(self._options.token))
        if self._options.username:
            return RenewedToken(self._wiring, self._key, self._login)
        return NoToken()

    async def _login(self, _: Granted | None) -> Granted:
        secret = self._wiring.secret(self._options.password)
        register_secret(secret)
        body = {"username_or_email": self._options.username, "password": secret}
        url = f"{self.base_url}{API}/user/login"
        answer = await before_sending(self._wiring.fetch.request("POST", url, json=body))
        if answer.fault() in (Fault.auth, Fault.invalid, Fault.not_found, Fault.forbidden):
            raise _not_let_in(answer, self.base_url)
        said = answer.checked(self.base_url).json()
        token = said.get("jwt") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token:
            raise Rejected(
                "The server lets us in only later: the account is not confirmed yet.",
                fault=Fault.auth,
                hint="Confirm its mail address, or wait until the server's people accept it.",
                subject=self.base_url,
            )
        return Granted(token, self._wiring.clock() + _GOOD_FOR)


def name_of(answer: Answer) -> str:
    """Gives the name of what is wrong, "" if the answer names nothing."""
    try:
        said = answer.json()
    except ListenerError:
        return ""
    name = said.get("error") if isinstance(said, dict) else ""
    return name if isinstance(name, str) else ""


def _not_let_in(answer: Answer, subject: str) -> Rejected:
    name = name_of(answer)
    hint = "Check username and password."
    if name == _SECOND_FACTOR:
        hint = "The account asks for a second factor: give a token in place of the password."
    detail = f": {name}" if name else ""
    return Rejected(
        f"We cannot log in (HTTP {answer.status}){detail}.",
        fault=Fault.auth,
        hint=hint,
        subject=subject,
    )

"""Access tokens: asked for, renewed one at a time, and put back where the platform rotates them.

What is secret comes by reference and is read anew for each renewal, so that a token which another
source has rotated meanwhile is the one that is used.
"""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from earmark_core.answer import Answer
from earmark_core.errors import (
    Fault,
    Interrupted,
    ListenerError,
    Malformed,
    Rejected,
    Unavailable,
)
from earmark_core.redact import register_secret
from earmark_listeners.contract import Wiring

log = logging.getLogger(__name__)

EARLY: Final = timedelta(seconds=60)
_KEPT: Final = ("file:", "keyring:")
"""Where a refresh token that was replaced can be put."""
_UNSAID: Final = timedelta(minutes=30)
_SHORTEST: Final = timedelta(seconds=1)


class TokenSource(Protocol):
    """Where a channel's bearer token comes from."""

    async def token(self) -> str:
        """Gives a token that is good for the next minute; "" for none."""
        ...

    async def renewed(self, stale: str) -> str:
        """Gives another token than *stale*, which was refused; the same one if there is none."""
        ...


class NoToken:
    """Asks without a token."""

    async def token(self) -> str:
        """Gives none."""
        return ""

    async def renewed(self, stale: str) -> str:
        """Gives none either."""
        return stale


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that a person made and that does not run out by itself."""

    value: str

    async def token(self) -> str:
        """Gives it."""
        return self.value

    async def renewed(self, stale: str) -> str:
        """Gives the same: only a person can make another."""
        return stale


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token endpoint gave; `until` is when it must be renewed, a minute early."""

    access: str
    until: datetime
    refresh: str = ""


Grant = Callable[[Granted | None], Awaitable[Granted]]
"""Asks for a new token, handed the last one; `Rejected` where a person must connect again."""


class RenewedToken:
    """A token that runs out; `grant` is called for a new one, never twice at the same time.

    Kept in `wiring.memory` under *key*, so that polls share it. *grant* is handed what was
    granted last, None for the first time.
    """

    def __init__(self, wiring: Wiring, key: str, grant: Grant) -> None:
        self._wiring = wiring
        self._key = f"token {key}"
        self._grant = grant
        self._turn: asyncio.Lock = wiring.memory.setdefault(f"turn {key}", asyncio.Lock())

    async def token(self) -> str:
        """Gives the token, a new one a minute before the old one runs out."""
        held = self._held()
        if held is None or self._wiring.clock() >= held.until:
            held = await self._renew(held.access if held else "")
        return held.access

    async def renewed(self, stale: str) -> str:
        """Gives a new one, unless somebody renewed it since *stale* was taken."""
        return (await self._renew(stale)).access

    async def _renew(self, stale: str) -> Granted:
        async with self._turn:
            held = self._held()
            is_good = held is not None and self._wiring.clock() < held.until
            if held is not None and is_good and held.access != stale:
                return held
            granted = await self._grant(held)
            register_secret(granted.access)
            self._wiring.memory[self._key] = granted
            return granted

    def _held(self) -> Granted | None:
        held = self._wiring.memory.get(self._key)
        return held if isinstance(held, Granted) else None


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where tokens are given: its address, and who asks.

    *basic* is (client id, client secret) for platforms that want them in the header; others want
    them in *form*, which goes along with each request. *headers* do, too (a User-Agent).
    """

    wiring: Wiring
    url: str
    subject: str
    basic: tuple[str, str] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None

    async def ask(self, **form: str) -> Granted:
        """Gives what is granted for *form*.

        Raises `Rejected` with `Fault.auth` for a refusal, `Unavailable` for what passes.
        """
        headers = {"Accept": "application/json", **(self.headers or {})}
        if self.basic is not None:
            user, password = self.basic
            register_secret(password)
            pair = b64encode(f"{user}:{password}".encode()).decode()
            register_secret(pair)
            headers["Authorization"] = f"Basic {pair}"
        for name in ("refresh_token", "password", "assertion"):
            register_secret(form.get(name, ""))
        try:
            answer = await self.wiring.fetch.request(
                "POST", self.url, headers=headers, data={**(self.form or {}), **form}
            )
            return self._granted(answer)
        except Interrupted as error:  # only a token was asked for: nothing of ours was sent
            raise Unavailable(
                error.message,
                retry_after=error.retry_after,
                hint=error.hint,
                subject=self.subject,
            ) from None

    def _granted(self, answer: Answer) -> Granted:
        try:
            said = answer.checked(self.subject).json()
        except Rejected as error:
            raise refused_login(self.subject, error) from None
        access = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(access, str) or not access:
            # Reddit refuses a login with 200 and {"error": ...}.
            if isinstance(said, dict) and said.get("error"):
                said_why = Rejected(f"It says: {answer.says()}.")
                raise refused_login(self.subject, said_why)
            raise Malformed("The answer holds no access token.", subject=self.subject)
        refresh = said.get("refresh_token")
        until = self.wiring.clock() + lifetime(said.get("expires_in"))
        return Granted(access, until, refresh if isinstance(refresh, str) else "")


def lifetime(seconds: object) -> timedelta:
    """Gives how long to use a token that is good for *seconds*: a minute less; unsaid, 30 min."""
    try:
        said = timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError):
        return _UNSAID
    return max(said - EARLY, _SHORTEST)


def refused_login(subject: str, error: ListenerError | None) -> Rejected:
    """Gives the error for an account that a person must connect again."""
    detail = f" {error.message}" if error else ""
    return Rejected(
        f"We are not let in any more.{detail}",
        fault=Fault.auth,
        hint="Connect the account again.",
        subject=subject,
    )


def client_credentials(endpoint: TokenEndpoint, **form: str) -> Grant:
    """Gives the grant for a program's own account."""

    async def grant(_: Granted | None) -> Granted:
        return await endpoint.ask(grant_type="client_credentials", **form)

    return grant


def password(endpoint: TokenEndpoint, username: str, secret: Callable[[], str]) -> Grant:
    """Gives the grant for a script that logs in as a person (Reddit)."""

    async def grant(_: Granted | None) -> Granted:
        return await endpoint.ask(grant_type="password", username=username, password=secret())

    return grant


def refresh_token(endpoint: TokenEndpoint, reference: str, **form: str) -> Grant:
    """Gives the grant by a refresh token that stands behind *reference*.

    A platform that rotates gives a new one with each renewal. It is put behind the reference
    before the access token is used; where that cannot be done (`env:`), it is kept for as long as
    this process lives, and the log says so.
    """

    async def grant(held: Granted | None) -> Granted:
        wiring = endpoint.wiring
        present = wiring.secret(reference)
        kept = held.refresh if held else ""
        used = kept if kept and not reference.startswith(_KEPT) else present
        try:
            granted = await endpoint.ask(grant_type="refresh_token", refresh_token=used, **form)
        except Rejected as error:
            raise _lost(endpoint.subject, reference, error) from None
        if granted.refresh and granted.refresh != used:
            register_secret(granted.refresh)
            if not wiring.keep(reference, granted.refresh):
                log.warning(
                    "the platform replaced the refresh token and it cannot be kept; "
                    "hold it in a file or a keyring to survive a restart",
                    extra={"subject": endpoint.subject, "reference": reference},
                )
        return granted if granted.refresh else Granted(granted.access, granted.until, kept)

    return grant


def _lost(subject: str, reference: str, error: Rejected) -> Rejected:
    hint = "Connect the account again."
    if not reference.startswith(_KEPT):
        hint += " If the platform replaces the refresh token, hold it as file:/path."
    return Rejected(error.message, fault=Fault.auth, hint=hint, subject=subject)

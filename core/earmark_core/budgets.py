"""Whom we may ask, and how often: a wait for each host and account, a count for each quota.

What a host asks of one source is owed by all: while it wants to be left alone, nobody here asks it
anything in that account's name. Only a daily quota that is used up holds no more than the path
that said so: Google counts searches apart, and comments are still to be heard. Both are rows
(table `budget`), so that they outlive a restart and hold for every process. An account is told
apart by a digest of what it logs in with; a token that is renewed counts as another account, which
costs a host one request too many at most.

A budget is courtesy, and never stands in the way: what a database in trouble cannot tell or keep
of a host's wait is not waited for.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from urllib.parse import parse_qsl

from earmark_core.address import destination
from earmark_core.budget_rows import HOST, QUOTA, Rows, RowsInMemory, StoredRows
from earmark_core.budget_words import plain_moment, shown_host
from earmark_core.errors import Held, StoreError, Unavailable
from earmark_core.rate_signal import DAILY
from earmark_core.rates import Spoken, is_limit, may_tell, pause_after, signal_of
from earmark_core.redact import names_a_secret
from earmark_core.store import Store

log = logging.getLogger(__name__)

REFRESH: Final = timedelta(seconds=5)
"""How late one process may learn what a host asked of another."""
UNSAID: Final = timedelta(seconds=60)
"""The wait after a "slower" that names no time: as long as the shortest interval of a source."""
_LENGTH: Final = 8  # 32 bits tell the accounts at one host apart, and prove no guess at a secret


class Address(Protocol):
    """As much of a URL as is needed; its query also tells an account where a key stands in it."""

    @property
    def scheme(self) -> str:
        """In small letters."""
        ...

    @property
    def host(self) -> str:
        """A name or an address."""
        ...

    @property
    def port(self) -> int | None:
        """None is the scheme's own."""
        ...

    @property
    def path(self) -> str:
        """Without its query."""
        ...

    @property
    def query(self) -> bytes:
        """As it is sent."""
        ...


class Request(Protocol):
    """As much of a request as is needed to know whom it asks, and as whom."""

    @property
    def url(self) -> Address:
        """Where it goes."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Found without regard to case."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """So many calls (or posts, searches) in a day or a month, over all sources that share it.

    `unit` names in the plural what is counted, `owner` tells one project or account from another:
    never a secret itself, but `digest` of one. `renews` gives from the present moment when
    counting begins anew.
    """

    platform: str
    owner: str
    cap: float
    unit: str
    renews: Callable[[datetime], datetime]
    hint: str = ""

    @property
    def key(self) -> str:
        """Gives what its row is found by."""
        return f"{QUOTA}{self.platform} {self.unit} {self.owner}"


class Budgets:
    """The waits and counts of an installation; without a store, of this process alone.

    May be shared by event loops and threads.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._rows: Rows = RowsInMemory() if store is None else StoredRows(store)
        self._held: dict[str, dict[str, datetime]] = {}
        self._read_at: datetime | None = None
        # Here and not at the first request: those made beside it would not know yet.
        self._read(None)

    async def refuse_if_held(self, request: Request, now: datetime) -> None:
        """Raises `Held` while the host wants to be left alone by this account."""
        if self._read_at is None or not timedelta() <= now - self._read_at < REFRESH:
            self._read_at = now
            await asyncio.to_thread(self._read, now)
        if not self._held:
            return
        host = _host_of(request.url)
        waits = self._held.get(host)
        if not waits:
            return
        account = account_of(request)
        until = max(waits.get(account, now), waits.get(_place(account, request.url), now))
        if until > now:
            raise Held(
                f"{shown_host(host)} asked us to wait until {plain_moment(until, now)}.",
                retry_after=until - now,
                rate_limited=True,
                hint="It was not asked again; listening goes on by itself.",
            )

    async def hear(self, request: Request, answer: Spoken) -> None:
        """Takes in what an answer asks of us: from now on the host is left alone that long."""
        asked = wait_asked(answer)
        if asked is None or answer.received_at is None:
            return
        host, whom = _host_of(request.url), account_of(request)
        if asked.is_daily:
            whom = _place(whom, request.url)
        until = answer.received_at + asked.wait
        waits = self._held.setdefault(host, {})
        known = waits.get(whom)
        if known is not None and known >= until:
            return
        waits[whom] = until
        key = f"{HOST}{host} {whom}".rstrip()
        await asyncio.to_thread(self._hold, key, until, answer.status, answer.received_at)

    async def spend(self, quota: Quota, n: float = 1, *, now: datetime) -> float:
        """Takes *n* from a quota and gives how much of it is used; all or nothing.

        Raises `Unavailable` until it renews where less than *n* is left. Take before asking: what
        is lost in a crash then counts as used, and no cap is passed.
        """
        used, renews_at = await self._counted(quota, n, now, may_pass=False)
        if used is None:
            left = max(renews_at - now, timedelta(seconds=1))
            raise Unavailable(
                f"The {quota.cap:,.0f} {quota.unit} are used up; "
                f"there are more from {plain_moment(renews_at, now)}.",
                retry_after=left,
                rate_limited=True,
                hint=quota.hint,
                subject=quota.platform,
            )
        return used

    async def count(self, quota: Quota, n: float, *, now: datetime) -> float:
        """Counts *n* that was used already, beyond the cap if need be; gives how much is used."""
        used, _ = await self._counted(quota, n, now, may_pass=True)
        return used or 0.0

    async def used(self, quota: Quota, *, now: datetime) -> float:
        """Gives how much of a quota is used since it last renewed."""
        row = await asyncio.to_thread(self._rows.find, quota.key)
        if row is None or row.renews_at is None or row.renews_at <= now:
            return 0.0
        return row.used

    async def _counted(
        self, quota: Quota, n: float, now: datetime, *, may_pass: bool
    ) -> tuple[float | None, datetime]:
        renews_at = quota.renews(now)
        used = await asyncio.to_thread(
            self._rows.count, quota.key, n, cap=quota.cap, renews_at=renews_at,
            unit=quota.unit, now=now, may_pass=may_pass,
        )  # fmt: skip
        return used, renews_at

    def _read(self, now: datetime | None) -> None:
        try:
            found = self._rows.held(now)
        except StoreError as error:
            log.warning("what hosts asked of us could not be read: %s", error)
            return
        for key, until in found.items():
            host, _, whom = key.removeprefix(HOST).partition(" ")
            waits = self._held.setdefault(host, {})
            waits[whom] = max(until, waits.get(whom, until))
        if now is not None:
            self._forget(now)

    def _forget(self, now: datetime) -> None:
        for host, waits in list(self._held.items()):
            for whom, until in list(waits.items()):
                if until <= now:
                    waits.pop(whom, None)
            if not waits:
                self._held.pop(host, None)

    def _hold(self, key: str, until: datetime, status: int, now: datetime) -> None:
        try:
            self._rows.hold(key, until, reason=f"HTTP {status}", now=now)
        except StoreError as error:
            log.warning("what a host asked of us could not be kept: %s", error)


@dataclass(frozen=True, slots=True)
class Asked:
    """How long a host wants to be left alone; `is_daily` by a quota of the day."""

    wait: timedelta
    is_daily: bool = False


def wait_asked(answer: Spoken) -> Asked | None:
    """Gives how long an answer asks us to leave the host alone, None for most answers.

    By a refusal that means "slower", by a `Retry-After` with any other status but a redirect's,
    or by a limit of which nothing is left.
    """
    if 300 <= answer.status < 400 and answer.status != 304:
        return None
    if answer.status < 400 and not may_tell(answer.headers):
        return None
    signal = signal_of(answer)
    if answer.status >= 400 and is_limit(answer):
        wait: timedelta | None = signal.wait(answer.received_at) or UNSAID
    else:
        wait = pause_after(signal, answer.received_at)
    return None if wait is None else Asked(wait, signal.scope == DAILY)


def digest(secret: str) -> str:
    """Gives a short mark that tells one secret from another and does not give it away."""
    found = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    return found[:_LENGTH] if secret else ""


def account_of(request: Request) -> str:
    """Gives a mark of what a request logs in with, by headers or in its address; "" for nobody."""
    parts = [
        f"{name}={value}"
        for pairs in (request.headers.items(), parse_qsl(request.url.query.decode("latin-1")))
        for name, value in pairs
        if names_a_secret(name)
    ]
    return digest("\n".join(sorted(parts)))


def _place(account: str, url: Address) -> str:
    return f"{account} {url.path}"


def _host_of(url: Address) -> str:
    return destination(url.scheme, url.host, url.port)

"""What a source says of its limits, in whatever form it says so.

Platforms mean five different things by "reset" and hide a used-up quota behind statuses from 200
to 503. Everything is brought to one `RateSignal`; nothing else reads such a header.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

from earmark_core.clock import as_utc
from earmark_core.rate_bodies import (
    is_count,
    is_limit_in,
    is_stale_login_in,
    objects,
    signal_in,
)
from earmark_core.rate_signal import RateSignal

__all__ = ["RateSignal", "is_limit", "is_stale_login", "pause_after", "signal_of"]


_SECONDS = re.compile(r"\d{1,18}(?:\.\d{1,9})?", re.ASCII)
_RESETS: Final = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LEFT: Final = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_SCOPES: Final = ("x-ratelimit-resource", "x-ratelimit-scope", "x-ratelimit-bucket")
_APPLE_LEFT = re.compile(r"user-hour-rem:\s*(-?\d{1,9})", re.ASCII)
_META_USAGE: Final = (
    "x-app-usage",
    "x-page-usage",
    "x-business-use-case-usage",
    "x-ad-account-usage",
)
_META_SHARES: Final = ("call_count", "total_time", "total_cputime", "acc_id_util_pct")
_TELLING: Final = frozenset(
    (*_RESETS, *_LEFT, *_META_USAGE, "retry-after", "x-rate-limit")
)  # fmt: skip
_LARGEST_BODY: Final = 100_000


class Spoken(Protocol):
    """As much of an answer as is needed to hear what it says of limits."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Found without regard to case."""
        ...

    @property
    def body(self) -> bytes:
        """As it was unpacked."""
        ...

    @property
    def received_at(self) -> datetime | None:
        """What moments are measured against."""
        ...


def signal_of(answer: Spoken, said: object = None) -> RateSignal:
    """Gives what *answer* says of limits, by its headers and by its body.

    *said* is the decoded body, where the caller has it; the body of a refusal is read here.
    """
    body = _decoded(answer) if said is None and answer.status >= 400 else said
    by_body = signal_in(body, answer.status, answer.received_at)
    by_header = _of_headers(answer)
    after = by_header.retry_after_seconds
    return RateSignal(
        remaining=by_header.remaining if by_body.remaining is None else by_body.remaining,
        reset_at=by_body.reset_at or by_header.reset_at,
        retry_after_seconds=by_body.retry_after_seconds if after is None else after,
        scope=by_body.scope or by_header.scope,
    )


def may_tell(headers: Mapping[str, str]) -> bool:
    """Tells quickly whether there is any header that says something of limits."""
    return not _TELLING.isdisjoint(headers)


def is_limit(answer: Spoken) -> bool:
    """Tells whether a refusal means "slower" and not "no", whatever its status.

    403 with nothing left or with a time to come back, GitHub's secondary limit, a used-up quota
    of Google's, Meta's codes in a 400, Stack Exchange's `throttle_violation`.
    """
    if answer.status == 429:
        return True
    if not 400 <= answer.status < 600:
        return False
    is_spent = answer.status == 403 and _is_spent(answer)
    return is_spent or is_limit_in(_decoded(answer), answer.status, answer.received_at)


def is_stale_login(answer: Spoken) -> bool:
    """Tells whether a 400 or 403 means that the token is no longer good."""
    return answer.status in (400, 403) and is_stale_login_in(_decoded(answer))


def pause_after(signal: RateSignal, now: datetime | None) -> timedelta | None:
    """Gives how long to wait after an answer that went well; None if there is more to be had."""
    is_asked = signal.retry_after_seconds is not None
    return signal.wait(now) if signal.is_used_up or is_asked else None


def _is_spent(answer: Spoken) -> bool:
    left = _number(_first(answer.headers, _LEFT))
    return "retry-after" in answer.headers or left == 0


def _of_headers(answer: Spoken) -> RateSignal:
    headers, now = answer.headers, answer.received_at
    reset = _reset(_first(headers, _RESETS), now)
    left = _number(_first(headers, _LEFT))
    scope = _first(headers, _SCOPES)
    apple = _APPLE_LEFT.search(headers.get("x-rate-limit", ""))
    if apple:
        left, scope = float(apple[1]), scope or "user-hour"
    share, regain = _meta_usage(headers)
    if share is not None:
        left, scope = 100.0 - share, scope or "percent"
    after = _delay(headers.get("retry-after", "").strip(), now)
    return RateSignal(left, reset, regain if after is None else after, scope[:100])


def _meta_usage(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Gives the highest share used, in percent, and the longest time to regain access, seconds."""
    shares: list[float] = []
    waits: list[float] = []
    for name in _META_USAGE:
        for part in _parts(_loaded(headers.get(name, "").encode())):
            shares += [float(n) for n in map(part.get, _META_SHARES) if is_count(n)]
            minutes = part.get("estimated_time_to_regain_access")
            waits += [float(minutes) * 60] if is_count(minutes) and minutes > 0 else []
    return max(shares, default=None), max(waits, default=None)


def _parts(usage: object) -> Iterator[Mapping[str, Any]]:
    """Gives the objects with figures in them: the header's own, or those listed by account."""
    if isinstance(usage, dict):
        yield usage
        for listed in usage.values():
            yield from objects(listed)


def _delay(value: str, now: datetime | None) -> float | None:
    """Reads Retry-After: seconds, or an HTTP date."""
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = as_utc(parsedate_to_datetime(value)) if value and now else None
    except (ValueError, TypeError, OverflowError):
        return None
    return (moment - now).total_seconds() if moment and now else None


def _reset(value: str, now: datetime | None) -> datetime | None:
    """Reads a reset: a moment (ISO 8601, epoch seconds or milliseconds) or the seconds left."""
    if now is None or not value:
        return None
    try:
        if not _SECONDS.fullmatch(value):
            return as_utc(datetime.fromisoformat(value))
        number = float(value)
        if number < 1e9:  # seconds left: Reddit and the IETF draft
            return now + timedelta(seconds=number)
        epoch = number / 1000 if number >= 1e11 else number
        return now + timedelta(seconds=epoch - now.timestamp())
    except (ValueError, OverflowError):
        return None


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name].strip() for name in names if name in headers), "")


def _number(value: str) -> float | None:
    return float(value) if _SECONDS.fullmatch(value) else None


def _decoded(answer: Spoken) -> object:
    return _loaded(answer.body) if len(answer.body) <= _LARGEST_BODY else None


def _loaded(text: bytes) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None

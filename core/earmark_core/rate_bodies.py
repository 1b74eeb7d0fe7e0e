"""What the body of an answer says of limits: where a platform's headers are silent."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard
from zoneinfo import ZoneInfo

from earmark_core.clock import as_utc
from earmark_core.rate_signal import DAILY, RateSignal

_DIGITS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_META_LIMITS: Final = frozenset((4, 17, 32, 613, *range(80_000, 80_015)))
_META_LOGINS: Final = frozenset((102, 190, 463, 467))
_STALE: Final = (
    "ExpiredToken", "InvalidToken", "AuthMissing", "invalid_grant", "invalid_token",
    "not_logged_in", "incorrect_login",
)  # fmt: skip
_GOOGLE_DAILY: Final = frozenset(("quotaExceeded", "dailyLimitExceeded"))
_GOOGLE_SHORT: Final = frozenset(
    ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
)
_PACIFIC: Final = "America/Los_Angeles"
_THROTTLED: Final = 502  # Stack Exchange's error_id of a throttle violation
_LEMMY_LIMIT: Final = "rate_limit_error"  # with 400, and without a time
_STACK_MARGIN: Final = 2.0  # waiting exactly as long as it says is still punished


def signal_in(body: object, status: int, now: datetime | None) -> RateSignal:
    """Gives what a decoded body says of limits; nothing at all if it says nothing."""
    if not isinstance(body, dict):
        return RateSignal()
    found = _of_stack(body) or _of_meta(body) or _of_google(body, status, now) or _of_chat(body)
    return found or RateSignal()


def is_limit_in(body: object, status: int, now: datetime | None) -> bool:
    """Tells whether the decoded body of a refusal means "slower", in a platform's own way."""
    if not isinstance(body, dict):
        return False
    if body.get("error_id") == _THROTTLED or body.get("error") == _LEMMY_LIMIT or _of_meta(body):
        return True
    if _of_google(body, status, now):
        return True
    message = str(body.get("message", "")).casefold()
    is_worded = "rate limit" in message and ("secondary" in message or "exceeded" in message)
    return status == 403 and is_worded


def is_stale_login_in(body: object) -> bool:
    """Tells whether a decoded body says that the token is no longer good.

    Bluesky, Meta, OAuth and Lemmy each say so with a status of their own.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return error.get("code") in _META_LOGINS and "type" in error
    return error in _STALE


def _of_stack(body: Mapping[str, Any]) -> RateSignal | None:
    """Stack Exchange: `backoff` in seconds, also in a good answer, and the day's quota."""
    left = body.get("quota_remaining")
    remaining = float(left) if is_count(left) else None
    backoff = body.get("backoff")
    if is_count(backoff):
        return RateSignal(remaining, None, float(backoff) + _STACK_MARGIN, "method")
    if body.get("error_id") == _THROTTLED:
        seconds = re.search(r"available in (\d{1,6}) seconds", str(body.get("error_message", "")))
        after = float(seconds[1]) + _STACK_MARGIN if seconds else None
        return RateSignal(remaining, None, after, "throttle")
    return None if remaining is None else RateSignal(remaining, scope=DAILY)


def _of_meta(body: Mapping[str, Any]) -> RateSignal | None:
    error = body.get("error")
    if not isinstance(error, dict) or not ("fbtrace_id" in error or "type" in error):
        return None
    code = error.get("code")
    return RateSignal(scope=f"code {code}") if code in _META_LIMITS else None


def _of_google(body: Mapping[str, Any], status: int, now: datetime | None) -> RateSignal | None:
    """Google: the reason tells a day's quota, over at midnight in California, from a short one."""
    error = body.get("error")
    if not isinstance(error, dict) or status not in (403, 429):
        return None
    reasons = set(_google_reasons(error))
    if reasons & _GOOGLE_DAILY:
        return RateSignal(0.0, _midnight_in_california(now), None, DAILY)
    if not reasons & _GOOGLE_SHORT:
        return None
    return RateSignal(0.0, None, _retry_delay(error), "rate")


def _google_reasons(error: Mapping[str, Any]) -> Iterator[str]:
    yield str(error.get("status", ""))
    for key in ("errors", "details"):
        for each in objects(error.get(key)):
            yield str(each.get("reason", ""))
            metadata = each.get("metadata")
            limit = metadata.get("quota_limit") if isinstance(metadata, dict) else ""
            if "perday" in str(limit).casefold().replace("_", ""):
                yield "quotaExceeded"


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    for each in objects(error.get("details")):
        delay = str(each.get("retryDelay", "")).removesuffix("s")
        if _DIGITS.fullmatch(delay):
            return float(delay)
    return None


def _of_chat(body: Mapping[str, Any]) -> RateSignal | None:
    """Discord and Telegram name `retry_after`, Discourse `extras.wait_seconds`, in seconds."""
    for where, key in ((body, "retry_after"), (body.get("parameters"), "retry_after"),
                       (body.get("extras"), "wait_seconds")):  # fmt: skip
        seconds = where.get(key) if isinstance(where, dict) else None
        if is_count(seconds) or (isinstance(seconds, float) and math.isfinite(seconds)):
            return RateSignal(retry_after_seconds=float(seconds), scope="")
    return None


def _midnight_in_california(now: datetime | None) -> datetime | None:
    if now is None:
        return None
    there = now.astimezone(ZoneInfo(_PACIFIC))
    tomorrow = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return as_utc(tomorrow)


def objects(listed: object) -> list[dict[str, Any]]:
    """Gives the objects of a list; none of anything else."""
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def is_count(value: object) -> TypeGuard[int]:
    """Tells whether a decoded value is a whole number of believable size."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9

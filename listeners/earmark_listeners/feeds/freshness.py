"""What the headers of an answer say about asking again."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from earmark_listeners.feeds.dates import read_date

LONGEST_WAIT = timedelta(hours=24)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_SENDABLE = re.compile(r"[\x20-\x7e]{1,1000}")


def wait_from(
    headers: Mapping[str, str], ttl_minutes: int | None, now: datetime
) -> timedelta | None:
    """Gives the longest wait that `Cache-Control`, `Expires` and the feed's ttl ask for.

    None if none of them asks for any; at most 24 hours, whatever a misconfigured feed says.
    """
    waits = [timedelta(minutes=min(ttl_minutes or 0, 1_000_000))]
    age = _MAX_AGE.search(headers.get("cache-control", ""))
    waits.append(timedelta(seconds=int(age.group(1)) if age else 0))
    expires = read_date(headers.get("expires", ""))
    if expires is not None:
        waits.append(expires - (read_date(headers.get("date", "")) or now))
    longest = min(max(waits), LONGEST_WAIT)
    return longest if longest > timedelta(0) else None


def lasting_validators(headers: Mapping[str, str]) -> tuple[str, str]:
    """Gives ETag and Last-Modified exactly as sent, or two empty texts.

    Servers that say `Expires: 0` have been seen to answer 304 for ever (miniflux does the same).
    """
    if headers.get("expires", "").strip() == "0":
        return "", ""
    found = (headers.get("etag", ""), headers.get("last-modified", ""))
    etag, modified = (value if _SENDABLE.fullmatch(value) else "" for value in found)
    return etag, modified

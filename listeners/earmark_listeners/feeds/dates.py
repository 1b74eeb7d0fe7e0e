"""Dates as feeds write them."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from earmark_core.clock import as_utc

_YEAR = re.compile(r"\d{4}", re.ASCII)
_SHORT = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
# What nearly every feed writes, to the letter.
_COMMON_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_DAYS = frozenset({"Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"})
_UTC = frozenset({"GMT", "UTC", "+0000", "-0000"})
_MONTHS = {
    "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
    "Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
}  # fmt: skip
_FRACTION = re.compile(r"([.,]\d{6})\d+")


def read_date(text: str) -> datetime | None:
    """Gives the moment in UTC, or None where *text* is no date.

    Reads RFC 3339 and its loose relatives, W3CDTF and RFC 822 with named zones; a date without
    a zone is taken to be UTC. Months in other languages are not guessed.
    """
    if not text:
        return None
    try:
        common = _common_822(text) if " " in text else _common_3339(text)
    except (ValueError, OverflowError):  # the 31st of June, or past the end of time
        common = None
    return _any_date(text) if common is None else common


def _any_date(text: str) -> datetime | None:
    """Reads dates as `read_date` does: the long way, which the common ones need not go."""
    text = " ".join(text.split())
    if not text or len(text) > 80:
        return None
    try:
        return as_utc(_iso(text) if _YEAR.match(text) else parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _common_822(text: str) -> datetime | None:
    """Reads `Sun, 01 Mar 2026 00:32:00 GMT`; None where *text* is not written just like that."""
    words = text.split(" ")
    if len(words) != 6 or len(words[1]) > 2:
        return None
    weekday, day, name, year, time, zone = words
    month = _MONTHS.get(name)
    if month is None or weekday not in _DAYS or zone not in _UTC:
        return None
    if len(year) != 4 or year < "1" or len(time) != 8 or not time[2] == time[5] == ":":
        return None
    if time >= "24":  # which later versions of Python take for the next day's start
        return None
    return datetime.fromisoformat(f"{year}-{month}-{day.zfill(2)}T{time}+00:00")


def _common_3339(text: str) -> datetime | None:
    return as_utc(datetime.fromisoformat(text)) if _COMMON_3339.fullmatch(text) else None


def _iso(text: str) -> datetime:
    short = _SHORT.fullmatch(text)
    if short:
        first, second, third = short.groups(default="1")
        return datetime(int(first), int(second), int(third), tzinfo=UTC)
    text = _FRACTION.sub(r"\1", text)
    day, mark, rest = text.partition(" ")
    if mark and " " in rest:
        rest = rest.replace(" ", "", 1)
    if rest.upper().endswith(("UTC", "GMT")):
        rest = rest[:-3] + "Z"
    return datetime.fromisoformat(f"{day}T{rest}" if mark else text)

"""Dates as feeds write them."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from earmark_core.clock import as_utc

_YEAR = re.compile(r"\d{4}", re.ASCII)
_SHORT = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_FRACTION = re.compile(r"([.,]\d{6})\d+")


def read_date(text: str) -> datetime | None:
    """Gives the moment in UTC, or None where *text* is no date.

    Reads RFC 3339 and its loose relatives, W3CDTF and RFC 822 with named zones; a date without
    a zone is taken to be UTC. Months in other languages are not guessed.
    """
    text = " ".join(text.split())
    if not text or len(text) > 80:
        return None
    try:
        return as_utc(_iso(text) if _YEAR.match(text) else parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


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

"""What came back over HTTP, and what its status means for the caller."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

import httpx

from earmark_core.crowds import refuse_crowded_json
from earmark_core.errors import (
    Fault,
    Interrupted,
    ListenerError,
    Malformed,
    Rejected,
    Unavailable,
)
from earmark_core.rates import is_limit, is_stale_login, signal_of
from earmark_core.redact import redact
from earmark_core.said import words_in
from earmark_core.text import clean

_PAGE_INSTEAD_OF_API: Final = timedelta(minutes=10)
_MOST_SAID: Final = 20_000
_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the body is unpacked, `url` is where it came from after redirects.

    `headers` are looked up without regard to case. Its repr shows neither body, headers nor
    secrets of the URL. `received_at` is what dates in the headers are measured against.
    `moved_to` is the same as `url` where the source sent us there for good (301, 308) on every
    hop, "" where it did not, or where the address holds something secret.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    method: str = "GET"
    received_at: datetime | None = None
    wants_json: bool = field(default=False, compare=False)
    moved_to: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.headers, httpx.Headers):  # off the line, so of bytes
            return
        # By bytes: httpx takes only ASCII as text, and servers send what they like.
        given = [(k.encode("ascii", "replace"), v.encode("utf-8", "replace"))
                 for k, v in self.headers.items()]  # fmt: skip
        object.__setattr__(self, "headers", httpx.Headers(given))

    def __repr__(self) -> str:
        return f"<Answer {self.status} {redact(self.url)} {len(self.body)} bytes>"

    def json(self) -> Any:
        """Gives the body as JSON values.

        Raises `Unavailable` when a web page came where an API should answer, and `Malformed`
        for everything else that is no JSON: NaN and infinities, numbers of thousands of
        digits, nesting beyond reason and more than 500,000 values included. Lone surrogates are
        left to `text.clean`.
        """
        if self._is_page():
            raise Unavailable(
                "A web page came back: this is not the API.",
                retry_after=_PAGE_INSTEAD_OF_API,
                hint="Check the address; a login or a protection page may stand before it.",
                subject=self._where(),
            )
        try:
            refuse_crowded_json(self.body)
            return json.loads(self.body, parse_constant=_refuse, parse_float=_finite)
        except Malformed as error:
            raise Malformed(error.message, hint=error.hint, subject=self._where()) from None
        except (ValueError, RecursionError) as error:
            why = "it is empty" if not self.body.strip() else _why(error)
            raise Malformed(
                f"The answer is not readable JSON: {why}.", subject=self._where()
            ) from None

    def checked(self, subject: str = "") -> "Answer":
        """Gives this answer back when it is a success or "not modified" (304), else raises.

        `Rejected` for what only a person can mend, `Unavailable` with the wait that was asked
        for (1 s to 6 h) for what passes. A server error on a request that changes something
        raises `Interrupted`, since the change may have been made all the same.
        """
        if 200 <= self.status < 300 or self.status == 304:
            return self
        raise self._error(subject or self._where())

    def retry_after(self) -> timedelta | None:
        """Gives how long the source wants to be left alone, from 1 s to 6 h; None if unsaid.

        A daily quota that is used up may ask for up to 24 h. See `earmark_core.rates`.
        """
        return signal_of(self).wait(self.received_at)

    def fault(self) -> Fault | None:
        """Gives what kind of no this answer is, None for a success or "not modified"."""
        status = self.status
        if 200 <= status < 300 or status == 304:
            return None
        if is_limit(self):
            return Fault.rate
        if status in (408, 425) or status >= 500:
            return Fault.server
        if status == 403 and self.wants_json and self._is_page():
            return Fault.not_the_api
        if status == 401 or is_stale_login(self):
            return Fault.auth
        return _FAULTS.get(status, Fault.invalid)

    def says(self) -> str:
        """Gives in words what the source says is wrong, without secrets; "" of a page."""
        if self._is_page():
            return ""
        try:
            words = words_in(json.loads(self.body[:_MOST_SAID]))
        except (ValueError, RecursionError):
            words = ""
        raw = words or self.body[:2_000].decode("utf-8", "replace")
        return clean(redact(raw).replace("\n", " "), limit=300)

    def _error(self, subject: str) -> ListenerError:
        status, said, fault = self.status, self._said(), self.fault()
        if fault is Fault.rate:
            return Unavailable(
                f"The source wants fewer requests (HTTP {status}).",
                retry_after=self.retry_after(),
                rate_limited=True,
                subject=subject,
            )
        if fault is Fault.server:
            kind = Unavailable if self.method in _READS or status == 425 else Interrupted
            message = f"The source cannot answer now (HTTP {status}).{said}"
            return kind(message, retry_after=self.retry_after(), subject=subject)
        if fault is Fault.not_the_api:
            return Unavailable(
                "A web page refused us: this is not the API (HTTP 403).",
                retry_after=self.retry_after() or _PAGE_INSTEAD_OF_API,
                hint="Check the address; a protection page may stand before it.",
                subject=subject,
            )
        known = 401 if fault is Fault.auth else status
        message, hint = _REFUSALS.get(known, ("The source refuses the request", ""))
        if 300 <= status < 400:
            message, hint = "The source has moved", "Check its address."
        text = f"{message} (HTTP {status}).{said}"
        is_gone = status == 410
        return Rejected(text, fault=fault, for_good=is_gone, hint=hint, subject=subject)

    def _is_page(self) -> bool:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind in ("text/html", "application/xhtml+xml") or self.body.lstrip(
            b"\xef\xbb\xbf \t\r\n"
        ).startswith(b"<")

    def _where(self) -> str:
        return redact(self.url.partition("#")[0].partition("?")[0])

    def _said(self) -> str:
        """Gives a short piece of what the source says is wrong, without secrets."""
        if self._is_page():
            return ""
        text = self.body[:2_000].decode("utf-8", "replace")
        text = clean(redact(text).replace("\n", " "), limit=200)
        return f" It says: {text}" if text else ""


_FAULTS: Final = {403: Fault.forbidden, 404: Fault.not_found, 410: Fault.not_found}
_REFUSALS: Final = {
    401: ("The source does not accept our credentials", "Connect it again."),
    403: ("The source forbids this", "Check what the account may do."),
    404: ("It is gone, or was never there", "Check the address."),
    410: ("It is gone for good", "Remove the source or change its address."),
}


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "its bytes are no text"
    return "a number in it is too long" if "digits" in str(error) else str(error)

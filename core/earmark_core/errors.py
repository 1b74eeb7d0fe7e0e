"""Errors, sorted by what the caller must do.

EarmarkError                  message, hint (what to do), subject (what failed); cause chained
├── ConfigError               stop: wrong settings; names file, line and key
├── ListenerError             one source, never the run
│   ├── Rejected              stop this source until a person acts (credentials, forbidden, gone)
│   ├── Unavailable           retry: after retry_after if given, else with back-off
│   │   ├── Held              nothing was asked: the host wants to be left alone until then
│   │   └── Interrupted       the request may have arrived: look before anything is sent again
│   └── Malformed             the answer cannot be read: the window failed, the cursor stays
├── CaseError
│   ├── CaseTaken             somebody else holds it
│   ├── CaseChanged           it changed since it was read: look again
│   ├── CaseClosed            resolved or dismissed already
│   └── UnknownCase
├── NotAllowed                the actor's role does not permit it
├── ReplyError
│   ├── ReplyRefused          the platform said no: back to a person
│   └── ReplyUnknown          sent or not is not known: never retried blindly
└── StoreError                database trouble, cause chained
    └── StoreUnusable         stop: read-only, truncated, newer schema
"""

from datetime import timedelta
from enum import StrEnum


class Fault(StrEnum):
    """What kind of no an answer is; the first four are a `Rejected`, the rest `Unavailable`.

    `auth` pauses a source and tells a person, `forbidden` and `invalid` concern the one request,
    `not_found` says that it is gone, `rate` asks to wait, `server` passes, `not_the_api` is a
    page (a login, a protection) where data was due.
    """

    auth = "auth"
    forbidden = "forbidden"
    not_found = "not_found"
    invalid = "invalid"
    rate = "rate"
    server = "server"
    not_the_api = "not_the_api"


class EarmarkError(Exception):
    """Something went wrong that earmark expected might."""

    exit_code = 1

    def __init__(self, message: str = "", *, hint: str = "", subject: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        self.subject = subject
        super().__init__(self.message)

    def __str__(self) -> str:
        """Says what happened, to what, and what to do."""
        about = f"{self.subject}: " if self.subject else ""
        todo = f" {self.hint}" if self.hint else ""
        return f"{about}{self.message}{todo}"


class ConfigError(EarmarkError):
    """The settings are wrong."""

    exit_code = 2


class ListenerError(EarmarkError):
    """A source could not be read."""


class Rejected(ListenerError):
    """The source refuses us until somebody acts.

    `fault` says why, where it is known: a channel may pass over one page that is `not_found` or
    `forbidden` where its others are well. `for_good` says that it will not come back (HTTP 410).
    """

    def __init__(
        self,
        message: str = "",
        *,
        fault: Fault | None = None,
        for_good: bool = False,
        hint: str = "",
        subject: str = "",
    ) -> None:
        super().__init__(message, hint=hint, subject=subject)
        self.fault = fault
        self.for_good = for_good


class Unavailable(ListenerError):
    """The source cannot answer now.

    `retry_after` is the wait the source asked for, if it named one. `rate_limited` tells a
    source that is well but wants us slower from one that is ill.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: timedelta | None = None,
        rate_limited: bool = False,
        hint: str = "",
        subject: str = "",
    ) -> None:
        super().__init__(message, hint=hint, subject=subject)
        self.retry_after = retry_after
        self.rate_limited = rate_limited


class Held(Unavailable):
    """The host asked us to wait, so nothing was asked of it.

    Whatever was to be done has certainly not been done, nor tried.
    """


class Interrupted(Unavailable):
    """The line broke after the request may have arrived.

    What only reads may simply be asked again. What changes something at the other end may have
    happened: look there first.
    """


class Malformed(ListenerError):
    """The answer of the source cannot be read."""


class CaseError(EarmarkError):
    """The case cannot be changed like that."""


class CaseTaken(CaseError):
    """Somebody else holds this case."""


class CaseChanged(CaseError):
    """The case changed since it was opened here."""


class CaseClosed(CaseError):
    """The case is resolved or dismissed already."""


class UnknownCase(CaseError):
    """There is no such case."""


class NotAllowed(EarmarkError):
    """This role may not do that."""


class ReplyError(EarmarkError):
    """The reply was not delivered."""


class ReplyRefused(ReplyError):
    """The platform refused the reply."""


class ReplyUnknown(ReplyError):
    """It is not known whether the platform took the reply."""


class StoreError(EarmarkError):
    """The database did not do what was asked."""


class StoreUnusable(StoreError):
    """The database cannot be used as it is."""

    exit_code = 3

"""What the errors of Meta's Graph API mean: mostly a 400, told apart by a code.

Limits (4, 17, 32, 613, 800xx) and logins (190) are known to `earmark_core.rates`; here are the
others, and the words for a login.
"""

import json
from dataclasses import dataclass
from typing import Final

from earmark_core.answer import Answer
from earmark_core.errors import (
    Fault,
    ListenerError,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)

_PASSES: Final = frozenset((1, 2))
_BLOCKED: Final = 368
_REPEATED: Final = 506
_LOGINS: Final = {
    458: " The app was removed from the account.",
    459: " The account must be confirmed: log in to it once.",
    460: " The password was changed.",
    463: " The token ran out.",
    464: " The account must be confirmed: log in to it once.",
    467: " The token is no longer good.",
}


@dataclass(frozen=True, slots=True)
class GraphError:
    """What Meta says is wrong; 0 where it gives no number."""

    code: int = 0
    subcode: int = 0
    message: str = ""
    passes: bool = False

    @property
    def fault(self) -> Fault | None:
        """Gives what kind of no it is, None for what only its status tells."""
        if self.passes or self.code in _PASSES:
            return Fault.server
        if self.code in (3, 10, _BLOCKED) or 200 <= self.code < 300:
            return Fault.forbidden
        is_absent = self.subcode == 33 or "does not exist" in self.message
        if self.code == 803 or (self.code == 100 and is_absent):
            return Fault.not_found
        return Fault.invalid if self.code == 100 else None


def said_in(answer: Answer) -> GraphError:
    """Gives the error in an answer; an empty one if there is none."""
    try:
        body = json.loads(answer.body[:100_000])
    except (ValueError, RecursionError):
        return GraphError()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return GraphError()
    numbers = [error.get("code"), error.get("error_subcode")]
    code, sub = (n if isinstance(n, int) and not isinstance(n, bool) else 0 for n in numbers)
    return GraphError(code, sub, str(error.get("message", "")), error.get("is_transient") is True)


def error_of(answer: Answer, subject: str) -> ListenerError | None:
    """Gives what Meta's error means in words, None for a success and for what the status tells."""
    said, fault = said_in(answer), answer.fault()
    words = answer.says().rstrip(".")
    if fault is Fault.auth and said.code:
        return Rejected(
            f"Meta does not accept the token.{_LOGINS.get(said.subcode, '')}",
            fault=fault,
            hint="Connect the account again, with a token that does not run out.",
            subject=subject,
        )
    if fault in (Fault.rate, Fault.auth, Fault.not_the_api) or not said.code:
        return None
    if said.fault is Fault.server:
        return Unavailable(f"Meta cannot answer now: {words}.", subject=subject)
    if said.fault is Fault.forbidden:
        hint = "Give the token the permission for it; the app may have to be reviewed by Meta."
        if said.code == _BLOCKED:
            hint = "Meta blocks the account for a while: look at its notices before going on."
        return Rejected(
            f"Meta does not permit this: {words}.", fault=said.fault, hint=hint, subject=subject
        )
    if said.fault is Fault.not_found:
        hint = "Check the id, and that the token may see it: Meta does not say which it is."
        return Rejected(
            f"It is gone, or not for us: {words}.", fault=said.fault, hint=hint, subject=subject
        )
    hint = "Set app_secret." if "secret" in said.message else "Check the ids and the version."
    return Rejected(
        f"Meta refuses the request: {words}.", fault=Fault.invalid, hint=hint, subject=subject
    )


def judge(answer: Answer, subject: str) -> None:
    """Raises what Meta's codes mean for a reply."""
    said = said_in(answer)
    if answer.fault() in (Fault.rate, Fault.auth, Fault.not_the_api) or not said.code:
        return
    words = answer.says().rstrip(".")
    if said.fault is Fault.server:
        raise ReplyUnknown(
            f"Meta failed while it took the reply: {words}.",
            hint="It is looked for before anything is sent again.",
            subject=subject,
        )
    hint = {
        Fault.forbidden: "The token lacks a permission, or the account is held back: see Meta.",
        Fault.not_found: "It may have been deleted. Open it and answer there.",
    }.get(said.fault or Fault.invalid, "Change it, or answer by hand.")
    if said.code == _REPEATED:
        hint = "We said exactly this before: put it in other words."
    raise ReplyRefused(f"Meta refused the reply: {words}.", hint=hint, subject=subject)

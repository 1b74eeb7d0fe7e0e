"""What Google's APIs have in common: how they log in, and what their refusals say.

Their errors hold `errors[].reason` and `details[].reason`; the HTTP status alone says little: 403
is a used-up quota, a service that nobody switched on, a missing permission, or closed comments.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_listeners.api import Api
from earmark_listeners.contract import Outgoing, Wiring
from earmark_listeners.oauth import RenewedToken, TokenEndpoint, refresh_token
from earmark_listeners.replying import is_ours

TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

_BAD_KEY: Final = (
    Fault.auth,
    "Google does not accept the API key",
    "Give the source a key of a project in which this API is switched on.",
)
_SWITCHED_OFF: Final = (
    Fault.forbidden,
    "This API is not switched on in the Google Cloud project",
    "Switch it on in the Google Cloud console; it takes some minutes.",
)
_NO_SCOPE: Final = (
    Fault.auth,
    "The token does not permit this",
    "Connect the account again and grant what is asked for.",
)
_WORDS: Final = {
    "API_KEY_INVALID": _BAD_KEY,
    "keyInvalid": _BAD_KEY,
    "keyExpired": _BAD_KEY,
    "API_KEY_SERVICE_BLOCKED": _BAD_KEY,
    "accessNotConfigured": _SWITCHED_OFF,
    "SERVICE_DISABLED": _SWITCHED_OFF,
    "insufficientPermissions": _NO_SCOPE,
    "insufficientScopes": _NO_SCOPE,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _NO_SCOPE,
}


def account_tokens(
    wiring: Wiring, channel: str, client_id: str, client_secret: str, reference: str, url: str
) -> RenewedToken:
    """Gives the tokens of an account that a person connected; *reference* is its refresh token."""
    form = {"client_id": client_id, "client_secret": client_secret}
    endpoint = TokenEndpoint(wiring, url, channel, form=form)
    key = f"{channel} {client_id} {reference}"
    return RenewedToken(wiring, key, refresh_token(endpoint, reference))


def details(answer: Answer) -> list[dict[str, Any]]:
    """Gives the parts of Google's error that name reasons; none of a success or anything else."""
    if answer.status < 400:
        return []
    try:
        said = answer.json()
    except (Malformed, Unavailable):
        return []
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return []
    lists = (error.get(key) for key in ("errors", "details"))
    return [part for each in lists if isinstance(each, list) for part in each
            if isinstance(part, dict)]  # fmt: skip


def reasons(answer: Answer) -> frozenset[str]:
    """Gives the reasons that Google's error names."""
    return frozenset(str(part["reason"]) for part in details(answer) if part.get("reason"))


def judge(answer: Answer, subject: str) -> None:
    """Raises `Rejected` in plain words for what is wrong with the project, the key or the login."""
    for reason in reasons(answer) & _WORDS.keys():
        fault, message, hint = _WORDS[reason]
        raise Rejected(
            f"{message} (HTTP {answer.status}).", fault=fault, hint=hint, subject=subject
        )


def read(api: Api, answer: Answer, subject: str, hint: str) -> Any:
    """Gives what was answered; *hint* says what a 403 or 404 without a reason asks for."""
    try:
        return api.read(answer)
    except Rejected as error:
        if error.fault not in (Fault.forbidden, Fault.not_found):
            raise
        raise Rejected(error.message, fault=error.fault, hint=hint, subject=subject) from None


def with_answers(reviews: Sequence[Any], is_answered: Callable[[Any], bool]) -> Iterator[Any]:
    """Gives each review as it came, followed by the answer below it as an entry of its own.

    *is_answered* raises `Malformed` for a review that cannot be read.
    """
    for raw in reviews:
        yield raw
        try:
            follows = is_answered(raw)
        except Malformed:
            continue
        if follows:
            yield {"answer_to": raw}


def refuse_second(
    reply: Outgoing,
    present: str,
    *,
    answered_at: datetime | None,
    changed_at: datetime | None,
    where: str,
) -> None:
    """Raises where *reply* would replace, unasked, another answer to what the review says now.

    A review has one answer; one that is older than the review's last change answers what it
    said before.
    """
    if is_ours(reply, present, None):
        return
    if answered_at and changed_at and answered_at < changed_at:
        return
    raise ReplyRefused(
        "The review has an answer already, which this one would replace.",
        hint=f"Read it on {where}. Set replace_reply to replace it all the same.",
    )

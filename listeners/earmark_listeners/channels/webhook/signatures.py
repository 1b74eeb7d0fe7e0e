"""Is a delivery from who holds the secret? Four ways of signing, all HMAC-SHA256 of the raw body.

`standard` is Standard Webhooks 1.0, `timestamp` signs "timestamp.body" (`X-Timestamp`,
`X-Signature-256`), `github` the body alone (`X-Hub-Signature-256`), `slack` is Slack's v0.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from earmark_core.errors import ConfigError, Fault, Rejected
from earmark_listeners.channels.webhook.options import WebhookOptions
from earmark_listeners.receiving import Incoming


def verify(incoming: Incoming, options: WebhookOptions, secret: Callable[[str], str]) -> None:
    """Raises `Rejected` unless one of the secrets signed this very body lately."""
    base, given, moment = _signed_parts(options.signature, incoming)
    if moment is not None:
        age = abs((incoming.received_at - moment).total_seconds())
        if age > options.max_age_seconds:
            raise _refused("The delivery is too old, or its clock is wrong.")
    is_good = False
    for reference in filter(None, (options.secret, options.old_secret)):
        key = _key(secret(reference), options.signature, reference)
        made = hmac.digest(key, base, "sha256")
        for one in given:  # each is compared, so that the time taken tells nothing
            is_good |= hmac.compare_digest(made, one)
    if not is_good:
        raise _refused("The signature is wrong.")


_Signed = tuple[bytes, list[bytes], datetime | None]


def _signed_parts(how: str, incoming: Incoming) -> _Signed:
    """Gives what was signed, the signatures that came along, and when it was signed."""
    readers: Mapping[str, Callable[[Mapping[str, str], bytes], _Signed]] = {
        "standard": _standard, "timestamp": _timestamp, "github": _github, "slack": _slack,
    }  # fmt: skip
    return readers[how](incoming.headers, incoming.body)


def _standard(headers: Mapping[str, str], body: bytes) -> _Signed:
    number, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given: list[bytes] = []
    for one in headers.get("webhook-signature", "").split()[:10]:
        version, _, coded = one.partition(",")
        if version == "v1":
            with suppress(binascii.Error, ValueError):
                given.append(b64decode(coded, validate=True))
    if not number:
        raise _refused("The delivery has no webhook-id.")
    return f"{number}.{moment}.".encode() + body, given, _signed_at(moment)


def _timestamp(headers: Mapping[str, str], body: bytes) -> _Signed:
    moment = headers.get("x-timestamp", "")
    given = _hex(headers.get("x-signature-256", ""), "sha256=")
    return f"{moment}.".encode() + body, given, _signed_at(moment)


def _github(headers: Mapping[str, str], body: bytes) -> _Signed:
    return body, _hex(headers.get("x-hub-signature-256", ""), "sha256="), None


def _slack(headers: Mapping[str, str], body: bytes) -> _Signed:
    moment = headers.get("x-slack-request-timestamp", "")
    given = _hex(headers.get("x-slack-signature", ""), "v0=")
    return f"v0:{moment}:".encode() + body, given, _signed_at(moment)


def _hex(header: str, prefix: str) -> list[bytes]:
    with suppress(ValueError):
        return [bytes.fromhex(header.removeprefix(prefix))] if header.startswith(prefix) else []
    return []


def _signed_at(said: str) -> datetime:
    if not (said.isascii() and said.isdigit() and len(said) <= 12):
        raise _refused("The delivery does not say when it was signed.")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(said))


def _key(secret: str, how: str, reference: str) -> bytes:
    """Gives the key; a Standard Webhooks secret is base64, with or without its prefix."""
    if how != "standard":
        key = secret.encode()
    else:
        try:
            key = b64decode(secret.strip().removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError(
                "this is no Standard Webhooks secret", subject=reference,
                hint="It is whsec_ and base64, as the sender shows it.",
            ) from None  # fmt: skip
    if not key:
        raise ConfigError("the secret is empty", subject=reference)
    return key


def _refused(words: str) -> Rejected:
    return Rejected(words, fault=Fault.auth, hint="Check the secret on both sides.")

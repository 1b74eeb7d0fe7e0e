"""Tokens that we sign, and deliveries that others signed.

App Store Connect takes our tokens as they are, Google gives one in exchange.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from earmark_core.errors import ConfigError
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import Grant, Granted, TokenEndpoint, lifetime

Algorithm = Literal["ES256", "RS256"]


def signed(
    claims: Mapping[str, Any],
    key: str,
    *,
    algorithm: Algorithm,
    key_id: str = "",
    reference: str = "",
) -> str:
    """Gives a JSON Web Token; raises `ConfigError` naming *reference* if the key is no such key."""
    # Here, not above: it takes 9 MB, and most installations sign nothing.
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm

    headers = {"kid": key_id} if key_id else None
    try:
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError, UnsupportedAlgorithm):
        raise ConfigError(
            f"this is no private key for {algorithm}",
            subject=reference,
            hint="Give the key as it was downloaded, from BEGIN to END.",
        ) from None


def self_signed(
    wiring: Wiring,
    claims: Callable[[int, int], Mapping[str, Any]],
    *,
    reference: str,
    algorithm: Algorithm,
    key_id: str,
    minutes: int = 15,
) -> Grant:
    """Gives the grant where a token that we sign is the bearer token itself (App Store Connect).

    *claims* are made of the moments of issue and expiry, in epoch seconds.
    """

    async def grant(_: Granted | None) -> Granted:
        now = wiring.clock()
        issued = int(now.timestamp())
        said = claims(issued, issued + minutes * 60)
        key = wiring.secret(reference)
        access = signed(said, key, algorithm=algorithm, key_id=key_id, reference=reference)
        return Granted(access, now + lifetime(minutes * 60))

    return grant


def service_account(wiring: Wiring, reference: str, scope: str, subject: str) -> Grant:
    """Gives the grant for a Google service account; the secret is its key file, JSON."""

    async def grant(_: Granted | None) -> Granted:
        account = _account(wiring.secret(reference), reference)
        issued = int(wiring.clock().timestamp())
        claims = {
            "iss": account["client_email"], "scope": scope, "aud": account["token_uri"],
            "iat": issued, "exp": issued + 3600,
        }  # fmt: skip
        assertion = signed(
            claims, account["private_key"], algorithm="RS256",
            key_id=account["private_key_id"], reference=reference,
        )  # fmt: skip
        endpoint = TokenEndpoint(wiring, account["token_uri"], subject)
        kind = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return await endpoint.ask(grant_type=kind, assertion=assertion)

    return grant


def _account(text: str, reference: str) -> dict[str, str]:
    names = ("client_email", "private_key", "private_key_id", "token_uri")
    try:
        found = json.loads(text)
        account = {name: found[name] for name in names}
    except (ValueError, KeyError, TypeError):
        account = {}
    if not account or not all(isinstance(value, str) and value for value in account.values()):
        raise ConfigError(
            "this is no key file of a service account",
            subject=reference,
            hint="Download it in JSON from the Google Cloud console; keep it as file:/path.",
        )
    return account


def is_signed(key: str, body: bytes, header: str) -> bool:
    """Tells whether *header* (`sha256=HEX`) is the HMAC-SHA256 of the body as it came.

    The time taken tells nothing of the right one.
    """
    prefix, _, digits = header.partition("=")
    try:
        given = bytes.fromhex(digits)
    except ValueError:
        given = b""
    made = hmac.digest(key.encode(), body, "sha256")
    return hmac.compare_digest(made, given) and prefix == "sha256" and bool(key)


def is_same(secret: str, given: str) -> bool:
    """Tells whether *given* is that secret; the time taken tells nothing of it."""
    pair = (hmac.digest(b"earmark", one.encode("utf-8", "replace"), "sha256") for one in
            (secret, given))  # fmt: skip
    return hmac.compare_digest(*pair) and bool(secret)

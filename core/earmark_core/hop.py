"""One hop of a request: what is sent, and what goes along to where it is sent on. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import httpx

from earmark_core.answer import Answer
from earmark_core.errors import Malformed, Rejected
from earmark_core.inflate import ACCEPTED
from earmark_core.redact import redact, register_secret
from earmark_core.target import Aim, aim_of, aimed, parsed, plain, same_host, shown

REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_FOR_GOOD: Final = frozenset((301, 308))
_SAFE: Final = frozenset(("GET", "HEAD"))
# What may go along to another host; anything else could be a key by another name.
_TRAVELS: Final = frozenset(
    (
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "cache-control",
        "if-none-match",
        "if-modified-since",
    )
)


@dataclass(frozen=True, slots=True)
class Hop:
    """A request as it goes to one host.

    `moved_to` is where the source has sent us for good on every hop so far, "" if it has not;
    `may_move` says that it may be told: an address with a password in it is nobody's to keep.
    """

    request: httpx.Request
    aim: Aim
    wants_json: bool = False
    may_move: bool = True
    moved_to: str = ""


def first_hop(
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    body: Mapping[str, Any],
    secret: str | None,
    user_agent: str,
) -> Hop:
    """Gives the hop to the address that was asked for; *body* is as httpx takes it.

    Raises `Rejected` for an address that is none, and for a header that cannot be sent.
    """
    aim, userinfo = aimed(url)
    if params:
        aim = aim_of(aim.url.copy_merge_params(params))
    sent = {"accept": ("accept", "*/*"), "user-agent": ("user-agent", user_agent)}
    for name, value in (headers or {}).items():
        sent[name.lower()] = (plain(name, aim.url), plain(value, aim.url))
    sent.pop("host", None)
    sent["accept-encoding"] = ("accept-encoding", ACCEPTED)
    if secret:
        register_secret(secret)
        bearer = plain(secret.strip(), aim.url)
        sent["authorization"] = ("authorization", f"Bearer {bearer}")
    elif userinfo:
        register_secret(unquote(userinfo.decode().partition(":")[2]))
        basic = base64.b64encode(unquote(userinfo.decode()).encode()).decode()
        sent["authorization"] = ("authorization", f"Basic {basic}")
    return Hop(
        _request(method, aim, list(sent.values()), body),
        aim,
        wants_json="json" in sent["accept"][1],
        may_move=not userinfo,
    )


def _request(
    method: str, aim: Aim, headers: list[tuple[str, str]], body: Mapping[str, Any]
) -> httpx.Request:
    if method not in _SAFE or any(part is not None for part in body.values()):
        return httpx.Request(method, aim.url, headers=headers, **body)
    # As httpx makes it, in a third of the time: a GET has no body to look at.
    whole: list[tuple[bytes, bytes]] = [(b"Host", aim.netloc)]
    whole += [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
    request = httpx.Request(method, aim.url, headers=whole, stream=httpx.ByteStream(b""))
    request.read()
    return request


def next_hop(hop: Hop, answer: Answer) -> Hop | None:
    """Gives the hop to where *answer* sends us on, None where it does not or is not followed.

    Raises `Malformed` when it does not say where, `Rejected` from https to http.
    """
    request = hop.request
    if answer.status not in REDIRECTS:
        return None
    place = answer.headers.get("location", "").strip()
    if not place:
        raise Malformed("The source sends us on without saying where.", subject=shown(hop.aim.url))
    target = parsed(place, base=hop.aim.url)
    aim = aim_of(target)
    if hop.aim.url.scheme == "https" and aim.url.scheme == "http":
        raise Rejected(
            "The source sends us on from https to http, which is not followed.",
            hint="Check its address.",
            subject=shown(hop.aim.url),
        )
    at_home = same_host(hop.aim.url, aim.url)
    is_safe = request.method in _SAFE
    if not is_safe and not (at_home and answer.status in (307, 308)):
        return None
    headers = [
        (name, value)
        for name, value in request.headers.items()
        if name != "host" and (at_home or name in _TRAVELS)
    ]
    body = {} if is_safe else {"content": request.content}
    is_for_good = hop.may_move and answer.status in _FOR_GOOD and not target.userinfo
    return Hop(
        _request(request.method, aim, headers, body),
        aim,
        hop.wants_json,
        may_move=is_for_good,
        moved_to=_tellable(aim.text) if is_for_good else "",
    )


def _tellable(url: str) -> str:
    """Gives *url* unless there is something in it that must not be shown."""
    return url if redact(url) == url else ""

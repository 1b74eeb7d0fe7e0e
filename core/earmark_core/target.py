"""URLs on their way out: read once, shown without secrets."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import httpx
import yarl as wire_url

from earmark_core.address import PORTS, destination
from earmark_core.errors import Rejected
from earmark_core.redact import redact

LONGEST: Final = 16_000
_REMEMBERED: Final = 2_048
_SHORT: Final = 500
# A host without user name: nothing before its end can be one.
_COMMON = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#]|$)")
_NOT_IN_HOST = re.compile(r"""[\s%\\<>"^`{|}\x00-\x1f\x7f]""")


@dataclass(frozen=True, slots=True)
class Aim:
    """Where one request goes: all that is read out of its URL, which says nothing of secrets.

    `url` is bare, `text` is the same as text, `destination` its `host:port`. `reads_one_way`
    says whether aiohttp, which parses the URL once more, means the same host by it.
    """

    url: httpx.URL
    text: str
    destination: str
    netloc: bytes
    reads_one_way: bool


def aimed(url: str) -> tuple[Aim, bytes]:
    """Gives where *url* leads, and the user name and password in it; raises as `parsed` does.

    What was asked for lately is remembered, for a source is asked again and again; an address
    with a password, or one that is written oddly, is not.
    """
    if _COMMON.match(url) and len(url) <= _SHORT:
        return _remembered(url), b""
    target = parsed(url)
    return aim_of(target), target.userinfo


@lru_cache(maxsize=_REMEMBERED)
def _remembered(url: str) -> Aim:
    return aim_of(parsed(url))


def aim_of(url: httpx.URL) -> Aim:
    """Gives the aim of a URL that was read already; user name and password are left out."""
    target = bare(url)
    return Aim(
        url=target,
        text=str(target),
        destination=destination(target.scheme, target.host, target.port),
        netloc=target.netloc,
        reads_one_way=_reads_one_way(target),
    )


def parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Gives *url*, seen from *base*; raises `Rejected` unless it is a usable http or https URL."""
    about = redact(url[:200])
    if len(url) > LONGEST:
        raise Rejected("The address is too long.", subject=about)
    try:
        target = base.join(url) if base else httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise Rejected("This is no usable address.", subject=about) from None
    if _NOT_IN_HOST.search(target.host):
        raise Rejected("This is no usable address.", subject=about)
    if target.scheme not in ("http", "https") or not target.host:
        raise Rejected("Only http and https addresses are fetched.", subject=about)
    return target


def bare(url: httpx.URL) -> httpx.URL:
    """Gives *url* without user name, password and fragment."""
    return url.copy_with(userinfo=b"", fragment=None)


def plain(value: str, url: httpx.URL) -> str:
    """Gives *value* back if it can stand in a header, else raises `Rejected` without showing it."""
    if not value.isascii() or not value.isprintable():
        raise Rejected(
            "A header or credential holds characters that cannot be sent.",
            hint="Check the credential for line breaks and odd characters.",
            subject=shown(url),
        )
    return value


def same_host(old: httpx.URL, new: httpx.URL) -> bool:
    """Says whether what was meant for *old* may go to *new*: one origin, or it made secure."""
    if old.host != new.host:
        return False
    ports = [url.port or PORTS[url.scheme] for url in (old, new)]
    is_upgrade = (old.scheme, new.scheme) == ("http", "https") and ports == [80, 443]
    return (old.scheme == new.scheme and ports[0] == ports[1]) or is_upgrade


def shown(url: httpx.URL) -> str:
    """Gives *url* as an error may show it: no query, no secrets."""
    return redact(str(bare(url).copy_with(query=None)))


def _reads_one_way(url: httpx.URL) -> bool:
    try:
        wire = wire_url.URL(str(url))
        host, port = wire.raw_host or "", wire.port
    except ValueError:
        return False
    ours = url.raw_host.decode("ascii").strip("[]").lower()
    return host.strip("[]").lower() == ours and port == (url.port or PORTS[url.scheme])

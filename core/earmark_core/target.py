"""URLs on their way out: read once, shown without secrets."""

import re
from typing import Final

import httpx
import yarl as wire_url

from earmark_core.address import PORTS
from earmark_core.errors import Rejected
from earmark_core.redact import redact

LONGEST: Final = 16_000
_NOT_IN_HOST = re.compile(r"""[\s%\\<>"^`{|}\x00-\x1f\x7f]""")


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


def reads_one_way(url: httpx.URL) -> bool:
    """Says whether aiohttp, which parses the URL once more, means the same host by it."""
    try:
        wire = wire_url.URL(str(url))
        host, port = wire.raw_host or "", wire.port
    except ValueError:
        return False
    ours = url.raw_host.decode("ascii").strip("[]").lower()
    return host.strip("[]").lower() == ours and port == (url.port or PORTS[url.scheme])

"""Which addresses the network door may open. Pure: nothing is looked up here.

Sources: the IANA special-purpose address registries (RFC 6890 and its updates), RFC 6052
(NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), and the metadata addresses of the large clouds.
"""

import re
import socket
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Address = IPv4Address | IPv6Address

# Written out, because what `ipaddress` calls global differs between patch releases of Python.
_CLOSED_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # the platform service of Azure, public by its looks only
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything that is not 2000::/3 is closed: ::, ::1, ::ffff:0:0/96 (mapped), 64:ff9b::/96 and
# 64:ff9b:1::/48 (NAT64), fc00::/7, fe80::/10, ff00::/8. Within it, these carry another address.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_LEGACY_V4 = re.compile(
    r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}", re.IGNORECASE | re.ASCII
)
PORTS = {"http": 80, "https": 443}


def is_public(address: str | Address) -> bool:
    """Says whether *address* belongs to a host on the open internet.

    False for loopback, private, link-local, shared (CGNAT), multicast, reserved, unspecified
    and metadata addresses, for every IPv6 form that carries an IPv4 address within, and for
    anything that is no address at all.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return False
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in net for net in _CLOSED_V4)
    if address.scope_id is not None:
        return False
    return (
        address in _OPEN_V6 and address.is_global and not any(address in net for net in _CLOSED_V6)
    )


def literal(host: str) -> Address | None:
    """Gives the address that *host* writes out, or None when it is a name.

    Understands what the system's resolver does: decimal, hexadecimal, octal and short forms of
    IPv4, brackets, zones, and a dot at the end.
    """
    bare = host.strip("[]").rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    if not _LEGACY_V4.fullmatch(bare):
        return None
    try:
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None


def destination(scheme: str, host: str, port: int | None) -> str:
    """Gives `host:port` as an allow entry writes it: lower case, the scheme's port filled in."""
    bare = host.strip("[]").lower()
    shown = f"[{bare}]" if ":" in bare else bare
    return f"{shown}:{port or PORTS.get(scheme, 0)}"


class AllowRule:
    """Which destinations may be reached: every public one, and those the operator wrote down.

    An entry is `host:port` as it stands in the URL, for example `127.0.0.1:8901`. It opens
    that destination only, in that spelling only: no other port and no other name for it.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._entries = frozenset(entry.strip().lower() for entry in entries)

    def names(self, scheme: str, host: str, port: int | None) -> bool:
        """Says whether the operator wrote this destination down."""
        return destination(scheme, host, port) in self._entries

    def refuses(self, scheme: str, host: str, port: int | None) -> bool:
        """Says whether the URL alone, before any look-up, already names a closed address."""
        if self.names(scheme, host, port):
            return False
        written = literal(host)
        return written is not None and not is_public(written)

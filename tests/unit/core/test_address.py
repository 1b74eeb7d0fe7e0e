import asyncio
import ipaddress

import httpx
import pytest
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.address import AllowRule, destination, is_public, literal

_CLOSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 fe80::1%eth0
fec0::1 ff02::1 4000::1
"""
CLOSED = _CLOSED.split()
OPEN = "1.1.1.1 8.8.8.8 93.184.216.34 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 2606:4700::1111"


@pytest.mark.parametrize("address", CLOSED)
def test_closed_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OPEN.split())
def test_open_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "example.org", "127.1", "not an address", "1.2.3.4/8", "[::1]"]
)
def test_what_is_no_address_is_not_public(text):
    assert not is_public(text)


def oracle_opens(addresses) -> set:
    """Asks httpx-secure, whose last check refuses too, so that nothing is ever connected."""
    opened = set()

    def last_check(_host, ip, _port) -> bool:
        opened.add(ip)
        return False

    async def ask() -> None:
        client = httpx.AsyncClient(trust_env=False, verify=False)
        async with httpx_ssrf_protection(client, custom_validator=last_check) as guarded:
            for ip in addresses:
                host = f"[{ip}]" if ip.version == 6 else str(ip)
                with pytest.raises(SSRFProtectionError):
                    await guarded.get(f"http://{host}/")

    asyncio.run(ask())
    return opened


@settings(deadline=None, max_examples=40)
@given(st.lists(st.ip_addresses(), min_size=1, max_size=20, unique=True))
def test_whatever_the_oracle_closes_is_closed_here(addresses):
    assert {ip for ip in addresses if is_public(ip)} <= oracle_opens(addresses)


def test_the_oracle_agrees_on_the_table_but_for_what_only_we_close():
    table = [ipaddress.ip_address(text) for text in CLOSED if "%" not in text]
    ours_alone = oracle_opens(table)
    assert ipaddress.ip_address("168.63.129.16") in ours_alone
    assert not any(is_public(ip) for ip in table)
    for text in ("127.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1", "64:ff9b::7f00:1"):
        assert ipaddress.ip_address(text) not in ours_alone


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.0.0.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("[::1]", "::1"),
        ("::ffff:7f00:1", "::ffff:127.0.0.1"),
    ],
)
def test_a_host_that_writes_out_an_address_is_read_as_the_resolver_reads_it(host, address):
    assert literal(host) == ipaddress.ip_address(address)


@pytest.mark.parametrize(
    "host", ["example.org", "localhost", "1.example", "256.1.1.1", "", "dead.beef"]
)
def test_a_name_is_no_literal(host):
    assert literal(host) is None


@given(st.text())
def test_no_host_makes_reading_it_fail(host):
    literal(host)
    is_public(host)


def test_an_allow_entry_opens_one_destination_in_one_spelling():
    rule = AllowRule(["127.0.0.1:8901", "[::1]:80", " Peer.Test:443 "])
    assert not rule.refuses("http", "127.0.0.1", 8901)
    assert rule.refuses("http", "127.0.0.1", 8902)
    assert rule.refuses("http", "127.1", 8901)
    assert rule.refuses("http", "127.0.0.1", None)
    assert not rule.refuses("http", "::1", None)
    assert rule.names("https", "peer.test", None)
    assert not rule.names("http", "peer.test", None)
    assert not rule.refuses("http", "a-name-is-looked-up.test", None)


def test_a_destination_is_written_with_its_port():
    assert destination("https", "Example.org", None) == "example.org:443"
    assert destination("http", "::1", 99) == "[::1]:99"

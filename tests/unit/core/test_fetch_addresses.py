"""No request reaches an address outside the allow rule: direct, by redirect, by rebinding."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from aiohttp.abc import AbstractResolver

from earmark_core.address import AllowRule
from earmark_core.clock import system_clock
from earmark_core.connection import line, open_socket
from earmark_core.errors import Rejected, Unavailable
from earmark_core.fetch import Fetcher, make_fetcher

_LOOPBACK = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.127.127.127 127.255.255.254 0 0.0.0.0 0.0 00 0x0 00000000000
2130706433 0x7f000001 0x7F000001 0x7f.1 0x7f.0.1 0x7f.0.0.1 0x7f.0x0.0x0.0x1 017700000001 0177.1
0177.0.1 0177.0.0.1 0177.0.0.01 00177.00.00.01 127.0x1 127.0.0x1 127.0.0.1. 2130706433. 0x7f000001.
127.0.0.1.. 0x00007f.1 127.00000.1 localhost LOCALHOST localhost. LocalHost 127.0.0.001
[::1] [::] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:127.0.0.1]
[0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
[2002:7f00:1::] [2001:0:7f00:1::] [::1%25lo] [::1%25eth0] [::ffff:0:127.0.0.1] [fe80::1%25lo]
user@127.0.0.1 user:pw@127.1 a%40b@localhost 127.0.0.1%2f %31%32%37.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1
１２７.0.0.1 ⑴27.0.0.1 loc\u00adalhost ｌｏｃａｌｈｏｓｔ localhost\u3002 name.invalid\\@127.0.0.1
127.0.0.1#@name.invalid 127.0.0.1?@name.invalid name.invalid@127.0.0.1 [::ffff:127.1] [127.0.0.1]
"""
_ELSEWHERE = """
10.0.0.1 10.1 0x0a000001 100.64.0.1 169.254.169.254 0xa9fea9fe 2852039166 169.254.43518 172.16.0.1
192.168.0.1 192.168.1 0300.0250.0.1 198.18.0.1 224.0.0.1 255.255.255.255 168.63.129.16
[fd00:ec2::254] [fe80::1] [ff02::1] [::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] [2001:db8::1]
"""
FORMS = (_LOOPBACK + _ELSEWHERE).split()


@asynccontextmanager
async def canary():
    """Listens on every loopback address and counts who comes."""
    seen: list[object] = []

    async def came(reader, writer) -> None:
        seen.append(writer.get_extra_info("peername"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(came, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    servers = [server]
    if socket.has_ipv6:
        with suppress(OSError):  # a machine without IPv6 has less to reach
            servers.append(await asyncio.start_server(came, "::1", port))
    try:
        yield port, seen
    finally:
        for one in servers:
            one.close()
            await one.wait_closed()


async def refusals(fetcher, urls) -> list[str]:
    """Gives the URLs that were not refused."""
    through = []
    for url in urls:
        try:
            await fetcher.get(url)
        except (Rejected, Unavailable):
            continue
        through.append(url)
    return through


def test_there_are_enough_forms():
    assert len(set(FORMS)) >= 60


def test_no_form_reaches_the_canary_directly():
    async def main() -> None:
        async with canary() as (port, seen), make_fetcher(user_agent="t") as fetcher:
            urls = [f"http://{form}:{port}/" for form in FORMS]
            assert await refusals(fetcher, urls) == []
            assert seen == []

    asyncio.run(main())


def test_no_form_reaches_the_canary_by_redirect(serving):
    async def main() -> None:
        async def onward(asked, writer) -> None:
            place = asked.headers["x-to"]
            writer.write(
                f"HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n".encode()
            )

        async with (
            canary() as (port, seen),
            serving(onward) as front,
            make_fetcher(user_agent="t", allow=[front.allow]) as fetcher,
        ):
            asked = 0
            for form in filter(str.isascii, FORMS):
                for place in (f"http://{form}:{port}/", f"//{form}:{port}/"):
                    with pytest.raises((Rejected, Unavailable)):
                        await fetcher.get(front.url, headers={"x-to": place})
                    asked += 1
            assert seen == []
            assert len(front.asked) == asked > 100

    asyncio.run(main())


def test_what_the_canary_would_have_seen_without_the_rule():
    """Shows that the table is no table of dead addresses."""

    async def main() -> None:
        async with canary() as (port, seen):
            forms = ["127.0.0.1", "0x7f.1", "localhost", "127.0.0.2"]
            allow = [f"{form}:{port}" for form in forms]
            async with make_fetcher(user_agent="t", allow=allow) as fetcher:
                for form in ("127.0.0.1", "localhost", "127.0.0.2"):
                    answer = await fetcher.get(f"http://{form}:{port}/")
                    assert answer.json() == {}
            assert len(seen) == 3

    asyncio.run(main())


class TwoAnswers(AbstractResolver):
    """Says one thing the first time and another the second."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            {"hostname": host, "host": ip, "port": port, "proto": 0, "flags": 0,
             "family": socket.AF_INET6 if ":" in ip else socket.AF_INET}
            for ip in answer
        ]  # fmt: skip

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "answers",
    [
        (["93.184.216.34"], ["127.0.0.1"]),
        (["127.0.0.1"], ["93.184.216.34"]),
        (["93.184.216.34", "127.0.0.1"],),
        (["127.0.0.1", "93.184.216.34"],),
        (["::1", "127.0.0.1"],),
        (["2606:4700::1111", "::1"], ["::ffff:127.0.0.1"]),
    ],
)
def test_rebinding_reaches_nothing(answers):
    """The public answers are refused by the socket, since no test leaves the machine."""
    opened: list[str] = []

    def opener(addr_info):
        opened.append(addr_info[4][0])
        raise ConnectionRefusedError

    async def main() -> None:
        async with canary() as (port, seen):
            fetcher = Fetcher(
                rule=AllowRule(),
                public=line(guarded=True, resolver=TwoAnswers(*answers), opener=opener),
                named=line(guarded=False, opener=opener),
                user_agent="t",
                deadline_seconds=5,
                max_bytes=1000,
                clock=system_clock,
            )
            async with fetcher:
                for _ in range(3):
                    with pytest.raises((Rejected, Unavailable)):
                        await fetcher.get(f"http://rebind.test:{port}/")
            assert seen == []

    asyncio.run(main())
    assert set(opened) <= {"93.184.216.34", "2606:4700::1111"}


def test_the_opener_is_what_connects():
    """The seam of the test above is the real one: an opener that opens is used."""
    opened: list[str] = []

    def opener(addr_info):
        opened.append(addr_info[4][0])
        return open_socket(addr_info)

    async def main() -> None:
        async with canary() as (port, seen):
            transport = line(guarded=False, resolver=TwoAnswers(["127.0.0.1"]), opener=opener)
            request = httpx.Request("GET", f"http://any.test:{port}/")
            response = await transport.handle_async_request(request)
            await response.aclose()
            await transport.aclose()
            assert len(seen) == 1

    asyncio.run(main())
    assert opened == ["127.0.0.1"]


def test_a_blocked_address_is_rejected_and_says_how_to_allow_it():
    async def main() -> None:
        resolver = TwoAnswers(["10.0.0.1", "127.0.0.1"])
        async with make_fetcher(user_agent="t", resolver=resolver) as fetcher:
            with pytest.raises(Rejected, match="not on the open internet") as error:
                await fetcher.get("http://inside.test/feed?token=sesame")
        assert "host:port" in error.value.hint
        assert "sesame" not in str(error.value)

    asyncio.run(main())


def test_the_allow_entry_opens_no_other_port_or_name(serving, plainly):
    async def main() -> None:
        async with serving(plainly()) as one, serving(plainly()) as other:
            async with make_fetcher(user_agent="t", allow=[one.allow]) as fetcher:
                assert (await fetcher.get(one.url)).status == 200
                for url in (
                    other.url,
                    f"http://localhost:{one.port}/",
                    f"http://127.1:{one.port}/",
                ):
                    with pytest.raises((Rejected, Unavailable)):
                        await fetcher.get(url)
            assert other.connections == 0
            assert one.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize("form", ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "10.0.0.1"])
def test_a_stand_in_transport_holds_to_the_rule_for_written_addresses(form):
    def never(_request):
        raise AssertionError("reached")

    async def main() -> None:
        transport = httpx.MockTransport(never)
        async with make_fetcher(user_agent="t", transport=transport) as fetcher:
            with pytest.raises(Rejected):
                await fetcher.get(f"http://{form}/")

    asyncio.run(main())

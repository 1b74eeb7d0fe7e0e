"""What the fetcher does with servers that are slow, large, lying, leading astray or gone."""

import asyncio
import gzip
import os
import socket
import ssl
import subprocess
import tracemalloc
import zlib

import httpx
import pytest

from earmark_core.errors import Interrupted, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.inflate import Bounded


def fetch(handler, serving, *, path="/", method="GET", ask=None, **options):
    """Runs one request against one server and gives (answer, what the server saw)."""

    async def main():
        async with serving(handler) as served:
            fetcher = make_fetcher(user_agent="earmark-test", allow=[served.allow], **options)
            async with fetcher:
                answer = await fetcher.request(method, served.url + path, **(ask or {}))
            return answer, served

    return asyncio.run(main())


def fetching(*servers):
    return make_fetcher(user_agent="t", allow=[served.allow for served in servers])


def test_an_answer_comes_back_whole(serving, plainly):
    answer, served = fetch(
        plainly(body=b'{"a": 1}', X_Thing="yes"),
        serving,
        path="/x?b=2#frag",
        ask={"params": {"c": "3 4"}, "headers": {"X-Key": "k1"}, "secret": "sesame-1"},
    )
    assert answer.status == 200
    assert answer.json() == {"a": 1}
    assert answer.headers["x-thing"] == answer.headers["X-Thing"] == "yes"
    seen = served.asked[0]
    assert seen.path == "/x?b=2&c=3%204" or seen.path == "/x?b=2&c=3+4"
    assert seen.headers["user-agent"] == "earmark-test"
    assert seen.headers["authorization"] == "Bearer sesame-1"
    assert seen.headers["x-key"] == "k1"
    assert seen.headers["accept-encoding"] == "gzip, deflate"
    assert "cookie" not in seen.headers


def test_a_body_is_sent_as_json_form_or_bytes(serving, plainly):
    for ask, kind, body in (
        ({"json": {"a": 1}}, "application/json", b'{"a":1}'),
        ({"data": {"a": "1 2"}}, "application/x-www-form-urlencoded", b"a=1+2"),
        ({"data": b"raw"}, None, b"raw"),
    ):
        _, served = fetch(plainly(), serving, method="POST", ask=ask)
        assert served.asked[0].body.replace(b" ", b"") == body
        assert kind is None or served.asked[0].headers["content-type"] == kind


def test_a_user_name_in_the_url_becomes_a_header_and_no_part_of_the_answer(serving, plainly):
    async def main():
        async with serving(plainly()) as served, fetching(served) as fetcher:
            url = served.url.replace("//", "//ann:pass%40word@")
            return await fetcher.get(url), served

    answer, served = asyncio.run(main())
    assert served.asked[0].headers["authorization"] == "Basic YW5uOnBhc3NAd29yZA=="
    assert "pass" not in answer.url + repr(answer)


def test_cookies_are_not_kept(serving, plainly):
    async def main():
        async with serving(plainly(Set_Cookie="a=b")) as served:
            async with make_fetcher(user_agent="t", allow=[served.allow]) as fetcher:
                await fetcher.get(served.url)
                await fetcher.get(served.url)
            return served

    assert all("cookie" not in asked.headers for asked in asyncio.run(main()).asked)


def test_settings_of_the_environment_send_nothing_through_a_proxy(serving, plainly, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answer, _ = fetch(plainly(), serving)
    assert answer.status == 200


# --- time


async def drip_head(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        writer.write(f"x-{number}: 1\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip_body(_, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def silence(_, writer):
    await asyncio.sleep(3600)


@pytest.mark.parametrize("handler", [drip_head, drip_body, silence])
def test_the_deadline_ends_a_server_that_never_ends(handler, serving):
    with pytest.raises(Interrupted, match="within 1 seconds"):
        fetch(handler, serving, deadline_seconds=1)


def test_the_deadline_counts_all_hops_together(serving):
    async def slow_onward(asked, writer):
        await asyncio.sleep(0.3)
        writer.write(
            f"HTTP/1.1 302 Found\r\nlocation: {asked.path}x\r\ncontent-length: 0\r\n\r\n".encode()
        )

    with pytest.raises(Interrupted, match="within"):
        fetch(slow_onward, serving, deadline_seconds=1)


def test_two_requests_to_one_host_at_a_time(serving):
    at_once = most = 0

    async def count(_, writer):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async def main():
        async with serving(count) as served:
            async with make_fetcher(user_agent="t", allow=[served.allow]) as fetcher:
                answers = await asyncio.gather(*(fetcher.get(served.url) for _ in range(12)))
            assert [answer.status for answer in answers] == [200] * 12

    asyncio.run(main())
    assert most == 2


# --- size


def gzipped(data):
    """gzip without the time of packing: the names of the tests are made of these bytes."""
    return gzip.compress(data, mtime=0)


BOMB = gzipped(bytes(200_000_000))


@pytest.mark.parametrize("packed", [BOMB, BOMB[:1000] + BOMB])
def test_a_bomb_never_unfolds(serving, plainly, packed):
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            fetch(plainly(body=packed, Content_Encoding="gzip"), serving, max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 17_000_000


def feed(body, *chunks):
    for chunk in chunks:
        body.feed(chunk)


def test_the_decoder_never_holds_more_than_the_limit_and_one_byte():
    limit = 100_000
    body = Bounded("gzip", limit)
    with pytest.raises(Malformed, match="larger than 100,000"):
        feed(body, *(BOMB[start : start + 16_384] for start in range(0, len(BOMB), 16_384)))
    assert body.held <= limit + 1


@pytest.mark.parametrize("length", ["2000", ""])
def test_a_body_over_the_limit_is_not_read_on(serving, plainly, length):
    with pytest.raises(Malformed, match="larger than 1,000 bytes"):
        fetch(plainly(body=b"x" * 2000, Content_Length=length), serving, max_bytes=1000)


def test_empty_gzip_members_without_end_are_bounded():
    body = Bounded("gzip", 10_000)
    with pytest.raises(Malformed):
        feed(body, *[gzipped(b"")] * 1_000)
    assert body.held == 0


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzipped(b'["ok"]')),
        ("x-gzip", gzipped(b'["ok"]')),
        ("GZIP", gzipped(b'["o') + gzipped(b'k"]')),
        ("gzip", gzipped(b'["ok"]') + b"\0\0\0"),
        ("deflate", zlib.compress(b'["ok"]')),
        ("deflate", raw_deflate(b'["ok"]')),
        ("identity", b'["ok"]'),
    ],
)
def test_packed_bodies_are_unpacked(serving, plainly, encoding, body):
    answer, _ = fetch(plainly(body=body, Content_Encoding=encoding), serving)
    assert answer.json() == ["ok"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"x"),
        ("gzip, gzip", gzipped(gzipped(b"x"))),
        ("gzip", b"not packed"),
        ("gzip", gzipped(b"x" * 1000)[:-12]),
        ("deflate", b"\xff\xff\xff"),
    ],
)
def test_bodies_that_cannot_be_unpacked_are_malformed(serving, plainly, encoding, body):
    with pytest.raises(Malformed):
        fetch(plainly(body=body, Content_Encoding=encoding), serving)


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_unpacking_does_not_depend_on_how_the_pieces_fall(size):
    data = os.urandom(50_000) + bytes(50_000)
    for encoding, packed in (("gzip", gzipped(data)), ("deflate", zlib.compress(data))):
        body = Bounded(encoding, 100_000)
        for start in range(0, len(packed), size):
            body.feed(packed[start : start + size])
        assert body.finish() == data


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_may_claim_to_be_packed(serving, status):
    async def handler(_, writer):
        writer.write(f"HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\n\r\n".encode())

    answer, _ = fetch(handler, serving)
    assert answer.body == b""
    assert answer.checked() is answer


# --- redirects


def onward(*steps):
    """Answers the n-th request with the n-th of (status, location), then with 200."""
    left = list(steps)

    async def handler(_, writer):
        if not left:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            return
        status, place = left.pop(0)
        line = f"location: {place}\r\n" if place else ""
        writer.write(f"HTTP/1.1 {status} Go\r\n{line}content-length: 0\r\n\r\n".encode())

    return handler


def test_redirects_at_home_keep_the_secret(serving):
    answer, served = fetch(
        onward((301, "/b"), (307, "c?d=1"), (302, "?e")),
        serving,
        path="/a",
        ask={"secret": "sesame-2"},
    )
    assert [asked.path for asked in served.asked] == ["/a", "/b", "/c?d=1", "/c?e"]
    assert {asked.headers["authorization"] for asked in served.asked} == {"Bearer sesame-2"}
    assert answer.url.endswith("/c?e")


def test_five_redirects_are_followed_and_no_more(serving):
    answer, _ = fetch(onward(*[(302, "/x")] * 5), serving)
    assert answer.status == 200
    with pytest.raises(Unavailable, match="more than 5 times"):
        fetch(onward(*[(302, "/x")] * 6), serving)


def test_a_redirect_without_a_place_is_malformed(serving):
    with pytest.raises(Malformed, match="without saying where"):
        fetch(onward((302, "")), serving)


@pytest.mark.parametrize("place", ["file:///etc/passwd", "javascript:alert(1)", "http://["])
def test_a_redirect_to_what_is_no_web_address_is_rejected(serving, place):
    with pytest.raises(Rejected):
        fetch(onward((302, place)), serving)


def test_nothing_of_the_callers_goes_to_another_host(serving, plainly):
    async def main():
        async with serving(plainly()) as far, serving(onward((302, far.url + "/far"))) as near:
            async with fetching(near, far) as fetcher:
                await fetcher.get(
                    near.url,
                    secret="sesame-3",
                    headers={"X-Api-Key": "sesame-4", "Cookie": "s=sesame-5", "Accept": "a/b"},
                )
            return near, far

    near, far = asyncio.run(main())
    assert near.asked[0].headers["x-api-key"] == "sesame-4"
    assert "sesame" not in str(far.asked[0].headers)
    assert far.asked[0].headers["accept"] == "a/b"
    assert far.asked[0].headers["host"] == far.allow


def stand_in(steps):
    """Answers by URL; gives the transport and what it was asked."""
    asked: list[httpx.Request] = []

    def handler(request):
        asked.append(request)
        status, place = steps.get(str(request.url), (200, ""))
        return httpx.Response(status, headers={"location": place} if place else {})

    return httpx.MockTransport(handler), asked


def run(transport, method, url, **ask):
    async def main():
        async with make_fetcher(user_agent="t", transport=transport) as fetcher:
            return await fetcher.request(method, url, **ask)

    return asyncio.run(main())


def test_https_is_never_given_up_for_http():
    transport, asked = stand_in({"https://a.test/": (302, "http://a.test/")})
    with pytest.raises(Rejected, match="https to http"):
        run(transport, "GET", "https://a.test/")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("http://a.test/", "https://a.test/", True),
        ("https://a.test/", "https://a.test:443/b", True),
        ("https://a.test/", "https://A.TEST/b", True),
        ("https://a.test/", "https://a.test:444/", False),
        ("https://a.test/", "https://b.a.test/", False),
        ("http://a.test:8080/", "https://a.test/", False),
    ],
)
def test_the_secret_stays_with_its_origin(old, new, kept):
    transport, asked = stand_in({old: (307, new)})
    run(transport, "GET", old, secret="sesame-6", headers={"x-key": "k"})
    assert ("authorization" in asked[1].headers) is kept
    assert ("x-key" in asked[1].headers) is kept


def test_a_change_is_sent_on_only_within_its_host_and_as_it_was():
    transport, asked = stand_in({"https://a.test/": (308, "/v2")})
    assert run(transport, "POST", "https://a.test/", json={"a": 1}).status == 200
    assert [(one.method, one.content) for one in asked] == [("POST", asked[0].content)] * 2
    for status, place in ((302, "/v2"), (303, "/v2"), (307, "https://b.test/")):
        transport, asked = stand_in({"https://a.test/": (status, place)})
        answer = run(transport, "POST", "https://a.test/", json={"a": 1})
        assert answer.status == status
        assert len(asked) == 1
        with pytest.raises(Rejected, match="moved"):
            answer.checked()


# --- breaking lines


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_refused_connection_is_unavailable_and_nothing_was_delivered():
    async def main():
        port = free_port()
        async with make_fetcher(user_agent="t", allow=[f"127.0.0.1:{port}"]) as fetcher:
            with pytest.raises(Unavailable, match="refuses the connection") as error:
                await fetcher.get(f"http://127.0.0.1:{port}/?token=sesame")
        assert not isinstance(error.value, Interrupted)
        assert "sesame" not in str(error.value)

    asyncio.run(main())


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a..b", "x" * 64 + ".test"])
def test_an_unknown_name_is_unavailable(host):
    async def main():
        async with make_fetcher(user_agent="t") as fetcher:
            with pytest.raises((Unavailable, Rejected)) as error:
                await fetcher.request("POST", f"http://{host}/")
        assert not isinstance(error.value, Interrupted)

    asyncio.run(main())


def breaking(start):
    async def handler(_, writer):
        if start:
            writer.write(start)
            await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    return handler


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf",
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_line_that_breaks_after_the_request_is_interrupted(serving, start, method):
    with pytest.raises(Interrupted):
        fetch(breaking(start), serving, method=method, ask={"json": {}} if method == "POST" else {})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("no"), Unavailable),
        (httpx.ConnectTimeout("no"), Unavailable),
        (httpx.ReadTimeout("no"), Interrupted),
        (httpx.ReadError("no"), Interrupted),
        (httpx.RemoteProtocolError("no"), Interrupted),
    ],
)
def test_a_stand_in_transport_breaks_in_the_same_two_ways(error, kind):
    def handler(_request):
        raise error

    with pytest.raises(Unavailable) as raised:
        run(httpx.MockTransport(handler), "POST", "https://a.test/")
    assert type(raised.value) is kind


def test_a_certificate_nobody_vouches_for_is_refused(serving, plainly, tmp_path, need):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-keyout", key, "-out", cert],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        need("openssl", "apt-get install openssl")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)

    async def main():
        async with serving(plainly(), ssl=context) as served:
            allow = [f"localhost:{served.port}"]
            async with make_fetcher(user_agent="t", allow=allow) as fetcher:
                with pytest.raises(Unavailable, match="certificate") as error:
                    await fetcher.request("POST", f"https://localhost:{served.port}/")
            assert not isinstance(error.value, Interrupted)
            assert served.asked == []

    asyncio.run(main())


# --- secrets and bad input


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a.test/", "http://", "//a.test/", "http://[::1", "http://a.test:99999/",
     "http://a b.test/", "http://a.test/" + "x" * 20_000, "data:text/html,x", "http://\ud800.test/"],
)  # fmt: skip
def test_what_is_no_web_address_is_rejected(url):
    with pytest.raises((Rejected, Unavailable)):
        run(stand_in({})[0], "GET", url)


@pytest.mark.parametrize("bad", ["line\r\nx-evil: 1", "snow☃man", "nul\0"])
def test_a_credential_that_cannot_be_sent_is_rejected_without_being_shown(bad):
    for ask in ({"secret": bad}, {"headers": {"x-key": bad}}, {"headers": {bad: "x"}}):
        transport, asked = stand_in({})
        with pytest.raises(Rejected, match="characters that cannot be sent") as error:
            run(transport, "GET", "https://a.test/", **ask)
        assert bad not in str(error.value)
        assert asked == []


def test_a_line_break_at_the_end_of_a_secret_from_a_file_does_no_harm():
    transport, asked = stand_in({})
    run(transport, "GET", "https://a.test/", secret="sesame-7\n")
    assert asked[0].headers["authorization"] == "Bearer sesame-7"


def test_no_error_says_a_secret(serving, caplog):
    caplog.set_level("DEBUG")
    said = []
    for handler, options in (
        (breaking(b""), {}),
        (silence, {"deadline_seconds": 0.1}),
        (onward((302, "ftp://x/?access_token=sesame-8")), {}),
        (onward((302, "")), {}),
    ):
        with pytest.raises((Unavailable, Rejected, Malformed)) as error:
            fetch(
                handler,
                serving,
                path="/?access_token=sesame-8&api_key=sesame-8",
                ask={"secret": "sesame-8"},
                **options,
            )
        said.append(f"{error.value} {error.value!r} {error.value.__cause__}")
    assert "sesame" not in " ".join(said) + caplog.text

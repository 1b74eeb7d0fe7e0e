"""What the fetcher remembers of addresses carries nothing from one request to another."""

import asyncio

import httpx
import pytest

from earmark_core import target
from earmark_core.errors import Rejected
from earmark_core.fetch import make_fetcher

URL = "https://a.test/feed?b=1"


def asked_by(urls_and_secrets, **options):
    """Asks one after the other with one fetcher; gives the requests as they went out."""
    asked = []

    def handler(request):
        asked.append(request)
        return httpx.Response(200, headers={"etag": "x"})

    async def main():
        transport = httpx.MockTransport(handler)
        async with make_fetcher(user_agent="t", transport=transport, **options) as fetcher:
            for url, secret, headers in urls_and_secrets:
                await fetcher.get(url, secret=secret, headers=headers)

    asyncio.run(main())
    return asked


def test_one_address_with_two_secrets_sends_each_its_own():
    asked = asked_by(
        [(URL, "sesame-a", {}), (URL, "sesame-b", {"X-Key": "k"}), (URL, None, {})]
    )  # fmt: skip
    sent = [one.headers.get("authorization") for one in asked]
    assert sent == ["Bearer sesame-a", "Bearer sesame-b", None]
    assert [one.headers.get("x-key") for one in asked] == [None, "k", None]


def test_a_password_in_an_address_is_for_that_request_only():
    asked = asked_by(
        [("https://ann:sesame-c@a.test/feed", None, {}), ("https://a.test/feed", None, {})]
    )
    assert ["authorization" in one.headers for one in asked] == [True, False]
    assert {str(one.url) for one in asked} == {"https://a.test/feed"}
    assert "ann" not in str(asked[1].headers)


@pytest.mark.parametrize(
    "url",
    [
        "https://ann:sesame@a.test/",
        "https://ann@a.test",
        "https:\\\\ann:sesame@a.test/",
        "https://a.test\\@b.test/",
        "HTTPS://ann:sesame@a.test/",
        "https://a.test:ann@b.test/",
    ],
)
def test_no_address_with_a_user_name_is_remembered(url):
    before = target._remembered.cache_info().currsize
    try:
        aim, _ = target.aimed(url)
    except Rejected:
        pass
    else:
        assert "ann" not in aim.text
    assert target._remembered.cache_info().currsize == before


def test_no_more_addresses_are_remembered_than_was_agreed():
    for number in range(3_000):
        target.aimed(f"https://a.test/{number}")
    known = target._remembered.cache_info()
    assert known.currsize == known.maxsize == 2_048
    target.aimed("https://a.test/" + "x" * 600)  # nor a long one at all
    assert target._remembered.cache_info().misses == known.misses


def test_what_one_fetcher_may_reach_another_may_not():
    """The rule is each fetcher's own, though the address was read before."""
    url = "http://127.0.0.1:9/feed"
    assert len(asked_by([(url, None, {})] * 2, allow=["127.0.0.1:9"])) == 2
    for allow in ([], ["127.0.0.1:10"]):
        with pytest.raises(Rejected):
            asked_by([(url, None, {})], allow=allow)


def test_a_refused_address_is_refused_again():
    async def main():
        transport = httpx.MockTransport(lambda _: httpx.Response(200))
        async with make_fetcher(user_agent="t", transport=transport) as fetcher:
            for _ in range(3):
                with pytest.raises(Rejected):
                    await fetcher.get("http://127.0.0.1/")
                with pytest.raises(Rejected):
                    await fetcher.get("ftp://a.test/")

    asyncio.run(main())


def test_a_request_is_put_together_as_httpx_does_it():
    [ours] = asked_by([(URL, "sesame-d", {"X-Key": "k", "Accept": "a/b", "Host": "evil.test"})])
    httpx_own = httpx.Request("GET", URL, headers={"accept": "a/b", "x-key": "k"})
    for name in ("host", "accept", "x-key"):
        assert ours.headers[name] == httpx_own.headers[name]
    assert ours.content == b""
    assert [name for name, _ in ours.headers.multi_items()].count("host") == 1


def moved_by(steps, url):
    def handler(request):
        status, place = steps.get(str(request.url), (200, ""))
        return httpx.Response(status, headers={"location": place} if place else {})

    async def main():
        transport = httpx.MockTransport(handler)
        async with make_fetcher(user_agent="t", transport=transport) as fetcher:
            return (await fetcher.get(url)).moved_to

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("steps", "moved_to"),
    [
        ({}, ""),
        ({"https://a.test/": (301, "/b")}, "https://a.test/b"),
        ({"https://a.test/": (308, "https://b.test/")}, "https://b.test/"),
        ({"https://a.test/": (301, "/b"), "https://a.test/b": (308, "/c")}, "https://a.test/c"),
        ({"https://a.test/": (301, "/b"), "https://a.test/b": (302, "/c")}, ""),
        ({"https://a.test/": (302, "/b"), "https://a.test/b": (301, "/c")}, ""),
        ({"https://a.test/": (307, "/b")}, ""),
        ({"https://a.test/": (301, "https://u:p@b.test/#x")}, ""),
        ({"https://a.test/": (301, "https://b.test/#x")}, "https://b.test/"),
        ({"https://a.test/": (301, "/b?access_token=sesame")}, ""),
    ],
)
def test_a_move_for_good_is_told(steps, moved_to):
    assert moved_by(steps, "https://a.test/") == moved_to


def test_a_move_of_an_address_with_a_password_is_not_told():
    steps = {"https://a.test/": (301, "https://a.test/b")}
    assert moved_by(steps, "https://ann:sesame-e@a.test/") == ""

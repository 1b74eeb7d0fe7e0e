"""Bluesky against the server that Bluesky publishes: sessions, one record a reply, what is gone.

The PDS has no AppView, and so no search, no notifications and nothing to listen to: what is proven
here is that their absence is told, and everything about replies.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest

from earmark_core.clock import system_clock
from earmark_core.errors import Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_listeners.channels.bluesky import Bluesky
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.oauth import Granted
from earmark_listeners.registry import build
from tests.peers.bluesky_pds import Account, BlueskyPds, bluesky_pds

pytestmark = [pytest.mark.peer, pytest.mark.slow_install, pytest.mark.timeout(1_500)]

T = TypeVar("T")
AT = datetime(2026, 3, 2, 9, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture(scope="session")
def pds(
    tmp_path_factory: pytest.TempPathFactory, need: Callable[[str, str], None]
) -> Iterator[BlueskyPds]:
    with bluesky_pds(tmp_path_factory.mktemp("bluesky"), need) as server:
        yield server


@dataclass
class Brand:
    """Our account, and a listener of it that is built anew for each use, as the engine does."""

    pds: BlueskyPds
    account: Account
    password: str
    memory: dict[str, Any] = field(default_factory=dict)
    transport: httpx.AsyncBaseTransport | None = None

    def use(self, do: Callable[[Bluesky], Awaitable[T]], **options: str) -> T:
        told = {"identifier": self.account.handle, "password": "env:APP", "query": "acme",
                "base_url": self.pds.url, **options}  # fmt: skip

        async def go() -> T:
            fetch = make_fetcher(
                user_agent="earmark tests", allow=self.pds.allow, transport=self.transport
            )
            wiring = Wiring(fetch, system_clock, lambda _: self.password, memory=self.memory)
            listener = build("bluesky", told, wiring)
            assert isinstance(listener, Bluesky)
            try:
                return await do(listener)
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    def poll(self, **options: str) -> None:
        async def all_of(listener: Bluesky) -> None:
            async for _ in listener.poll(None):
                pass

        self.use(all_of, **options)

    def target(self, uri: str) -> Target | Gone:
        return self.use(lambda there: there.target({"uri": uri}))

    def send(self, reply: Outgoing) -> Sent:
        return self.use(lambda there: there.send(reply))

    def find(self, reply: Outgoing) -> Sent | None:
        return self.use(lambda there: there.find(reply))

    def held(self) -> tuple[str, Granted]:
        """Gives the session that is remembered, and under which name."""
        [found] = [(k, v) for k, v in self.memory.items() if isinstance(v, Granted)]
        return found


@pytest.fixture
def brand(pds: BlueskyPds) -> Brand:
    account = pds.account("acmeair")
    return Brand(pds, account, account.password)


@pytest.fixture
def mara(pds: BlueskyPds) -> Account:
    return pds.account("mara")


def reply_to(posted: dict[str, str], text: str = "We are sorry, Mara. 🧳", **more: Any) -> Outgoing:
    return Outgoing(text, {"uri": posted["uri"], "cid": posted["cid"]}, "reply-1", AT, **more)


@pytest.mark.parametrize("kind", ["search", "notifications"])
def test_without_an_appview_there_is_nothing_to_hear_and_that_is_told(
    brand: Brand, kind: str
) -> None:
    with pytest.raises(Unavailable, match=r"502.*UpstreamFailure"):
        brand.poll(kind=kind)


def test_a_wrong_password_waits_for_a_person(brand: Brand) -> None:
    brand.password = "wrong-pass"
    with pytest.raises(Rejected, match="cannot log in") as caught:
        brand.poll()
    assert caught.value.fault == "auth"
    assert "app password" in caught.value.hint
    assert "wrong-pass" not in str(caught.value)


def test_the_same_reply_twice_is_one_post_below_the_root(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    root = pds.post(mara, "Acme Air lost my bag")
    asked = pds.post(mara, "And nobody answers!", reply={"root": root, "parent": root})
    text = f"Sorry, @{mara.handle}! 🧳 https://acme.example/bags #lostbags @nobody.test"
    reply = reply_to(asked, text)

    assert brand.target(asked["uri"]) == Target("And nobody answers!")
    assert brand.find(reply) is None
    first = brand.send(reply)
    assert brand.send(reply) == first
    assert brand.find(reply) == first

    [record] = pds.posts_of(brand.account)
    value = record["value"]
    assert record["uri"] == first.remote_id
    assert value["reply"] == {"root": root, "parent": asked}
    assert (value["text"], value["createdAt"]) == (text, "2026-03-02T09:00:00.123Z")
    raw = text.encode()
    pieces = [raw[f["index"]["byteStart"] : f["index"]["byteEnd"]] for f in value["facets"]]
    assert pieces == [f"@{mara.handle}".encode(), b"https://acme.example/bags", b"#lostbags"]
    assert value["facets"][0]["features"][0]["did"] == mara.did

    pds.delete(brand.account, first.remote_id)
    assert brand.find(reply) is None


class LosesTheAnswer(httpx.AsyncBaseTransport):
    """Lets a reply arrive, and breaks the line before its answer is back."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if request.url.path.endswith("putRecord"):
            await answer.aread()
            await answer.aclose()
            raise httpx.ReadError("broken", request=request)
        return answer

    async def aclose(self) -> None:
        await self.inner.aclose()


def test_a_reply_whose_answer_was_lost_is_found_and_never_doubled(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    reply = reply_to(pds.post(mara, "Acme Air lost my bag"))
    brand.transport = LosesTheAnswer()
    with pytest.raises(Unavailable):
        brand.send(reply)
    brand.transport = None
    found = brand.find(reply)
    assert found is not None
    assert brand.send(reply) == found
    assert [each["uri"] for each in pds.posts_of(brand.account)] == [found.remote_id]


def test_what_was_deleted_is_gone_and_is_not_answered(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    asked = pds.post(mara, "Acme Air lost my bag")
    pds.delete(mara, asked["uri"])
    assert isinstance(brand.target(asked["uri"]), Gone)
    with pytest.raises(ReplyRefused, match="deleted"):
        brand.send(reply_to(asked))
    assert pds.posts_of(brand.account) == []


def test_the_limit_is_the_one_the_rules_say(pds: BlueskyPds, brand: Brand, mara: Account) -> None:
    asked = pds.post(mara, "Acme Air lost my bag")
    family = "👩‍👩‍👧"  # 18 bytes
    exactly = family * 150 + "é" * 150  # 300 characters and 3,000 bytes
    assert Bluesky.rules.misfit(exactly) == ""
    brand.send(reply_to(asked, exactly))
    for too_long, says in ((family * 100 + "é" * 201, "grapheme"), (family * 167, "3000")):
        assert Bluesky.rules.misfit(too_long)
        with pytest.raises(ReplyRefused, match=says):
            brand.send(reply_to(asked, too_long))


def test_a_token_that_ran_out_is_renewed_without_a_login(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    asked = pds.post(mara, "Acme Air lost my bag")
    brand.target(asked["uri"])
    name, held = brand.held()
    later = held.until + timedelta(hours=1)
    expired = pds.expired(held.access)
    brand.memory[name] = Granted(expired, later, held.refresh)
    brand.password = "not needed"
    brand.send(reply_to(asked))
    assert brand.held()[1].access != expired
    assert len(pds.posts_of(brand.account)) == 1


def test_a_session_that_was_ended_is_begun_anew(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    asked = pds.post(mara, "Acme Air lost my bag")
    brand.target(asked["uri"])
    name, held = brand.held()
    pds.call("POST", "com.atproto.server.deleteSession", held.refresh)
    brand.memory[name] = Granted(secrets.token_hex(20), held.until, held.refresh)
    assert brand.target(asked["uri"]) == Target("Acme Air lost my bag")
    assert brand.held()[1].refresh not in ("", held.refresh)


def test_two_listeners_of_an_account_share_one_session(
    pds: BlueskyPds, brand: Brand, mara: Account
) -> None:
    asked = pds.post(mara, "Acme Air lost my bag")
    brand.target(asked["uri"])
    _, held = brand.held()
    brand.password = "not needed"
    brand.use(lambda there: there.target({"uri": asked["uri"]}), kind="notifications", query="")
    assert brand.held()[1] == held

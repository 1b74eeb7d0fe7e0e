"""The whole way of a mention against a Mastodon server that somebody else wrote."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col

from earmark.app import Parts
from earmark_core.clock import FixedClock, system_clock
from earmark_core.model import ALIVE, CaseStatus, Delivery, WindowState
from earmark_core.store import Store, open_store
from earmark_core.tables import Case, Mention, PollWindow, Reply, Source
from earmark_listeners.contract import Outgoing, Target
from tests.peers.house import (
    House,
    actor_of,
    cases_of,
    hashtag,
    listen,
    mentions,
    opened,
    rows,
    stored,
)
from tests.peers.mastodon_mock import BRAND, CUSTOMER, OTHER, MastodonMock
from tests.peers.wire_tap import Cut, Exchange, WireTap

pytestmark = [pytest.mark.peer, pytest.mark.slow]

POSTS = 300
NUMBERS = count(POSTS)
PAGE = 25
TIMELINE = "/api/v1/timelines/tag/brightcup"
NOTIFICATIONS = "/api/v1/notifications"
COMPLAINT = "@brightcup my machine leaks and support is useless. Can you help? #brightcup"


@pytest.fixture
def clock() -> FixedClock:
    """Stands still, but near the time of the server, whose posts it is compared with."""
    return FixedClock(system_clock())


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, clock: FixedClock, tap: WireTap) -> House:
    return House(sqlite_url, tmp_path, clock, tap.allow)


@pytest.fixture
def either_house(store_url: str, tmp_path: Path, clock: FixedClock, tap: WireTap) -> House:
    """On SQLite, then on PostgreSQL."""
    return House(store_url, tmp_path, clock, tap.allow)


@pytest.fixture
def store(house: House) -> Iterator[Store]:
    store = open_store(house.database)
    yield store
    store.close()


def only(found: list[Any]) -> Any:
    [one] = found
    return one


def source(store: Store, source_id: int) -> Source:
    row: Source = only(rows(store, Source, col(Source.id) == source_id))
    return row


def uris(posts: list[dict[str, Any]]) -> set[str]:
    return {post["uri"] for post in posts}


class Latecomers:
    """Posts while a poll is under way: after some pages, and after the empty one that ends it."""

    def __init__(self, server: MastodonMock, path: str) -> None:
        self.server, self.path = server, path
        self.pages = 0
        self.posted = 0

    def __call__(self, exchange: Exchange, stage: str) -> None:
        if stage != "answered" or exchange.address != self.path:
            return
        self.pages += 1
        if self.pages in {2, 7, 12} or exchange.body == b"[]":
            # Each with a number of its own: the same words once more would be a copy.
            self.server.post(OTHER, f"late: {COMPLAINT} {next(NUMBERS)}")
            self.posted += 1


def test_300_posts_in_12_pages_and_none_is_lost_while_others_arrive(
    sqlite_url: str,
    postgres_url: str,
    tmp_path: Path,
    clock: FixedClock,
    mastodon: MastodonMock,
    tap: WireTap,
) -> None:
    """Both sources hear each post: each keeps it once, and it is one case, not two."""
    houses = [House(url, tmp_path, clock, tap.allow) for url in (sqlite_url, postgres_url)]
    sources = []
    mastodon.post(CUSTOMER, f"before: {COMPLAINT}")
    for house in houses:
        with opened(house.database) as store:
            sources.append(listen(store, clock, tag=hashtag(tap.url), us=mentions(tap.url)))
            house.poll()
            assert [m.is_history for m in rows(store, Mention)] == [True, True]
    for number in range(POSTS):
        mastodon.post(CUSTOMER, f"{COMPLAINT} {number}")
    for house, ids in zip(houses, sources, strict=True):
        walk_while_others_post(house, ids["tag"], mastodon, tap, TIMELINE)
        walk_while_others_post(house, ids["us"], mastodon, tap, NOTIFICATIONS)
    for house, ids in zip(houses, sources, strict=True):
        house.later(hours=1)
        house.poll()
        with opened(house.database) as store:
            holds_each_post_once(store, ids, uris(mastodon.tagged("brightcup")))


def walk_while_others_post(
    house: House, source_id: int, server: MastodonMock, tap: WireTap, path: str
) -> None:
    arriving = Latecomers(server, path)
    tap.exchanges.clear()
    tap.at = arriving
    house.later(minutes=5)
    outcome = only(list(house.poll(source_id).values())).outcome
    tap.quiet()
    full = [e for e in tap.exchanges if e.address == path and e.body != b"[]"]
    assert outcome.state is WindowState.complete
    assert len(full) >= POSTS // PAGE
    assert arriving.posted >= 4


def holds_each_post_once(store: Store, ids: dict[str, int], everything: set[str]) -> None:
    assert len(everything) > POSTS + 16
    for source_id in ids.values():
        found = stored(store, source_id)
        assert set(found) == everything
        assert len(found) == len(everything)
    firsts = [m for m in rows(store, Mention) if m.twin_of is None]
    assert {m.uri for m in firsts} == everything
    assert len(firsts) == len(everything)
    assert all(m.score_status for m in firsts)
    alive = rows(store, Case, col(Case.status).in_(ALIVE))
    assert len(alive) == len({case.thread_key for case in alive}) == len(everything) - 1


def approved_reply(parts: Parts, case_id: int, words: str) -> int:
    actor = actor_of(parts.store, parts.clock)
    view = parts.views.case(actor, case_id)
    assert view.last_mention_id is not None
    return parts.replies.send(actor, case_id, words, view.last_mention_id, view.case.version)


def delivered(house: House) -> None:
    """Delivers, and looks once more whether it is there."""
    house.later(seconds=11)  # the time to take it back
    assert house.deliver() == 1
    house.later(seconds=5)
    assert house.deliver() == 1


def test_a_reply_is_threaded_and_the_answer_to_it_comes_back_to_the_same_case(
    either_house: House, mastodon: MastodonMock, tap: WireTap
) -> None:
    house = either_house
    with opened(house.database) as store:
        listen(store, house.clock, us=mentions(tap.url))
        house.poll()
        asked = mastodon.post(CUSTOMER, COMPLAINT)
        house.later(minutes=2)
        house.poll()
        mention = only(rows(store, Mention))
        case = only(cases_of(store, mention.id))

        words = "Sorry to hear that! Which model is it, and where does it leak?"
        house.ask(lambda parts: approved_reply(parts, case.id, words))
        delivered(house)

        said = only(mastodon.below(asked["id"]))
        assert said["in_reply_to_id"] == asked["id"]
        assert (said["account"]["username"], words in said["content"]) == (BRAND, True)
        assert only(mastodon.posts_of(BRAND))["id"] == said["id"]
        reply = only(rows(store, Reply))
        assert (reply.state, reply.remote_id) == (Delivery.confirmed, said["id"])
        assert only(rows(store, Case)).status == CaseStatus.waiting

        mastodon.post(CUSTOMER, "@brightcup the small one, it is still broken!", below=said["id"])
        house.later(minutes=2)
        house.poll()
        first, answer = rows(store, Mention)
        assert (answer.thread_key, answer.parent_id) == (first.thread_key, said["id"])
        assert [c.id for c in cases_of(store, answer.id)] == [case.id]
        assert only(rows(store, Case)).status == CaseStatus.open


def test_the_same_key_twice_is_one_post_and_find_knows_it(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap
) -> None:
    ids = listen(store, house.clock, us=mentions(tap.url))
    house.poll()
    mastodon.post(CUSTOMER, COMPLAINT)
    house.later(minutes=2)
    house.poll()
    mention = only(rows(store, Mention))
    reply = Outgoing("We are on it.", mention.reply_ref, "key-1", house.clock())

    async def twice() -> None:
        parts = house.parts()
        responder = parts.responder_for(ids["us"])
        assert responder is not None
        target = await responder.target(mention.reply_ref)
        assert isinstance(target, Target)
        assert target.text == mention.body
        assert await responder.find(reply) is None
        first = await responder.send(reply)
        assert (await responder.send(reply)).remote_id == first.remote_id
        assert await responder.find(reply) == first
        await parts.aclose()

    asyncio.run(twice())
    assert len(mastodon.posts_of(BRAND)) == 1


def test_a_wait_that_was_asked_for_is_obeyed_across_a_restart(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap
) -> None:
    """The limit strikes after two of four pages; what was stored stays, the rest comes later."""
    ids = listen(store, house.clock, tag=hashtag(tap.url, limit=5))
    house.poll()
    for number in range(20):
        mastodon.post(CUSTOMER, f"{number} {COMPLAINT}")
    house.later(minutes=2)

    def limit_after_two(exchange: Exchange, stage: str) -> None:
        if stage == "told" and len(tap.exchanges) == 2:
            mastodon.fault(TIMELINE, "ratelimit")

    tap.exchanges.clear()
    tap.at = limit_after_two
    outcome = house.poll()["tag"].outcome
    tap.quiet()
    assert (outcome.state, outcome.pages) == (WindowState.rate_limited, 2)
    limited = source(store, ids["tag"])
    assert limited.not_before == house.clock() + timedelta(seconds=300)
    assert limited.next_poll_at >= limited.not_before
    assert limited.error_streak == 0
    assert len(stored(store, ids["tag"])) == 10

    mastodon.heal()
    tap.exchanges.clear()
    house.later(seconds=299)
    assert house.poll() == house.poll(ids["tag"]) == {}  # nor for a person's "poll now"
    assert tap.exchanges == []
    house.later(seconds=1)
    assert house.poll(ids["tag"])["tag"].outcome.state is WindowState.complete
    assert tap.exchanges != []
    assert set(stored(store, ids["tag"])) == uris(mastodon.tagged("brightcup"))
    assert len(stored(store, ids["tag"])) == 20
    assert source(store, ids["tag"]).not_before is None


def test_a_wrong_token_waits_for_a_person_and_the_other_source_goes_on(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap
) -> None:
    house.token = "wrong"
    ids = listen(store, house.clock, tag=hashtag(tap.url), us=mentions(tap.url))
    mastodon.post(CUSTOMER, COMPLAINT)
    outcomes = house.poll()
    assert outcomes["us"].outcome.needs_person
    assert outcomes["tag"].outcome.state is WindowState.complete
    ill = source(store, ids["us"])
    assert (ill.needs_person, ill.cursor, "wrong" in ill.error) == (True, None, False)
    assert len(stored(store, ids["tag"])) == 1


FAULTS: dict[str, dict[str, Any]] = {
    "no JSON": {"kind": "malformed", "truncate": False},
    "half of a JSON": {"kind": "malformed"},
    "500": {"kind": "status", "status": 500},
    "503 without a word on when": {"kind": "status", "status": 503},
    "an object in place of a list": {"kind": "status", "status": 200, "body": {"posts": []}},
    "a web page": {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    "too slow": {"kind": "latency", "delay_ms": 2500},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_window_and_moves_no_cursor(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap, fault: str
) -> None:
    house.request_seconds = 1 if fault == "too slow" else 30

    def breaks() -> None:
        effect = dict(FAULTS[fault])
        mastodon.fault(TIMELINE, effect.pop("kind"), **effect)

    fails_once_and_recovers(house, store, mastodon, tap, breaks)


@pytest.mark.parametrize("stage", ["asked", "answered", "half"])
def test_a_cut_connection_fails_the_window_and_moves_no_cursor(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap, stage: str
) -> None:
    def cut(_exchange: Exchange, now: str) -> None:
        if now == stage:
            raise Cut

    def breaks() -> None:
        tap.at = cut

    fails_once_and_recovers(house, store, mastodon, tap, breaks)


def fails_once_and_recovers(
    house: House, store: Store, mastodon: MastodonMock, tap: WireTap, breaks: Any
) -> None:
    ids = listen(store, house.clock, tag=hashtag(tap.url))
    mastodon.post(CUSTOMER, COMPLAINT)
    house.poll()
    before = source(store, ids["tag"])
    for number in range(3):
        mastodon.post(CUSTOMER, f"{COMPLAINT} {number}")
    breaks()
    house.later(hours=1)
    outcome = house.poll()["tag"].outcome
    assert outcome.state is WindowState.failed
    assert outcome.error
    after = source(store, ids["tag"])
    assert (after.cursor, after.error_streak, after.needs_person) == (before.cursor, 1, False)
    assert after.lease_until is None
    assert len(stored(store, ids["tag"])) == 1

    mastodon.heal()
    tap.quiet()
    house.later(hours=1)
    assert house.poll()["tag"].outcome.state is WindowState.complete
    assert set(stored(store, ids["tag"])) == uris(mastodon.tagged("brightcup"))
    assert len(stored(store, ids["tag"])) == 4
    assert [w.state for w in rows(store, PollWindow)] == ["complete", "failed", "complete"]
    assert source(store, ids["tag"]).error == ""

"""Meta's deliveries into real stores, and the polls that reconcile them.

Through the real server they go in test_webhook.py.
"""

import asyncio
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from earmark.app import Parts, assemble
from earmark.hooks import Hooks
from earmark.jobs import do
from earmark_config.settings import load_settings
from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.jobs import claim
from earmark_core.store import Store
from earmark_core.tables import Brand, Job, Mention, MentionRevision, PollWindow, Quarantine, Source
from earmark_dashboard.services import Taken

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRETS = {"T": "t0ken", "APP": "the app's secret", "OTHER": "another app's", "V": "say hello"}
MADE = int((START - timedelta(minutes=5)).timestamp())


class Meta:
    """Answers as the Graph API does, with what the test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[httpx.Request] = []
        self.while_asked: Callable[[], None] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.while_asked()
        found = self.answers.get(request.url.path, {"data": []})
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)


@pytest.fixture
def meta() -> Meta:
    return Meta()


@pytest.fixture
def parts(store_url: str, tmp_path: Path, clock: FixedClock, meta: Meta) -> Iterator[Parts]:
    settings = load_settings(None, {"EARMARK_DATABASE_URL": store_url}, {"data_dir": tmp_path})
    transport = httpx.MockTransport(meta)
    door = make_fetcher(user_agent="tests", transport=transport, clock=clock)
    parts = assemble(settings, clock=clock, rng=random.Random(1), secrets=SECRETS)
    yield replace(parts, fetcher=door)
    asyncio.run(parts.aclose())


def add_source(store: Store, clock: FixedClock, name: str, channel: str = "facebook",
               **options: Any) -> int:  # fmt: skip
    own = {"facebook": {"page_id": "100"}, "instagram": {"user_id": "200", "username": "acme"}}
    told = {"token": "env:T", "app_secret": "env:APP", "verify_token": "env:V",
            **own[channel], **options}  # fmt: skip
    with store.write() as session:
        brand = session.exec(select(Brand)).first() or Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id or 0, channel=channel, name=name, options=told, takes_all=True,
            interval_seconds=900, min_interval_seconds=120,
            next_poll_at=clock() + timedelta(minutes=15), created_at=clock(),
        )  # fmt: skip
        session.add(source)
        session.flush()
        return source.id or 0


def comment(verb: str = "add", text: str = "It leaks.", **more: Any) -> dict[str, Any]:
    value = {
        "item": "comment", "verb": verb, "comment_id": "7_1", "post_id": "100_7",
        "parent_id": "100_7", "message": text, "created_time": MADE,
        "from": {"id": "5", "name": "Ines"}, **more,
    }  # fmt: skip
    return {"field": "feed", "value": value}


def signed(*changes: Any, what: str = "page", account: str = "100", at: int = MADE,
           secret: str = "APP") -> tuple[dict[str, str], bytes]:  # fmt: skip
    said = {"object": what, "entry": [{"id": account, "time": at, "changes": list(changes)}]}
    body = json.dumps(said).encode()
    made = hmac.new(SECRETS[secret].encode(), body, "sha256").hexdigest()
    return {"x-hub-signature-256": f"sha256={made}"}, body


def deliver(parts: Parts, *changes: Any, key: str = "1", **how: Any) -> Taken:
    head, body = signed(*changes, **how)
    return asyncio.run(Hooks(parts).deliver(key, head, body))


def rows(store: Store, table: Any) -> list[Any]:
    with store.read() as session:
        return list(session.exec(select(table).order_by(col(table.id))).all())


def test_a_comment_is_a_mention_at_once_and_the_poll_adds_nothing(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Page")
    assert deliver(parts, comment()) == Taken(202, {"items": 1, "new": 1})
    raw = {"id": "7_1", "message": "It leaks.", "from": {"id": "5", "name": "Ines"},
           "created_time": datetime.fromtimestamp(MADE, UTC).isoformat()}  # fmt: skip
    meta.answers["/v25.0/100/feed"] = {"data": [{"id": "100_7", "comments": {"data": [raw]}}]}
    assert poll(parts).new_items == 0
    (mention,) = rows(parts.store, Mention)
    assert (mention.external_id, mention.body, mention.revision) == ("7_1", "It leaks.", 1)
    assert (mention.thread_key, mention.identity) == ("100_7", "facebook:5")
    assert mention.url == "https://www.facebook.com/100/posts/7?comment_id=1"


def test_in_whatever_order_they_come_the_newest_words_stay(parts, clock) -> None:
    add_source(parts.store, clock, "Page")
    first = signed(comment())
    second = signed(comment("edited", "It leaks less."), at=MADE + 60)
    third = signed(comment("edited", "It is mended."), at=MADE + 90)
    for head, body in (second, first, third, second, first, third, first):
        assert asyncio.run(Hooks(parts).deliver("1", head, body)).status == 202
    (mention,) = rows(parts.store, Mention)
    assert (mention.body, mention.revision) == ("It is mended.", 2)
    assert mention.published_at == datetime.fromtimestamp(MADE, UTC)
    assert mention.edited_at == datetime.fromtimestamp(MADE + 90, UTC)
    assert [old.body for old in rows(parts.store, MentionRevision)] == ["It leaks less."]


def test_what_a_poll_read_since_is_not_undone_by_an_old_edit(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Page")
    deliver(parts, comment())
    raw = {"id": "7_1", "message": "As it stands now.",
           "created_time": datetime.fromtimestamp(MADE, UTC).isoformat()}  # fmt: skip
    meta.answers["/v25.0/100/feed"] = {"data": [{"id": "100_7", "comments": {"data": [raw]}}]}
    assert poll(parts).new_items == 1
    deliver(parts, comment("edited", "As it stood before."), at=MADE + 60)
    (mention,) = rows(parts.store, Mention)
    assert (mention.body, mention.revision) == ("As it stands now.", 2)


def test_what_was_removed_is_blanked_and_never_comes_back(parts, clock) -> None:
    add_source(parts.store, clock, "Page")
    deliver(parts, comment())
    deliver(parts, comment("remove"), at=MADE + 60)
    deliver(parts, comment())
    (mention,) = rows(parts.store, Mention)
    assert (mention.body, mention.gone_at) == ("", clock())


def test_removed_before_it_was_heard_it_is_not_stored_at_all(parts, clock) -> None:
    add_source(parts.store, clock, "Page")
    deliver(parts, comment("remove"), at=MADE + 60)
    assert deliver(parts, comment(), comment(comment_id="7_2")).status == 202
    assert [mention.external_id for mention in rows(parts.store, Mention)] == ["7_2"]


def test_one_address_serves_all_pages_and_kinds_of_the_app(parts, clock) -> None:
    """Meta knows one address for an app; a source of another app takes nothing of it."""
    comments = add_source(parts.store, clock, "Comments")
    posts = add_source(parts.store, clock, "Posts", kind="posts")
    other = add_source(parts.store, clock, "Other Page", page_id="101")
    foreign = add_source(parts.store, clock, "Other app", app_secret="env:OTHER")
    add_source(parts.store, clock, "Gram", "instagram")
    entries = [("100", [comment(), comment(item="status")]), ("101", [comment(comment_id="8_1")])]
    told_of = [{"id": page, "time": MADE, "changes": changes} for page, changes in entries]
    said = {"object": "page", "entry": told_of}
    body = json.dumps(said).encode()
    made = hmac.new(SECRETS["APP"].encode(), body, "sha256").hexdigest()
    head = {"x-hub-signature-256": f"sha256={made}"}
    told = asyncio.run(Hooks(parts).deliver(str(posts), head, body))
    assert told == Taken(202, {"items": 3, "new": 3})
    found = {(m.source_id, m.external_id) for m in rows(parts.store, Mention)}
    assert found == {(comments, "7_1"), (posts, "100_7"), (other, "8_1")}
    assert foreign not in {window.source_id for window in rows(parts.store, PollWindow)}


def test_a_paused_source_takes_nothing_and_holds_nobody_up(parts, clock) -> None:
    paused = add_source(parts.store, clock, "Paused")
    with parts.store.write() as session:
        session.get(Source, paused).is_enabled = False
    awake = add_source(parts.store, clock, "Awake")
    assert deliver(parts, comment(), key=str(paused)) == Taken(202, {"items": 1, "new": 1})
    assert [mention.source_id for mention in rows(parts.store, Mention)] == [awake]


def test_what_is_not_told_in_full_makes_the_next_poll_come_soon(parts, clock) -> None:
    source_id = add_source(parts.store, clock, "Ratings", kind="ratings")
    with parts.store.write() as session:
        session.get(Source, source_id).last_polled_at = clock() - timedelta(seconds=30)
    change = {"field": "ratings", "value": {"item": "rating", "verb": "add"}}
    assert deliver(parts, change).status == 202
    assert next_poll(parts, source_id) == clock() + timedelta(seconds=90), "120 after the last"
    clock.forward(timedelta(hours=1))
    deliver(parts, change)
    assert next_poll(parts, source_id) < clock(), "it is due already"


def test_told_while_a_poll_is_under_way_another_one_follows_soon(parts, clock, meta) -> None:
    """That poll may have read past the place before."""
    source_id = add_source(parts.store, clock, "Ratings", kind="ratings")
    change = {"field": "ratings", "value": {"item": "rating", "verb": "add"}}
    head, body = signed(change)
    hooks = Hooks(parts)

    def told() -> None:
        clock.forward(timedelta(seconds=1))
        assert hooks._take("1", head, body).status == 202  # in the thread of the poll

    meta.while_asked = told
    assert poll(parts).error == ""
    assert next_poll(parts, source_id) == clock() + timedelta(seconds=120)
    meta.while_asked = lambda: None
    clock.forward(timedelta(seconds=120))
    assert poll(parts).error == ""
    assert next_poll(parts, source_id) > clock() + timedelta(minutes=10)


def test_a_change_that_cannot_be_read_is_kept_and_the_rest_is_stored(parts, clock) -> None:
    source_id = add_source(parts.store, clock, "Page")
    told = deliver(parts, comment(), comment(comment_id=""))
    assert told == Taken(202, {"items": 1, "new": 1})
    assert [bad.reason for bad in rows(parts.store, Quarantine)] == ["there is no id"]
    assert next_poll(parts, source_id) == clock()
    assert deliver(parts, comment(comment_id="")).status == 202, "Meta would send it for hours"


def mention_of_us(parts: Parts) -> Taken:
    change = {"field": "mentions", "value": {"media_id": "17", "comment_id": "18"}}
    return deliver(parts, change, what="instagram", account="200")


def work(parts: Parts, clock: FixedClock) -> None:
    job = claim(parts.store, clock())
    assert job is not None
    asyncio.run(do(parts, parts.pipeline(), job))


def test_a_mention_that_is_only_named_is_read_by_its_number(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Names", "instagram", kind="mentioned")
    assert mention_of_us(parts).status == 202
    assert rows(parts.store, Mention) == []
    said = {"id": "18", "text": "@acme it leaks", "timestamp": "2026-03-02T08:50:00+0000",
            "username": "ines", "media": {"id": "17"}}  # fmt: skip
    meta.answers["/v25.0/200"] = {"mentioned_comment": said, "id": "200"}
    work(parts, clock)
    assert "comment_id(18)" in meta.asked[-1].url.params["fields"]
    (mention,) = rows(parts.store, Mention)
    assert (mention.external_id, mention.body) == ("18", "@acme it leaks")
    assert mention.reply_ref == {"media_id": "17", "mention_id": "18"}
    assert [job.state for job in rows(parts.store, Job)] == ["done"]


def test_a_mention_that_cannot_be_read_now_is_read_later(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Names", "instagram", kind="mentioned")
    mention_of_us(parts)
    meta.answers["/v25.0/200"] = httpx.Response(503)
    work(parts, clock)
    assert claim(parts.store, clock()) is None
    said = {"id": "18", "text": "@acme it leaks", "media": {"id": "17"}}
    meta.answers["/v25.0/200"] = {"mentioned_comment": said}
    clock.forward(timedelta(minutes=6))
    work(parts, clock)
    assert [mention.external_id for mention in rows(parts.store, Mention)] == ["18"]


def test_a_mention_that_is_gone_meanwhile_is_never_stored(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Names", "instagram", kind="mentioned")
    mention_of_us(parts)
    error = {"message": "It does not exist", "type": "OAuthException", "code": 100,
             "error_subcode": 33}  # fmt: skip
    meta.answers["/v25.0/200"] = httpx.Response(400, json={"error": error})
    work(parts, clock)
    assert rows(parts.store, Mention) == []
    assert [job.state for job in rows(parts.store, Job)] == ["done"]


def test_an_instagram_comment_gets_its_address_from_the_poll(parts, clock, meta) -> None:
    add_source(parts.store, clock, "Gram", "instagram")
    value = {"id": "18", "text": "It leaks", "from": {"id": "6", "username": "ines"},
             "media": {"id": "17"}}  # fmt: skip
    told = deliver(parts, {"field": "comments", "value": value}, what="instagram", account="200")
    assert told.body == {"items": 1, "new": 1}
    assert [mention.url for mention in rows(parts.store, Mention)] == [""]
    made = datetime.fromtimestamp(MADE, UTC).isoformat()
    raw = {"id": "18", "text": "It leaks", "username": "ines", "timestamp": made}
    media = {
        "id": "17",
        "permalink": "https://www.instagram.com/p/Cx/",
        "comments": {"data": [raw]},
    }
    meta.answers["/v25.0/200/media"] = {"data": [media]}
    assert poll(parts).new_items == 0
    (mention,) = rows(parts.store, Mention)
    assert (mention.url, mention.revision) == ("https://www.instagram.com/p/Cx/", 1)


def test_a_handshake_tells_nothing_but_yes_and_no(parts, clock) -> None:
    add_source(parts.store, clock, "Page", slug="page")
    add_source(parts.store, clock, "Bare", verify_token="")
    hello = {"hub.mode": "subscribe", "hub.challenge": "77", "hub.verify_token": "say hello"}

    def greet(key: str, **more: str) -> Taken:
        return asyncio.run(Hooks(parts).handshake(key, hello | more))

    assert greet("page") == Taken(200, text="77")
    assert greet("page", **{"hub.verify_token": "guess"}) == Taken(403, {"error": "not accepted"})
    assert greet("2") == Taken(403, {"error": "not accepted"})
    assert greet("none").status == greet("99").status == 404


def test_handshakes_wait_their_turn_with_the_deliveries(parts, clock) -> None:
    add_source(parts.store, clock, "Page")
    hooks = Hooks(parts)

    async def flood() -> list[Taken]:
        return await asyncio.gather(*(hooks.handshake("1", {}) for _ in range(40)))

    assert {told.status for told in asyncio.run(flood())} == {403, 429}


def poll(parts: Parts) -> Any:
    async def body() -> Any:
        pipeline = parts.pipeline()
        (due,) = await pipeline.claim(only=1)
        return (await pipeline.poll(due)).outcome

    return asyncio.run(body())


def next_poll(parts: Parts, source_id: int) -> datetime:
    with parts.store.read() as session:
        return session.get(Source, source_id).next_poll_at

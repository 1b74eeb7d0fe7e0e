"""kill -9 at 50 points of ingest and delivery, against a server that somebody else wrote.

The points are drawn from a seed (EARMARK_KILL_SEED chooses another): at a stage of a chosen
request on the wire, or just before or after the commit of a chosen transaction. Six of the kills
hit `earmark worker` itself. The server never gets to see our Idempotency-Key: some servers pass
over it, so what keeps a reply from going out twice must be our own doing.
"""

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col

from earmark.app import rules_of
from earmark_core.clock import system_clock
from earmark_core.model import ALIVE, Delivery
from earmark_core.store import Store, open_store
from earmark_core.tables import Case, CaseMention, Mention, Reply, Source
from earmark_core.tables.columns import table_of
from earmark_queue.replies import Replies
from earmark_queue.views import Views
from tests.peers.house import actor_of, hashtag, listen, mentions, rows, stored
from tests.peers.kill_yard import KillYard, OnTheWire, newest_mentions
from tests.peers.lean_worker import Mortal
from tests.peers.mastodon_mock import CUSTOMER, OTHER, MastodonMock
from tests.peers.wire_tap import STAGES, WireTap

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

SEED = int(os.environ.get("EARMARK_KILL_SEED", "3"))
KILLS = 25
REAL = 3
COMPLAINTS, CHATTER = 4, 2
Point = OnTheWire | Mortal

HEARING_WIRE = (
    "GET /api/v1/timelines/tag/brightcup",
    "GET /api/v1/notifications",
    "GET /api/v1/accounts/verify_credentials",
)
HEARING_ROWS = {  # and how many such transactions a run is sure to have
    "^INSERT INTO mention ": 4,
    "^UPDATE source SET cursor": 4,
    "^UPDATE mention SET score_status": 1,
    "^UPDATE mention SET decided_at": 1,
    "^INSERT INTO case_mention": 1,
    "^UPDATE source SET lease_until": 8,
    "^(UPDATE|DELETE FROM) poll_window": 6,
}
SENDING_WIRE = (
    "POST /api/v1/statuses",
    "POST /api/v1/statuses",
    "POST /api/v1/statuses",
    r"GET /api/v1/statuses/\d+",
    r"GET /api/v1/statuses/\d+/context",
)


def drawn(
    rng: random.Random, in_rows: list[Mortal], requests: tuple[str, ...], most: int
) -> list[Point]:
    """Gives 25 points in any order: those in the rows, and the rest on the wire.

    A run is sure to have *most* exchanges of each kind.
    """
    points: list[Point] = [*in_rows]
    for number in range(KILLS - len(in_rows)):
        request, stage = requests[number % len(requests)], rng.choice(STAGES)
        points.append(OnTheWire(request, rng.randint(1, most), stage, is_real=number < REAL))
    rng.shuffle(points)
    return points


def hearing_points(rng: random.Random) -> list[Point]:
    in_rows = [
        Mortal(wrote, rng.randint(1, most), after)
        for wrote, most in HEARING_ROWS.items()
        for after in (False, True)
    ]
    return drawn(rng, in_rows, HEARING_WIRE, 3)


def sending_points(rng: random.Random) -> list[Point]:
    in_rows = [
        Mortal("^UPDATE reply SET", n, after) for n in range(1, 7) for after in (False, True)
    ]
    return drawn(rng, in_rows, SENDING_WIRE, 2)


@pytest.fixture
def store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(sqlite_template, tmp_path / "earmark.db")
    store = open_store(f"sqlite:///{tmp_path / 'earmark.db'}")
    yield store
    store.close()


@pytest.fixture
def yard(tmp_path: Path, store: Store, mastodon: MastodonMock, tap: WireTap) -> KillYard:
    tap.strip = frozenset({"idempotency-key"})
    return KillYard(tmp_path, store, mastodon, tap)


def post_some(server: MastodonMock, number: int) -> list[dict[str, str]]:
    """Posts complaints, each of which needs an answer, and chatter, which does not."""
    posts = []
    for one in range(COMPLAINTS + CHATTER):
        words = "saw a poster of @brightcup in town today #brightcup"
        if one < COMPLAINTS:
            words = f"@brightcup my machine {number}-{one} is broken, can you help? #brightcup"
        posted = server.post(CUSTOMER if one % 2 else OTHER, words)
        is_complaint = "yes" if one < COMPLAINTS else ""
        posts.append({"id": posted["id"], "uri": posted["uri"], "is_complaint": is_complaint})
    return posts


def kill_while_hearing(yard: KillYard, rng: random.Random) -> list[dict[str, str]]:
    ids = {source.name: source.id for source in rows(yard.store, Source)}
    posts: list[dict[str, str]] = []
    for number, point in enumerate(hearing_points(rng)):
        posts += post_some(yard.server, number)
        yard.kill_at(point)
        tagged = [(post["id"], post["uri"]) for post in posts]
        told = newest_mentions(yard.server, 2 * (COMPLAINTS + CHATTER))
        yard.check_hearing({ids["tag"]: tagged, ids["us"]: told})
    return posts


def everything_is_heard(yard: KillYard, posts: list[dict[str, str]]) -> Callable[[], bool]:
    uris = {post["uri"] for post in posts}

    def is_done() -> bool:
        sources = rows(yard.store, Source)
        heard = all(set(stored(yard.store, source.id)) >= uris for source in sources)
        return heard and yard.is_understood()

    return is_done


def check_understanding(yard: KillYard, posts: list[dict[str, str]]) -> None:
    """I1, I3, I4 over all that was posted."""
    uris = sorted(post["uri"] for post in posts)
    for source in rows(yard.store, Source):
        assert sorted(stored(yard.store, source.id)) == uris
    firsts = [mention for mention in rows(yard.store, Mention) if mention.twin_of is None]
    assert sorted(mention.uri for mention in firsts) == uris
    assert all(mention.score_status for mention in firsts)
    alive = rows(yard.store, Case, col(Case.status).in_(ALIVE))
    assert sorted(c.thread_key for c in alive) == sorted(
        post["uri"] for post in posts if post["is_complaint"]
    )
    assert len(rows(yard.store, Case)) == len(alive)
    with yard.store.read() as session:
        links = session.exec(table_of(CaseMention).select()).all()
    assert len({link.mention_id for link in links}) == len(links) == len(alive)


def approve(yard: KillYard, case_id: int) -> None:
    """Approves a reply whose words name its own row, so that it is known on the server."""
    actor = actor_of(yard.store, system_clock)
    replies = Replies(yard.store, system_clock, rules_of, undo=timedelta(0))
    view = Views(yard.store, system_clock).case(actor, case_id)
    number = len(rows(yard.store, Reply)) + 1
    assert view.last_mention_id is not None
    words = f"Sorry! Please write to us, this is reply {number}."
    made = replies.send(actor, case_id, words, view.last_mention_id, view.case.version)
    assert made == number


def kill_while_sending(yard: KillYard, rng: random.Random) -> None:
    waiting = [case.id for case in rows(yard.store, Case)]
    for point in sending_points(rng):
        for _ in range(2):
            approve(yard, waiting.pop(0))
        yard.kill_at(point)
        yard.check_deliveries()


def test_50_kills_lose_nothing_and_send_nothing_twice(yard: KillYard) -> None:
    sys.stdout.write(f"seed {SEED}\n")
    rng = random.Random(SEED)
    url = yard.tap.url
    sources = {"tag": hashtag(url, limit=5), "us": mentions(url, limit=5)}
    listen(yard.store, system_clock, every=1, **sources)
    yard.run_until(lambda: all(s.first_polled_at for s in rows(yard.store, Source)))

    posts = kill_while_hearing(yard, rng)
    yard.run_until(everything_is_heard(yard, posts))
    check_understanding(yard, posts)

    kill_while_sending(yard, rng)
    yard.run_until(lambda: not yard.posts_in_question())
    yard.check_deliveries()
    replies = rows(yard.store, Reply)
    assert [reply.state for reply in replies] == [Delivery.confirmed] * len(replies)
    assert len(replies) == 2 * KILLS
    assert len(yard.kills) == 2 * KILLS
    assert sum("earmark worker" in kill for kill in yard.kills) == 2 * REAL
    check_understanding(yard, posts)

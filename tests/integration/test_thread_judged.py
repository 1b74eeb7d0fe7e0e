"""What is clicked in a thread reaches the real services, and is there when it is read again."""

from dataclasses import replace
from typing import Any

import pytest

from earmark.scoring import score_pending
from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Brand, Case, CaseMention, Match, Mention, Source, Topic
from earmark_dashboard import wire
from earmark_dashboard.actions import handle
from earmark_dashboard.services import Services
from earmark_dashboard.state import InboxState
from earmark_listeners.contract import ChannelRules
from earmark_queue.cases import Cases
from earmark_queue.judging import Judging
from earmark_queue.views import Views
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.scorer import HeadScorer
from tests.dashboard.fakes import FakeDesk, fake_services

MIA = Actor("Mia", Role.responder)
VIC = Actor("Vic", Role.viewer)
SCORER = HeadScorer()
ENGLISH = "The screen is great but the battery died after two days and nobody answers."
SPANISH = "La cafetera llegó rota y nadie contesta a mis correos desde hace tres semanas."


class Thread:
    """A case with an English and a Spanish mention, read and judged as the page does it."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.clock = clock
        self.services: Services = replace(
            fake_services(FakeDesk(clock)),
            cases=Cases(store, clock),
            views=Views(store, clock),
            judging=Judging(store, clock),
        )
        with store.write() as session:
            brand = Brand(name="Acme", created_at=clock())
            session.add(brand)
            session.flush()
            self.brand = int(brand.id or 0)
            source = Source(
                brand_id=self.brand, channel="town", name="s", next_poll_at=clock(),
                created_at=clock(),
            )  # fmt: skip
            session.add(source)
            for name in ("Screen", "Battery"):
                words = [name.lower()]
                session.add(
                    Topic(brand_id=self.brand, area="Product", name=name, words=words,
                          created_at=clock())
                )  # fmt: skip
            session.flush()
            self.mentions = [
                Mention(
                    source_id=int(source.id or 0), external_id=text, channel="town", body=text,
                    seen_at=clock(), happened_at=clock(), content_hash=text, thread_key="t",
                )
                for text in (ENGLISH, SPANISH)
            ]  # fmt: skip
            session.add_all(self.mentions)
            session.flush()
            self.english, self.spanish = (int(one.id or 0) for one in self.mentions)
            case = Case(
                brand_id=self.brand, channel="town", thread_key="t", status="open",
                priority="low", priority_rank=0, opened_at=clock(), updated_at=clock(),
                last_inbound_at=clock(), last_mention_id=self.english,
            )  # fmt: skip
            session.add(case)
            session.flush()
            self.case = int(case.id or 0)
            for mention_id in (self.english, self.spanish):
                session.add(Match(mention_id=mention_id, brand_id=self.brand))
                session.add(CaseMention(case_id=self.case, mention_id=mention_id))
        while score_pending(store, BrandScorers(SCORER), ("Acme",), clock):
            pass

    def say(self, action: str, actor: Actor = MIA, **fields: Any) -> str:
        state = InboxState(case_id=self.case)
        payload = {"action": action, "nonce": "n", "id": self.case, **fields}
        handle(payload, self.services, actor, state)
        assert state.outcome is not None
        return state.outcome.kind

    def seen(self, mention_id: int) -> dict[str, Any]:
        view = self.services.views.case(MIA, self.case)
        topics = self.services.judging.topics(MIA, self.brand)
        sent = wire.thread(view, ChannelRules(), MIA, [], [], False, topics)
        assert sent["topics"] == [("Product", ["Battery", "Screen"])]
        return next(one for one in sent["entries"] if one["id"] == mention_id)


@pytest.fixture
def thread(store: Store, clock: FixedClock) -> Thread:
    return Thread(store, clock)


def test_the_thread_says_how_each_mention_stands(thread: Thread) -> None:
    english, spanish = thread.seen(thread.english), thread.seen(thread.spanish)
    assert (english["status"], english["label"]) == ("scored", "negative")
    assert 0.34 <= english["sure"] <= 1
    assert english["model"] == SCORER.model_id
    assert {one["topic"] for one in english["aspects"]} == {"Screen", "Battery"}
    assert (spanish["status"], spanish["label"], spanish["sure"]) == (
        "unscored_language",
        None,
        None,
    )
    assert (spanish["lang"], spanish["langSure"] > 0.5) == ("es", True)


def test_each_word_of_a_person_is_kept_and_its_opposite_takes_it_back(thread: Thread) -> None:
    for relevant in (False, True):
        assert thread.say("relevance", mention=thread.english, relevant=relevant) == "done"
        assert thread.seen(thread.english)["relevant"] is relevant
    for needs in (True, False):
        assert thread.say("needs_answer", mention=thread.spanish, needs=needs) == "done"
        assert thread.seen(thread.spanish)["needs"] is needs
    for label in ("positive", "none", "negative"):
        said = {"mention": thread.english, "area": "Product", "topic": "Screen", "label": label}
        assert thread.say("aspect", **said) == "done"
        found = {one["topic"]: one["human"] for one in thread.seen(thread.english)["aspects"]}
        assert found == {"Screen": label, "Battery": None}
    assert thread.say("correct", mention=thread.spanish, label="negative") == "done"
    spanish = thread.seen(thread.spanish)
    assert (spanish["label"], spanish["human"]) == (None, "negative")


def test_a_topic_only_a_person_saw_is_added_and_one_the_brand_has_not_is_refused(
    thread: Thread,
) -> None:
    said = {"mention": thread.spanish, "area": "Product", "label": "negative"}
    assert thread.say("aspect", **said, topic="Battery") == "done"
    (found,) = thread.seen(thread.spanish)["aspects"]
    assert (found["topic"], found["label"], found["human"]) == ("Battery", None, "negative")
    assert thread.say("aspect", **said, topic="Weather") == "refused"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("correct", {"label": "positive"}),
        ("relevance", {"relevant": False}),
        ("needs_answer", {"needs": True}),
        ("aspect", {"area": "Product", "topic": "Screen", "label": "none"}),
    ],
)
def test_a_viewer_is_refused_whatever_the_page_shows(
    thread: Thread, action: str, fields: dict[str, Any]
) -> None:
    before = thread.seen(thread.english)
    assert thread.say(action, VIC, mention=thread.english, **fields) == "refused"
    assert thread.seen(thread.english) == before

"""A small brand with people who work for it and customers who talk, on either database."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import (
    AuditEntry,
    Brand,
    Case,
    Match,
    Mention,
    Person,
    Policy,
    Reply,
    SlaClock,
    Source,
)
from earmark_listeners.contract import ChannelRules, Gone, Outgoing, Responder, Sent, Target
from earmark_queue.cases import Cases
from earmark_queue.outbox import Outbox, Pace
from earmark_queue.replies import Replies
from earmark_queue.rows import CaseRow
from earmark_queue.views import Views

COMPLAINT = [{"kind": "complaint", "words": "never arrived"}]
QUESTION = [{"kind": "question", "words": "when will"}]
PRAISE = [{"kind": "praise", "words": "thanks"}]


class Platform:
    """A made-up platform: what stands on it, and a script of what goes wrong next."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.posts: list[tuple[str, str]] = []  # (key, text) of each public reply
        self.hidden = 0  # looks for which our reply is not to be seen yet
        self.script: dict[str, list[BaseException | str]] = {"target": [], "send": [], "find": []}
        self.calls: list[str] = []
        self.knows_keys = False

    def _next(self, step: str) -> BaseException | str | None:
        self.calls.append(step)
        return self.script[step].pop(0) if self.script[step] else None

    async def target(self, ref: Any) -> Target | Gone:
        told = self._next("target")
        if isinstance(told, BaseException):
            raise told
        text = self.texts.get(ref["id"])
        return Gone("deleted") if text is None else Target(text)

    async def send(self, reply: Outgoing) -> Sent:
        told = self._next("send")
        if isinstance(told, BaseException):
            raise told
        self.posts.append((reply.key, reply.text))
        if told is not None:
            raise {"lost": ConnectionResetError}.get(told, KeyError)(told)
        return Sent(f"r{len(self.posts)}", "https://social.example/r")

    async def find(self, reply: Outgoing) -> Sent | None:
        told = self._next("find")
        if isinstance(told, BaseException):
            raise told
        if self.hidden:
            self.hidden -= 1
            return None
        for number, (_, text) in enumerate(self.posts, start=1):
            if text == reply.text:
                return Sent(f"r{number}", "https://social.example/r")
        return None


class Desk:
    """What a test works with."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store = store
        self.clock = clock
        self.platform = Platform()
        self.responder: Responder | None = self.platform
        self.rules = ChannelRules(can_reply=True, max_length=100)
        self.cases = Cases(store, clock)
        self.replies = Replies(store, clock, lambda _: self.rules)
        self.views = Views(store, clock)
        self.rng = Random(7)
        self.people: dict[Role, Actor] = {}
        self._said = 0
        with store.write() as session:
            brand = Brand(name="Acme", created_at=clock())
            rival = Brand(name="Rival", is_competitor=True, created_at=clock())
            session.add_all([brand, rival])
            session.flush()
            self.brand_id, self.rival_id = int(brand.id or 0), int(rival.id or 0)
            session.add(Policy(brand_id=self.brand_id))
            source = Source(
                brand_id=self.brand_id,
                channel="town",
                name="Town square",
                next_poll_at=clock(),
                created_at=clock(),
            )
            session.add(source)
            for role in Role:
                person = Person(name=role.capitalize(), role=role, created_at=clock())
                session.add(person)
                session.flush()
                self.people[role] = Actor(person.name, role, person.id)
            other = Person(name="Robin", role=Role.responder, created_at=clock())
            session.add(other)
            session.flush()
            self.robin = Actor("Robin", Role.responder, other.id)
            self.source_id = int(source.id or 0)
        self.mia = self.people[Role.responder]
        self.boss = self.people[Role.manager]

    def outbox(self, **pace: Any) -> Outbox:
        return Outbox(self.store, self.clock, lambda _: self.responder, self.rng, pace=Pace(**pace))

    def say(
        self,
        body: str = "My parcel never arrived",
        *,
        who: str = "ann",
        thread: str = "t1",
        brand: int | None = 0,
        **more: Any,
    ) -> int:
        """Stores a scored mention that matches the brand and gives its id."""
        self._said += 1
        name = f"m{self._said}"
        values: dict[str, Any] = {
            "source_id": self.source_id,
            "external_id": name,
            "channel": "town",
            "url": f"https://town.example/{name}",
            "body": body,
            "identity": f"town:{who}" if who else "",
            "author_name": who.capitalize(),
            "author_handle": f"@{who}" if who else "",
            "thread_key": thread,
            "reply_ref": {"id": name},
            "seen_at": self.clock(),
            "happened_at": self.clock(),
            "content_hash": name,
            "score_status": "scored",
            "label": "negative",
            "p_neg": 0.7,
            "cues": COMPLAINT,
            "scored_at": self.clock(),
        }
        with self.store.write() as session:
            mention = Mention(**(values | more))
            session.add(mention)
            session.flush()
            mention_id = int(mention.id or 0)
            if brand is not None:
                session.add(
                    Match(
                        mention_id=mention_id,
                        brand_id=brand or self.brand_id,
                        clause='"acme"',
                        is_counted=True,
                    )
                )
        self.platform.texts[name] = body
        return mention_id

    def thank(self, **more: Any) -> int:
        nice = {"label": "positive", "p_neg": 0.01, "cues": PRAISE}
        return self.say("Thanks a lot!", **(nice | more))

    def edit(self, mention_id: int, body: str, **more: Any) -> None:
        """Does what the store does when a source serves other words for a known mention."""
        with self.store.write() as session:
            mention = session.get_one(Mention, mention_id)
            mention.body = body
            mention.revision += 1
            mention.edited_at = self.clock()
            mention.decided_at = None
            for name, value in more.items():
                setattr(mention, name, value)
            session.add(mention)
            self.platform.texts[mention.external_id] = body

    def decide(self) -> int:
        return self.cases.decide_pending()

    def open(self, **more: Any) -> CaseRow:
        """Says something bad and gives the case that comes of it."""
        self.say(**more)
        self.decide()
        with self.store.read() as session:
            newest = session.exec(select(Case.id).order_by(col(Case.id).desc())).first()
        return self.row(int(newest or 0))

    def row(self, case_id: int) -> CaseRow:
        return self.views.case(self.mia, case_id).case

    def case(self, case_id: int) -> Case:
        with self.store.read() as session:
            case = session.get_one(Case, case_id)
            session.expunge(case)
            return case

    def all_cases(self) -> list[Case]:
        with self.store.read() as session:
            cases = list(session.exec(select(Case).order_by(col(Case.id))).all())
            session.expunge_all()
            return cases

    def reply(self, reply_id: int) -> Reply:
        with self.store.read() as session:
            reply = session.get_one(Reply, reply_id)
            session.expunge(reply)
            return reply

    def clocks(self, case_id: int) -> list[tuple[str, str]]:
        with self.store.read() as session:
            rows = session.exec(
                select(SlaClock.target, SlaClock.state)
                .where(SlaClock.case_id == case_id)
                .order_by(col(SlaClock.id))
            ).all()
        return [(target, state) for target, state in rows]

    def audit(self, subject: str, subject_id: int) -> list[AuditEntry]:
        with self.store.read() as session:
            rows = list(
                session.exec(
                    select(AuditEntry)
                    .where(AuditEntry.subject == subject, AuditEntry.subject_id == subject_id)
                    .order_by(col(AuditEntry.id))
                ).all()
            )
            session.expunge_all()
            return rows

    def send(self, case_id: int, body: str = "So sorry!", actor: Actor | None = None) -> int:
        """Sends as from a page that was just opened."""
        view = self.views.case(self.mia, case_id)
        assert view.last_mention_id is not None
        return self.replies.send(
            actor or self.mia, case_id, body, view.last_mention_id, view.case.version
        )

    def later(self, **step: float) -> None:
        self.clock.forward(timedelta(**step))


@pytest.fixture
def desk(store: Store, clock: FixedClock) -> Desk:
    return Desk(store, clock)


@pytest.fixture
def lite_desk(sqlite_store: Store, clock: FixedClock) -> Desk:
    return Desk(sqlite_store, clock)


@pytest.fixture
def new_desk() -> Callable[[Store, FixedClock], Desk]:
    return Desk

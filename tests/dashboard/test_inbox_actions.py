"""What a click does, without a page: every action, refusal and conflict."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import NotAllowed
from earmark_core.model import Label
from earmark_dashboard.actions import handle
from earmark_dashboard.services import Services
from earmark_dashboard.state import InboxState
from tests.dashboard.fakes import ME, FakeDesk, fake_services

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CASE = 1002


class Room:
    def __init__(self) -> None:
        self.desk = FakeDesk(FixedClock(NOW))
        self.services: Services = fake_services(self.desk)
        self.state = InboxState(case_id=CASE)

    def do(self, action: str, **fields: Any) -> None:
        payload = {"action": action, "nonce": f"n-{action}", "id": CASE, "version": 1, **fields}
        handle(payload, self.services, ME, self.state)

    @property
    def case(self) -> Any:
        return self.desk.cases[CASE].case


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize(
    ("action", "fields", "name", "value"),
    [
        ("claim", {}, "owner", "sam"),
        ("assign", {"person": 2}, "owner", "noor"),
        ("assign", {"person": None}, "owner", None),
        ("snooze", {"until": (NOW + timedelta(hours=1)).isoformat()}, "status", "snoozed"),
        ("resolve", {}, "status", "resolved"),
        ("dismiss", {"reason": "Not about us"}, "status", "dismissed"),
        ("priority", {"priority": "urgent"}, "priority", "urgent"),
        ("correct", {"mention": CASE * 10, "label": "positive"}, "label", "positive"),
    ],
)
def test_an_action_changes_the_case_and_says_so(
    room: Room, action: str, fields: dict[str, Any], name: str, value: Any
) -> None:
    room.do(action, **fields)
    assert getattr(room.case, name) == value
    assert room.state.outcome is not None
    assert (room.state.outcome.kind, room.state.ack) == ("done", f"n-{action}")


def test_ending_a_case_goes_to_the_next_and_offers_to_undo(room: Room) -> None:
    room.do("resolve", then=1003)
    assert room.state.case_id == 1003
    assert room.state.outcome is not None
    assert room.state.outcome.undo == CASE
    room.do("reopen")
    assert room.case.status == "open"


def test_a_case_that_changed_meanwhile_is_a_conflict_and_stays_open(room: Room) -> None:
    room.desk.change(CASE, None, "Assigned", owner="noor")
    room.do("resolve", then=1003)
    assert room.state.outcome is not None
    assert room.state.outcome.kind == "conflict"
    assert room.state.case_id == CASE
    assert room.case.status != "resolved"


def test_a_case_somebody_else_holds_is_a_conflict(room: Room) -> None:
    room.desk.change(CASE, None, "Assigned", owner="noor")
    room.do("claim", version=2)
    assert room.state.outcome is not None
    assert "noor" in room.state.outcome.message
    assert room.state.outcome.kind == "conflict"


def test_a_refusal_is_told_with_what_to_do(room: Room) -> None:
    room.desk.fail = NotAllowed("A viewer may not resolve a case.", hint="Ask a manager to do it.")
    room.do("resolve")
    assert room.state.outcome is not None
    assert room.state.outcome.kind == "refused"
    assert room.state.outcome.hint == "Ask a manager to do it."


def test_sending_says_what_was_seen(room: Room) -> None:
    seen = room.desk.cases[CASE].last_mention_id
    room.do("send", body="Sorry!", seen=seen)
    assert room.desk.log[-1] == ("send", CASE, "Sorry!", seen)
    assert room.state.outcome is not None
    assert room.state.outcome.message == "On its way"


def test_a_copy_that_was_chosen_is_named(room: Room) -> None:
    seen = room.desk.cases[CASE].last_mention_id
    room.do("send", body="Sorry!", seen=seen, copy=100801)
    assert room.desk.log[-1] == ("send", CASE, "Sorry!", seen, 100801)
    room.do("posted", body="Sorry!", url="", copy=100802)
    assert room.desk.log[-1] == ("posted", CASE, "Sorry!", "", 100802)


def test_sending_to_what_was_not_read_is_a_conflict_and_sends_nothing(room: Room) -> None:
    room.do("send", body="Sorry!", seen=1)
    assert room.state.outcome is not None
    assert room.state.outcome.kind == "conflict"
    assert not [entry for entry in room.desk.log if entry[0] == "send"]


def test_a_failed_reply_can_be_tried_again_cancelled_or_confirmed(room: Room) -> None:
    reply = 10053
    for action, state in (("retry", "approved"), ("cancel", "cancelled"), ("confirm", "confirmed")):
        handle({"action": action, "nonce": "n", "reply": reply}, room.services, ME, room.state)
        entries = room.desk.cases[1005].entries
        assert [entry.state for entry in entries if entry.id == reply] == [state]


def test_an_answer_given_by_hand_keeps_its_link(room: Room) -> None:
    room.do("posted", body="Thanks", url=" https://social.example/1 ")
    assert room.desk.log[-1] == ("posted", CASE, "Thanks", "https://social.example/1")


def test_a_draft_is_kept_and_measured_as_the_channel_counts(room: Room) -> None:
    room.do("draft", body="Half a sent", channel="mastodon")
    assert room.desk.log[-1] == ("draft", CASE, "Half a sent")
    assert room.state.measured == ("Half a sent", 11)


def test_snoozing_into_the_past_is_refused(room: Room) -> None:
    room.do("snooze", until=(NOW - timedelta(minutes=1)).isoformat())
    assert room.state.outcome is not None
    assert room.state.outcome.kind == "refused"
    assert room.case.status != "snoozed"


def test_moving_about_changes_the_place_and_nothing_else(room: Room) -> None:
    before = dict(room.desk.cases)
    room.do("view", view="mine")
    room.do("filter", brand=1, channel="mastodon", search=" late ")
    room.do("older", after="50")
    assert room.state.trail == ["50"]
    room.do("newer")
    room.do("pick", id=1010)
    room.do("explain", mention=10100)
    state = room.state
    assert (state.view, state.brand_id, state.channel, state.search) == (
        "mine",
        1,
        "mastodon",
        "late",
    )
    assert (state.case_id, state.receipt_for, state.trail, state.outcome) == (1010, 10100, [], None)
    room.do("explain", mention=10100)
    assert room.state.receipt_for is None
    assert room.desk.cases == before


def test_another_view_starts_at_its_first_page(room: Room) -> None:
    room.do("older", after="50")
    room.do("view", view="all")
    assert room.state.trail == []


def test_a_change_is_read_anew_but_a_choice_is_not(room: Room) -> None:
    room.state.remember("list", "key", "rows")
    room.do("pick", id=1010)
    assert room.state.remembered("list", "key") == "rows"
    room.do("note", body="Seen")
    assert room.state.remembered("list", "key") is None


def test_a_heartbeat_leaves_no_trace(room: Room) -> None:
    room.state.ack = "before"
    room.do("beat")
    assert (room.state.ack, room.state.outcome) == ("before", None)


@pytest.mark.parametrize("label", list(Label))
def test_each_tone_can_be_said(room: Room, label: Label) -> None:
    room.do("correct", mention=CASE * 10, label=str(label))
    assert room.case.label == label


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        ("relevance", {"relevant": False}, ("relevance", (7,), 1, False)),
        ("relevance", {"relevant": True}, ("relevance", (7,), 1, True)),
        ("needs_answer", {"needs": True}, ("needs_answer", (7,), True)),
        ("needs_answer", {"needs": False}, ("needs_answer", (7,), False)),
        (
            "aspect",
            {"area": "Product", "topic": "Screen", "label": "positive"},
            ("aspect", (7,), 1, "Product", "Screen", Label.positive),
        ),
        (
            "aspect",
            {"area": "Product", "topic": "Screen", "label": "none"},
            ("aspect", (7,), 1, "Product", "Screen", None),
        ),
    ],
)
def test_what_a_person_says_of_a_mention_is_kept_for_the_brand_of_the_case(
    room: Room, action: str, fields: dict[str, Any], said: tuple[Any, ...]
) -> None:
    room.state.remember("case", "key", "as it was")
    room.do(action, mention=7, brand=99, brand_id=99, **fields)
    assert room.services.judging.said == [said]  # type: ignore[attr-defined]  # the fake's own
    assert room.state.outcome is not None
    assert (room.state.outcome.kind, room.state.outcome.undo) == ("done", None)
    assert room.state.remembered("case", "key") is None
    assert room.state.case_id == CASE


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("relevance", {}),
        ("relevance", {"relevant": "no"}),
        ("relevance", {"relevant": 0}),
        ("needs_answer", {"needs": None}),
        ("aspect", {"area": "Product", "topic": "Screen"}),
        ("aspect", {"area": "Product", "topic": "Screen", "label": None}),
        ("aspect", {"area": 1, "topic": "Screen", "label": "none"}),
        ("correct", {"label": "none"}),
        ("correct", {"label": "negative", "mention": 2**70}),
    ],
)
def test_half_a_judgement_is_none(room: Room, action: str, fields: dict[str, Any]) -> None:
    before = dict(room.desk.cases)
    room.do(action, **{"mention": CASE * 10, **fields})
    assert room.state.outcome is not None
    assert room.state.outcome.kind == "refused"
    assert room.services.judging.said == []  # type: ignore[attr-defined]  # the fake's own
    assert room.desk.cases == before


values = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.lists(st.integers())
ACTIONS = [
    "claim", "assign", "snooze", "resolve", "dismiss", "reopen", "note", "correct", "priority",
    "send", "posted", "approve", "cancel", "retry", "pick", "view", "filter", "older", "explain",
    "draft", "beat", "relevance", "needs_answer", "aspect", "nonsense", "",
]  # fmt: skip


@given(
    st.sampled_from(ACTIONS),
    st.dictionaries(
        st.sampled_from(["id", "version", "until", "body", "seen", "person", "label", "mention",
                         "then", "reply", "brand", "search", "channel", "nonce", "priority",
                         "relevant", "needs", "area", "topic"]),
        values,
    ),
)  # fmt: skip
def test_nothing_a_browser_sends_breaks_the_page(action: str, fields: dict[str, Any]) -> None:
    room = Room()
    handle({**fields, "action": action}, room.services, ME, room.state)


@given(values)
def test_what_is_no_payload_is_ignored(payload: Any) -> None:
    room = Room()
    handle(payload, room.services, ME, room.state)
    assert room.state.outcome is None

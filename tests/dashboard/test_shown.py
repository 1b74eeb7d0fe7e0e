"""What the components are sent, and what figures say."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_dashboard import charts, figures, wire
from earmark_dashboard.pages.start import words_of
from earmark_listeners.contract import ChannelRules
from earmark_queue.rows import InboxPage
from earmark_sentiment.trends import Tally, TrendPoint
from tests.dashboard import understood
from tests.dashboard.fakes import ME, PEOPLE, FakeDesk

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "given_on"),
    [
        ("https://a.example/x", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("//a.example", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url: str, given_on: bool) -> None:
    assert wire.link(url) == (url if given_on else "")


def test_controls_that_turn_the_writing_are_seen() -> None:
    assert wire.shown("left \u202etfel") == "left ⟨RLO⟩tfel"
    assert wire.shown("a\u2067b\u2069") == "a⟨RLI⟩b⟨PDI⟩"


def test_joined_emoji_and_right_to_left_words_stay_as_they_are() -> None:
    for text in ("👩\u200d💻 ok", "שלום", "سلام عليكم", "e\u0301"):
        assert wire.shown(text) == text


@given(st.text())
def test_nothing_that_turns_the_writing_is_left(text: str) -> None:
    assert not set(wire.shown(text)) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_a_list_has_no_selection_so_that_a_click_sends_none_of_it_again() -> None:
    desk = FakeDesk(FixedClock(NOW))
    rows = tuple(view.case for view in desk.cases.values())
    from earmark_dashboard.state import InboxState

    one = wire.inbox(InboxPage(rows, "50"), {"all": 64}, [], InboxState(case_id=1))
    two = wire.inbox(InboxPage(rows, "50"), {"all": 64}, [], InboxState(case_id=2))
    assert one == two


def test_counts_are_capped() -> None:
    assert [wire.count(n) for n in (0, 999, 1000, 5000)] == ["0", "999", "999+", "999+"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.viewer, {"act": False, "approve": False}),
        (Role.responder, {"act": True, "approve": False}),
        (Role.approver, {"act": True, "approve": True}),
        (Role.admin, {"act": True, "approve": True}),
    ],
)
def test_a_thread_says_what_the_role_may(role: Role, may: dict[str, bool]) -> None:
    view = FakeDesk(FixedClock(NOW)).cases[1000]
    sent = wire.thread(view, ChannelRules(), Actor("x", role, 9), PEOPLE, [], False)
    assert sent["may"] == may


def test_hostile_links_of_a_mention_and_its_author_are_dropped() -> None:
    view = FakeDesk(FixedClock(NOW)).cases[1000]
    bad = "javascript:alert(1)"
    view = replace(
        view,
        entries=tuple(replace(entry, url=bad) for entry in view.entries),
        contact=replace(view.contact, url=bad),
        thread_url=bad,
    )
    sent = wire.thread(view, ChannelRules(), ME, PEOPLE, [], False)
    assert bad not in str(sent)


def test_a_mention_is_sent_with_all_that_is_known_of_it_and_a_note_with_nothing_else() -> None:
    desk = FakeDesk(FixedClock(NOW))
    understood.tell(desk)
    one, _event, note = (wire.entry(entry) for entry in desk.cases[1002].entries)
    assert (one["label"], one["rating"], one["conflict"], one["sure"]) == (
        "negative",
        1,
        True,
        0.98,
    )
    assert set(note) == {"kind", "id", "at", "who", "text"}
    two = wire.entry(desk.cases[1001].entries[0])
    assert (two["label"], two["status"]) == (None, "unscored_language")
    assert (two["lang"], two["langSure"], two["sure"]) == ("es", 0.93, None)
    three = wire.entry(desk.cases[1003].entries[0])
    assert (three["label"], three["human"]) == ("neutral", "negative")
    assert (three["relevant"], three["needs"]) == (False, False)
    assert three["aspects"][0]["human"] == "none"


def test_a_thread_knows_the_topics_by_area_and_stays_small() -> None:
    desk = FakeDesk(FixedClock(NOW))
    understood.tell(desk)
    topics = [("Product", "Screen"), ("Service", "Delivery"), ("Product", "Battery")]
    sent = wire.thread(desk.cases[1000], ChannelRules(), ME, PEOPLE, [], False, topics)
    assert sent["topics"] == [("Product", ["Screen", "Battery"]), ("Service", ["Delivery"])]
    assert len(json.dumps(sent)) < 5_000


def test_earlier_mentions_are_shown_with_the_label_that_holds() -> None:
    view = FakeDesk(FixedClock(NOW)).cases[1000]
    past = replace(view.contact.history[0], label="positive", human_label="negative", title="T")
    view = replace(view, contact=replace(view.contact, history=(past,)))
    sent = wire.thread(view, ChannelRules(), ME, PEOPLE, [], False)
    assert [(one["label"], one["text"]) for one in sent["contact"]["history"]] == [
        ("negative", "T")
    ]


def test_figures_of_nothing_are_dashes_not_zeros() -> None:
    nothing = Tally()
    assert figures.net(nothing) == figures.NONE
    assert figures.share(0, 0) == figures.NONE
    assert figures.interval(nothing) == "no scored mention"
    assert figures.covered(None) == "coverage not known"
    assert figures.change(nothing, Tally(10, 1, 1, 8)) is None
    assert figures.growth(5, 0) is None


def test_net_sentiment_is_said_with_its_interval_and_n() -> None:
    tally = Tally(210, 20, 80, 100, 10)
    assert figures.net(tally) == "+40.0"
    assert figures.interval(tally).endswith("n 200")


def test_times_are_said_from_now() -> None:
    assert figures.ago(None, NOW) == "never"
    assert figures.ago(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert figures.ago(NOW + timedelta(hours=2), NOW) == "in 2 h"
    assert figures.ago(NOW, NOW) == "now"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=48))
def test_bars_are_drawn_of_numbers_alone(numbers: list[int]) -> None:
    drawn = figures.bars(numbers)
    assert drawn.count("<rect") == len(numbers)
    assert not re.search(r"href|script|on\w+=|<text|<image|<style", drawn)


def test_a_click_on_a_chart_names_a_period_and_a_label() -> None:
    at = int(NOW.timestamp() * 1000)
    day = timedelta(days=1)
    assert figures.picked({"picked": [{"at": at}]}, day) == (NOW, NOW + day, None)
    clicked = {"picked": [{"at": at, "label": "negative"}]}
    assert figures.picked(clicked, day) == (NOW, NOW + day, "negative")
    for nothing in (
        None,
        {},
        {"picked": []},
        {"picked": [{}]},
        {"picked": ["x"]},
        {"picked": [{"at": "x"}]},
    ):
        assert figures.picked(nothing, day) is None


def test_charts_are_drawn_of_plain_figures_with_holes() -> None:
    points = [TrendPoint(NOW, Tally()), TrendPoint(NOW + timedelta(days=1), Tally(4, 1, 1, 1, 1))]
    rows = charts.by_time(points)
    for mode in ("light", "dark"):
        assert charts.net_sentiment(rows, mode).to_dict()
        assert charts.share_of_voice([("A", False, 3), ("B", True, 9)], mode).to_dict()
    assert charts.volume(rows).to_dict()
    assert charts.hours([(0, 0, 1)]).to_dict()
    for mode in ("light", "dark"):  # none is pale on white and dark on black
        scale = charts.hours([(0, 0, 1)], mode).to_dict()["encoding"]["color"]["scale"]
        assert scale["reverse"] is (mode == "light")
    assert charts.net_sentiment([], "light").to_dict()
    assert charts.share_of_voice([], "light").to_dict()


def test_names_in_a_line_are_parted_and_each_is_kept_once() -> None:
    assert words_of(" Acme, acme air ;Acme\n, ") == ("Acme", "acme air")
    assert words_of("") == ()

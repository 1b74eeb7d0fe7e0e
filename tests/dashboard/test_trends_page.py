"""Trends over the fakes: where figures do not compare, and what is found of topics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_dashboard import charts, figures, services, topic_chart
from earmark_sentiment.trends import Marker, Tally, TopicTrend, TrendPoint, TrendSummary
from tests.dashboard.fakes import FakeDesk, FakeTrends, fake_services

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MODEL = Marker(NOW - timedelta(days=2), "model", "head-1", "head-1+b2", 0, 0, {}, "sam")
RESCORE = Marker(NOW, "rescore", "head-1", "head-1+b2", 4000, 120, {}, "sam")
POINTS = [TrendPoint(NOW - timedelta(days=n), Tally(4, 1, 1, 1, 1)) for n in (3, 2, 1, 0)]


def trends() -> None:
    from earmark_dashboard.pages.trends import page

    page()


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    made = FakeDesk(FixedClock(NOW))
    services.provide(fake_services(made))
    yield made
    services._provided.clear()


def run(**state: Any) -> AppTest:
    app = AppTest.from_function(trends, default_timeout=30)
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in app.text)


def values(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    """Gives the data of a layer, wherever Altair keeps it."""
    data = layer.get("data") or spec["data"]
    found: list[dict[str, Any]] = data.get("values") or spec["datasets"][data["name"]]
    return found


def marks_of(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Gives the data of every layer that is drawn of markers."""
    layers = [one for one in spec["layer"] if one["encoding"].get("tooltip")]
    said = [
        one for one in layers if {"what"} & {tip["field"] for tip in one["encoding"]["tooltip"]}
    ]
    return [values(spec, one) for one in said]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_both_charts_over_time_carry_a_rule_with_words_where_the_model_changed(mode: str) -> None:
    rows, marks = charts.by_time(POINTS), charts.by_marker([MODEL, RESCORE])
    for chart in (
        charts.net_sentiment(rows, mode, marks),
        charts.volume(rows, mode, marks),
    ):
        rule, flag = marks_of(chart.to_dict())
        assert rule == flag
        assert [one["at"] for one in rule] == [
            round(one.at.timestamp() * 1000) for one in (MODEL, RESCORE)
        ]
        assert [one["what"] for one in rule] == [
            "scored by head-1+b2 from here on, by head-1 before",
            "history scored again by head-1+b2: 120 of 4,000 labels changed",
        ]


def test_without_a_change_of_model_nothing_is_marked() -> None:
    rows = charts.by_time(POINTS)
    assert marks_of(charts.net_sentiment(rows, "light", []).to_dict()) == []
    assert marks_of(charts.volume(rows).to_dict()) == []


def test_the_page_draws_the_markers_and_says_them(desk: FakeDesk) -> None:
    app = run()
    drawn = [one.proto.spec for one in app.get("vega_lite_chart")]
    assert ["triangle-down" in spec for spec in drawn] == [True, False, True, False, False]
    assert "▼ 18 Feb 2026 05:00 UTC: scored by head-1+b2 from here on" in words(app)
    assert "120 of 4,000 labels changed" in words(app)


def test_figures_of_several_models_are_never_mixed_in_silence(desk: FakeDesk) -> None:
    said = words(run())
    assert "Figures before 18 Feb 2026 05:00 UTC were made by another model." in said
    assert "head-1 (827 mentions), head-1+b2 (1,656 mentions)" in said
    desk.mixed = False
    app = run()
    assert "another model" not in words(app)
    assert not [one for one in app.get("vega_lite_chart") if "triangle-down" in one.proto.spec]


def test_a_period_that_mixes_without_a_change_in_it_says_so_too() -> None:
    models = (("a", 5), ("b", 4), ("c", 3), ("d", 2))
    said = figures.mixed(TrendSummary(Tally(), Tally(), None, (), models), [RESCORE])
    assert said.startswith("The figures of this period were made by more than one model.")
    assert "a (5 mentions), b (4 mentions), c (3 mentions) and 1 more" in said
    assert figures.mixed(TrendSummary(Tally(), Tally(), None, (), models[:1]), [MODEL]) == ""


def test_topics_stand_by_volume_with_what_is_found_of_them() -> None:
    topics = [
        TopicTrend("Service", "Delivery", Tally(61, 38, 12, 9, 2)),
        TopicTrend("Product", "Screen", Tally(3, 0, 0, 0, 3)),
    ]
    spec = topic_chart.topics(topic_chart.by_topic(topics), "light").to_dict()
    bars = values(spec, spec["layer"][0])
    assert [(one["label"], one["from"], one["to"]) for one in bars[:3]] == [
        ("negative", -44, -6), ("neutral", -6, 6), ("positive", 6, 15),
    ]  # fmt: skip
    assert {one["words"] for one in bars} == {"−49 · n 61", "– · n 3"}
    assert spec["layer"][0]["encoding"]["y"]["sort"] == ["Service · Delivery", "Product · Screen"]
    many = [TopicTrend("Area", f"Topic {n}", Tally(1, 1)) for n in range(40)]
    drawn = topic_chart.topics(topic_chart.by_topic(many), "dark").to_dict()
    assert len(values(drawn, drawn["layer"][0])) == 3 * topic_chart.MOST
    assert topic_chart.topics([], "light").to_dict()


def test_a_topic_opens_the_mentions_behind_it(desk: FakeDesk) -> None:
    chosen = {"selection": {"picked": [{"area": "Product", "topic": "Screen"}]}}
    app = run(topics=chosen, trends_chart="topics")
    narrowed = [one for one in desk.log if one[0] == "narrowed"][-1]
    assert narrowed[4]["topic"] == ("Product", "Screen")
    asked = [one for one in desk.log if one[0] == "mentions"][-1]
    assert asked[2:] == (
        NOW - timedelta(days=30) + timedelta(hours=1),
        NOW + timedelta(hours=1),
        None,
    )
    assert "about Product · Screen" in words(app)
    assert all("Screen" in topics for topics in app.dataframe[0].value["Topics"])


@pytest.mark.parametrize(
    "nothing",
    [None, {}, {"picked": []}, {"picked": ["x"]}, {"picked": [{"area": 1, "topic": "x"}]}],
)
def test_a_click_beside_the_topics_names_none(nothing: Any) -> None:
    assert figures.picked_topic(nothing) is None


def test_topics_and_changes_can_be_read_as_tables(desk: FakeDesk) -> None:
    app = run()
    app.toggle[0].set_value(True).run()
    _, topics, changes = (one.value for one in app.dataframe)
    assert list(topics["topic"]) == ["Delivery", "Battery", "Screen"]
    assert list(topics["n"]) == [61, 40, 22]
    assert len(changes) == 2


def test_a_brand_without_topics_says_what_they_are(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeTrends, "by_topic", lambda *_more: ())
    assert "No topic was named in this period." in words(run())


def test_words_that_begin_like_a_formula_do_not_reach_a_table_as_one(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (TopicTrend("=HYPERLINK()", "+1", Tally(1, 1)),)
    monkeypatch.setattr(FakeTrends, "by_topic", lambda *_more: made)
    app = run()
    app.toggle[0].set_value(True).run()
    assert app.dataframe[1].value["area"][0] == "“=HYPERLINK()”"


def test_one_mention_is_one_and_nothing_moved_has_no_sign() -> None:
    models = (("head-1", 425), ("head-1+b2", 1))
    said = figures.mixed(TrendSummary(Tally(), Tally(), None, (), models), [])
    assert "head-1 (425 mentions), head-1+b2 (1 mention)." in said
    [even] = topic_chart.by_topic([TopicTrend("Service", "Support", Tally(5, 2, 1, 2, 0))])
    assert {part["words"] for part in topic_chart._parts(even)} == {"0 · n 5"}

"""Adding a source and looking after monitors, on the pages, over the fakes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_dashboard import services
from earmark_dashboard.pages.adding import plain_label
from earmark_dashboard.services import Services
from tests.dashboard.fakes import FakeDesk, fake_services
from tests.dashboard.hearing_fakes import FakeBackfills, FakeMonitors, FakeSetup

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def sources() -> None:
    from earmark_dashboard.pages.sources import page

    page()


def monitors() -> None:
    from earmark_dashboard.pages.monitors import page

    page()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(FixedClock(NOW))


@pytest.fixture
def provided(desk: FakeDesk) -> Iterator[Services]:
    made = fake_services(desk)
    services.provide(made)
    yield made
    services._provided.clear()


@pytest.fixture
def setup(provided: Services) -> FakeSetup:
    assert isinstance(provided.setup, FakeSetup)
    return provided.setup


@pytest.fixture
def saved(provided: Services) -> FakeMonitors:
    assert isinstance(provided.monitors, FakeMonitors)
    return provided.monitors


def run(page: Callable[[], None]) -> AppTest:
    return AppTest.from_function(page, default_timeout=30).run()


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*app.text, *app.code))


def press(app: AppTest, label: str) -> AppTest:
    app = next(one for one in app.button if one.label == label).click().run()
    assert not app.exception
    return app


def fill(app: AppTest, label: str, value: str) -> None:
    next(one for one in app.text_input if one.label.startswith(label)).set_value(value)


def test_a_source_is_tried_then_saved_with_what_was_typed(setup: FakeSetup) -> None:
    app = run(sources)
    fill(app, "What to search for", "kettle")
    fill(app, "Name of the source", "Kettles")
    app = press(app, "Test it")
    assert "It answers with 1 item." in words(app)
    assert "The kettle leaks." in str(app.dataframe[0].value)
    assert setup.added == []
    press(app, "Save")
    [source] = setup.added
    assert (source.channel, source.name, source.options) == (
        "square",
        "Kettles",
        {"query": "kettle"},
    )
    assert len(setup.tried) == 1  # it was not tried twice


def test_what_was_not_tried_is_tried_first_and_what_failed_is_saved_only_if_meant(
    setup: FakeSetup,
) -> None:
    app = run(sources)
    fill(app, "What to search for", "down")
    app = press(app, "Save")
    assert "The server answers 503. Try again later." in words(app)
    assert "Press Save again" in words(app)
    assert setup.added == []
    app = press(app, "Save")
    assert len(setup.added) == 1
    assert "Saved." in words(app)


def test_a_wrong_option_is_said_in_words(setup: FakeSetup) -> None:
    assert "query is missing (what to search for)." in words(press(run(sources), "Test it"))


def test_a_channel_that_is_off_by_default_is_warned_of(setup: FakeSetup) -> None:
    app = run(sources)
    channel = next(one for one in app.selectbox if one.label == "Channel")
    app = channel.select_index(1).run()
    assert "Careful: This channel costs money" in words(app)
    assert [one.label for one in app.text_input] == ["Name of the source", "Which road"]


def test_only_a_manager_adds_sources(desk: FakeDesk, setup: FakeSetup) -> None:
    desk.actor = Actor("robin", Role.responder, 1)
    assert not [one for one in run(sources).text_input if "Name" in one.label]


def test_labels_are_shown_as_they_are() -> None:
    assert plain_label("a *b* :red[c] $d$") == r"a \*b\* \:red\[c\] \$d\$"


def test_a_monitor_is_explained_previewed_and_saved_as_its_next_version(
    saved: FakeMonitors,
) -> None:
    app = run(monitors)
    assert "Texts with the word fernweh and no match for the word hotel." in words(app)
    app.text_input(key="query_1_3").set_value("fernweh refund -hotel").run()
    app = press(app, "Preview")
    assert "2 of all 4 mentions of the last 30 days match." in words(app)
    assert "the word refund: keeps out 0 that would match without it" in words(app)
    app = press(app, "Save")
    assert (saved.made[0].query, saved.made[0].version) == ("fernweh refund -hotel", 4)
    assert "It holds for what comes from now on." in words(app)
    press(app, "Turn off")
    assert saved.made[0].is_enabled is False


def test_a_query_that_cannot_be_read_is_marked_at_its_column(saved: FakeMonitors) -> None:
    app = run(monitors)
    app.text_input(key="query_1_3").set_value("fernweh (refund").run()
    app = press(app, "Preview")
    [shown] = app.code
    query, caret, *_ = str(shown.value).splitlines()
    assert (query, caret) == ("fernweh (refund", "        ^")
    press(app, "Save")
    assert saved.made[0].version == 3


def test_a_new_monitor_is_tried_and_added(saved: FakeMonitors) -> None:
    app = run(monitors)
    app.text_input(key="new_query").set_value("northlight OR fernweh").run()
    assert "the word northlight: alone brings in 1" in words(app)
    app.text_input(key="new_name").set_value("Both").run()
    press(app, "Add")
    assert saved.made[-1].name == "Both"


def test_a_viewer_previews_and_changes_nothing(desk: FakeDesk, saved: FakeMonitors) -> None:
    desk.actor = Actor("vera", Role.viewer, 4)
    labels = {one.label for one in run(monitors).button}
    assert "Preview" in labels
    assert not labels & {"Save", "Turn off", "Add"}


def test_history_is_asked_for_watched_and_stopped(provided: Services) -> None:
    backfills = provided.backfills
    assert isinstance(backfills, FakeBackfills)
    app = press(run(sources), "Fetch")
    [(source_id, start, end)] = backfills.asked
    assert (source_id, start, end) == (
        3,
        NOW.replace(day=23, month=2, hour=0),
        NOW.replace(day=3, hour=0),
    )
    assert "opens no case" in words(app)
    app = press(app, "Cancel")
    assert backfills.cancelled == [4]
    assert "Fetched earlier: 12 new mentions." in words(app)


def test_gaps_are_shown_with_their_cause_once_asked_for(provided: Services) -> None:
    app = run(sources)
    assert "What was heard in the last 7 days covers 97.2 % of source-hours." in words(app)
    assert not app.dataframe
    app = next(one for one in app.toggle if one.label.startswith("Gaps")).set_value(True).run()
    [told] = app.dataframe[0].value.to_dict("records")
    assert told == {
        "Not heard from (UTC)": "02 Mar 04:00",
        "To": "02 Mar 05:40",
        "Because": "the poll failed: the server answers 503.",
    }

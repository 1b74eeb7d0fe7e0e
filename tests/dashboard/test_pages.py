"""Each page over the fakes, without a browser."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_dashboard import services
from tests.dashboard.fakes import FakeDesk, fake_services

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def inbox() -> None:
    from earmark_dashboard.pages.inbox import page

    page()


def trends() -> None:
    from earmark_dashboard.pages.trends import page

    page()


def sources() -> None:
    from earmark_dashboard.pages.sources import page

    page()


def outbox() -> None:
    from earmark_dashboard.pages.outbox import page

    page()


def start() -> None:
    from earmark_dashboard.pages.start import page

    page()


def mentions() -> None:
    from earmark_dashboard.pages.mentions import page

    page()


def monitors() -> None:
    from earmark_dashboard.pages.monitors import page

    page()


def whole() -> None:
    from earmark_dashboard.app import show

    show()


def entering() -> None:
    from earmark_dashboard.pages.entering import page

    page()


PAGES = (inbox, trends, sources, outbox, start, mentions, monitors, entering)


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    made = FakeDesk(FixedClock(NOW))
    services.provide(fake_services(made))
    yield made
    services._provided.clear()


def run(page: Callable[[], None], **params: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    for name, value in params.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in app.text)


def press(app: AppTest, label: str) -> AppTest:
    button = next(one for one in app.button if one.label == label)
    return button.click().run()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_a_page_is_shown_without_a_fault(desk: FakeDesk, page: Callable[[], None]) -> None:
    app = run(page)
    assert not app.exception
    assert "demo" in words(app)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_a_page_shows_hostile_words_as_words(page: Callable[[], None]) -> None:
    services.provide(fake_services(FakeDesk(FixedClock(NOW), hostile=True)))
    app = run(page)
    assert not app.exception
    said = [one.value for one in app.markdown]
    assert not [one for one in said if "192.0.2.1" in one or "alert(" in one]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_a_page_shows_nothing_to_nobody(desk: FakeDesk, page: Callable[[], None]) -> None:
    desk.actor = None
    app = run(page)
    assert not app.exception
    assert "not signed in" in words(app)
    assert not app.button


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_the_inbox(desk: FakeDesk, role: Role) -> None:
    desk.actor = Actor("robin", role, 1)
    assert not run(inbox).exception


def test_an_address_that_names_a_case_opens_it(desk: FakeDesk) -> None:
    app = run(inbox, case="1005", view="mine")
    state: Any = app.session_state["inbox"]
    assert (state.case_id, state.view) == (1005, "mine")


@pytest.mark.parametrize("case", ["x", "-1", "9" * 40, "٣", "1005 or 1=1", ""])
def test_an_address_that_names_no_case_is_no_fault(desk: FakeDesk, case: str) -> None:
    app = run(inbox, case=case, brand=case, view=case)
    assert not app.exception


def test_a_case_that_is_gone_is_no_fault(desk: FakeDesk) -> None:
    assert not run(inbox, case="424242").exception


def test_the_inbox_reads_its_list_again_only_when_something_changed(desk: FakeDesk) -> None:
    app = run(inbox)
    assert desk.queries == 1
    app.run()
    assert desk.queries == 1
    desk.counter += 1
    app.run()
    assert desk.queries == 2


def test_trends_say_what_each_figure_rests_on(desk: FakeDesk) -> None:
    app = run(trends)
    assert {metric.label for metric in app.metric} == {
        "Net sentiment", "Mentions", "Negative", "Not scored",
    }  # fmt: skip
    said = words(app)
    assert "95 %" in said
    assert "scored" in said
    assert "of the time heard" in said


def test_trends_can_be_read_as_a_table(desk: FakeDesk) -> None:
    app = run(trends)
    assert not app.dataframe
    app.toggle[0].set_value(True).run()
    assert len(app.dataframe[0].value) >= 30


def test_trends_without_a_brand_say_what_to_do(desk: FakeDesk) -> None:
    desk.own = desk.demo = False
    app = run(trends)
    assert not app.exception
    assert "No brand is listened for yet" in words(app)


def test_a_source_can_be_polled_paused_and_resumed(desk: FakeDesk) -> None:
    app = run(sources)
    assert "The credentials were refused." in words(app)
    app = press(app, "Poll now")
    assert ("poll_now", 1) in desk.log
    assert "The poll is asked for." in words(app)
    app = press(app, "Pause")
    assert "Paused." in words(app)
    app = press(app, "Resume")
    assert "Polled again from now on." in words(app)


def test_a_failed_reply_says_why_and_what_to_do(desk: FakeDesk) -> None:
    app = run(outbox)
    assert "The server refused the reply. Look at the thread, then try again." in words(app)
    app = press(app, "Try again")
    assert "Trying again." in words(app)


def test_a_brand_is_seen_before_it_is_listened_for(desk: FakeDesk) -> None:
    app = run(start)
    app.text_input[0].set_value("Northlight")
    app.text_input[1].set_value("North Light, @northlight")
    app.text_input[2].set_value("pole")
    app = press(app, "Show what would be set up")
    assert '"Northlight" OR "North Light"' in "\n".join(one.value for one in app.code)
    assert not [entry for entry in desk.log if entry[0] == "listen"]
    app = press(app, "Start listening")
    assert ("listen", "Northlight", ("North Light", "@northlight"), ("pole",)) in desk.log
    assert "Listening." in words(app)


def test_where_else_a_brand_is_heard_is_asked_seen_and_saved(desk: FakeDesk) -> None:
    app = run(start)
    app.text_input[0].set_value("Northlight")
    app.text_input(key="start_app_store").set_value("https://apps.apple.com/de/app/x/id123456789")
    app.text_input(key="start_lemmy").set_value("lamps@lemmy.example, !light@lemmy.example")
    app.multiselect(key="start_also").set_value(["gdelt"])
    app = press(app, "Show what would be set up")
    assert "App Store 123456789 de" in words(app)
    assert "not its discussions" not in words(app)
    press(app, "Start listening")
    (asked,) = [entry[1] for entry in desk.log if entry[0] == "elsewhere"]
    assert asked.lemmy == ("lamps@lemmy.example", "!light@lemmy.example")
    assert asked.also == ("gdelt",)


def test_an_id_that_is_none_is_refused_in_words(desk: FakeDesk) -> None:
    app = run(start)
    app.text_input[0].set_value("Northlight")
    app.text_input(key="start_youtube").set_value("@northlight")
    app = press(app, "Show what would be set up")
    assert not app.exception
    assert "a name with @ is not enough" in words(app)


def test_a_brand_without_a_name_is_refused_in_words(desk: FakeDesk) -> None:
    app = press(run(start), "Show what would be set up")
    assert not app.exception
    assert "a brand needs a name" in words(app)


def test_the_demo_can_be_removed(desk: FakeDesk) -> None:
    app = press(run(inbox), "Remove the demo for good")
    assert ("remove_demo",) in desk.log
    assert "demo" not in words(app)


def test_the_whole_application_starts_on_the_inbox(desk: FakeDesk) -> None:
    app = run(whole)
    assert not app.exception
    assert "inbox" in app.session_state


def test_without_services_it_is_said_who_forgot_them() -> None:
    services._provided.clear()
    with pytest.raises(LookupError, match="without services"):
        services.current()

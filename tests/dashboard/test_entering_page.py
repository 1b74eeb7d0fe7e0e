"""Bringing in what no poll brings, on the page, over the fakes."""

from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_dashboard import services
from tests.dashboard.fakes import FakeDesk, fake_services
from tests.dashboard.hearing_fakes import FakeEntering

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def entering() -> None:
    from earmark_dashboard.pages.entering import page

    page()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(FixedClock(NOW))


@pytest.fixture
def kept(desk: FakeDesk) -> Iterator[FakeEntering]:
    made = fake_services(desk)
    services.provide(made)
    assert isinstance(made.entering, FakeEntering)
    yield made.entering
    services._provided.clear()


def run() -> AppTest:
    app = AppTest.from_function(entering, default_timeout=30).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in app.text)


def press(app: AppTest, label: str) -> AppTest:
    return next(one for one in app.button if one.label == label).click().run()


def fill(app: AppTest, label: str, value: str) -> None:
    next(one for one in (*app.text_input, *app.text_area) if one.label == label).set_value(value)


def test_what_was_told_is_kept_and_the_form_is_empty_again(kept: FakeEntering) -> None:
    app = run()
    fill(app, "What was said", "Your driver left my parcel in the rain.")
    fill(app, "Who said it (optional)", "Mara")
    app.time_input[0].set_value(time(8, 30))
    app = press(app, "Keep it")
    assert "it stands in the inbox in a moment" in words(app)
    _, told = kept.told[0]
    assert (told.text, told.author, told.at) == (
        "Your driver left my parcel in the rain.", "Mara", NOW.replace(hour=8, minute=30),
    )  # fmt: skip
    assert app.text_area[0].value == ""


def test_what_cannot_be_kept_is_said_and_stays_in_the_form(kept: FakeEntering) -> None:
    app = run()
    fill(app, "Who said it (optional)", "Mara")
    app = press(app, "Keep it")
    assert "There is no text" in words(app)
    assert kept.told == []
    assert [one.value for one in app.text_input if one.label.startswith("Who")] == ["Mara"]


def test_a_file_is_shown_before_it_is_taken_in(kept: FakeEntering) -> None:
    app = run()
    app.file_uploader[0].upload("reviews.csv", b"id,text\n1,hello\n", "text/csv").run()
    assert "Rows: 2, of which 1 cannot be taken in." in words(app)
    assert kept.taken == []
    app = press(app, "Take it in")
    assert kept.taken[0][1:] == ("reviews.csv", b"id,text\n1,hello\n", False)
    assert "1 new or changed, 0 known already, 1 refused." in words(app)


def test_only_a_manager_takes_in_files(desk: FakeDesk, kept: FakeEntering) -> None:
    desk.actor = Actor("robin", Role.responder, 1)
    app = run()
    assert not app.file_uploader
    assert "A manager may take in files." in words(app)

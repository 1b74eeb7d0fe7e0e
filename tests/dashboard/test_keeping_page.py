"""For how long a source is kept, on its card: everybody reads it, managers set it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.model import Actor, Role
from earmark_dashboard import services
from earmark_dashboard.services import Services
from tests.dashboard.fakes import FakeDesk, fake_services
from tests.dashboard.hearing_fakes import FakeKeeping

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(FixedClock(NOW))


@pytest.fixture
def provided(desk: FakeDesk) -> Iterator[Services]:
    made = fake_services(desk)
    services.provide(made)
    yield made
    services._provided.clear()


def sources() -> None:
    from earmark_dashboard.pages.sources import page

    page()


def run() -> AppTest:
    return AppTest.from_function(sources, default_timeout=30).run()


def words(app: AppTest) -> str:
    return " ".join(str(text.value) for text in app.text)


def save(app: AppTest, number: int = 3) -> AppTest:
    app.button(key=f"kept_{number}").click().run()
    return app


def test_what_holds_is_said_with_the_end_that_the_platform_sets(provided: Services) -> None:
    told = words(run())
    assert "Mentions are kept for 30 days, raw payloads for 7 days;" in told
    assert "the terms of square allow 30 days." in told


def test_a_manager_sets_it_and_an_empty_field_is_the_settings(provided: Services) -> None:
    keeping = provided.keeping
    assert isinstance(keeping, FakeKeeping)
    app = run()
    assert app.number_input(key="days_3").value is None
    app.number_input(key="raw_3").set_value(10)
    app = save(app)
    assert keeping.said == [(3, None, 10)]
    assert "Saved. Mentions are kept for 30 days, raw payloads for 10 days" in words(app)


def test_what_is_refused_is_said(provided: Services) -> None:
    app = run()
    app.number_input(key="days_3").set_value(13)
    assert "Not thirteen. Take another." in words(save(app))


def test_who_may_not_set_it_reads_it(desk: FakeDesk, provided: Services) -> None:
    desk.actor = Actor("vera", Role.approver, 4)
    app = run()
    assert "Mentions are kept for 30 days" in words(app)
    assert not app.number_input

"""Of very many sources the page shows a hundred, and finds the others by name."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.model import Actor
from earmark_dashboard import services
from earmark_listeners.health import SourceRow
from tests.dashboard.fakes import FakeDesk, FakeSources, fake_services

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManySources(FakeSources):
    def rows(
        self, actor: Actor, *, limit: int | None = None, named: str = ""
    ) -> Sequence[SourceRow]:
        first = super().rows(actor)[0]
        rows = [replace(first, id=100 + n, name=f"source {n}") for n in range(150)]
        return [row for row in rows if named in row.name][:limit]


def cards() -> None:
    import streamlit as st

    from earmark_core.model import Actor, Role
    from earmark_dashboard.pages.listed import listed
    from earmark_dashboard.services import current

    for row in listed(current(), Actor(1, "Ana", Role.viewer)):
        st.code(row.name)


@pytest.fixture
def app() -> Iterator[AppTest]:
    desk = FakeDesk(FixedClock(NOW))
    services.provide(replace(fake_services(desk), sources=ManySources(desk)))
    yield AppTest.from_function(cards, default_timeout=30).run()
    services._provided.clear()


def test_a_hundred_are_shown_and_the_page_says_that_there_are_more(app: AppTest) -> None:
    assert not app.exception
    assert len(app.code) == 100
    assert "There are more than these 100" in app.text[0].value


def test_the_others_are_found_by_name(app: AppTest) -> None:
    found = app.text_input[0].set_value("source 14").run()
    assert [one.value for one in found.code] == ["source 14", *(f"source 14{n}" for n in range(10))]
    none = found.text_input[0].set_value("nowhere").run()
    assert none.text[0].value == "No source has a name like that."
    everything = none.text_input[0].set_value("").run()
    assert len(everything.code) == 100

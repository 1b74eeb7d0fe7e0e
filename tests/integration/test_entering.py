"""What people bring themselves, into a real store: told by hand, and from files."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from earmark.app import Parts, assemble
from earmark.entering import Entering
from earmark.importing import UnreadableFile
from earmark_config.settings import load_settings
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, NotAllowed
from earmark_core.model import Actor, Role
from earmark_core.tables import AuditEntry, Brand, Case, Mention, Source
from earmark_dashboard.entering import Told

MIA = Actor("Mia", Role.responder, 2)
LENA = Actor("Lena", Role.manager, 1)
ROWS = b"""id,text,author,stars
1,"Terrible, it leaks and nobody answers. I want a refund.",Mara,1
2,Lovely cups,Tom,6
3,Lovely cups,Tom,5
"""


@pytest.fixture
def parts(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Parts]:
    settings = load_settings(None, {"EARMARK_DATABASE_URL": store_url}, {"data_dir": tmp_path})
    parts = assemble(settings, clock=clock, rng=random.Random(1))
    with parts.store.write() as session:
        session.add(Brand(id=1, name="Acme", created_at=clock()))
    yield parts
    asyncio.run(parts.aclose())


@pytest.fixture
def entering(parts: Parts) -> Entering:
    return Entering(parts)


def told(clock: FixedClock, **more: str) -> Told:
    words = "Your driver left my parcel in the rain. I want my money back."
    return Told(**{"text": words, "author": "Mara", **more}, at=clock())


def settle(parts: Parts) -> None:
    asyncio.run(parts.pipeline().settle())


def test_what_was_told_becomes_a_case_like_any_other_mention(
    parts: Parts, entering: Entering, clock: FixedClock
) -> None:
    assert entering.write_down(MIA, 1, told(clock, handle="+49 30 1234"))
    settle(parts)
    with parts.store.read() as session:
        mention = session.exec(select(Mention)).one()
        assert (mention.channel, mention.label, mention.author_handle) == (
            "manual", "negative", "+49 30 1234",
        )  # fmt: skip
        assert session.exec(select(Case)).one().status == "new"
        made = session.exec(select(AuditEntry).where(AuditEntry.subject == "source")).one()
        assert made.by == "Mia"
        assert session.exec(select(Source)).one().is_enabled is False


def test_pressed_twice_it_stands_there_once(
    parts: Parts, entering: Entering, clock: FixedClock
) -> None:
    assert entering.write_down(MIA, 1, told(clock))
    assert not entering.write_down(MIA, 1, told(clock))
    assert entering.write_down(MIA, 1, told(clock, author="Tom"))
    with parts.store.read() as session:
        assert len(session.exec(select(Mention)).all()) == 2
        assert len(session.exec(select(Source)).all()) == 1


@pytest.mark.parametrize("wrong", [{"text": "  "}, {"rating": "6"}])
def test_what_cannot_be_stored_is_said(
    parts: Parts, entering: Entering, clock: FixedClock, wrong: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        entering.write_down(MIA, 1, told(clock, **wrong))
    with pytest.raises(ConfigError, match="no such brand"):
        entering.write_down(MIA, 7, told(clock))
    with parts.store.read() as session:
        assert session.exec(select(Mention)).all() == []


def test_a_file_is_looked_at_then_taken_in_once(parts: Parts, entering: Entering) -> None:
    looked = entering.look(LENA, "reviews.csv", ROWS)
    assert (looked.rows, looked.refused) == (3, 1)
    assert looked.samples[1] == ("Tom", "Lovely cups")
    assert looked.reasons == ("Line 3: rating is '6', not a number from 1 to 5.",)
    seen: list[int] = []
    taken = entering.take(LENA, 1, "reviews.csv", ROWS, history=False, tick=seen.append)
    assert (taken.new, taken.known, taken.refused, seen) == (2, 0, 1, [3])
    again = entering.take(LENA, 1, "reviews.csv", ROWS, history=False, tick=seen.append)
    assert (again.new, again.known, again.refused) == (0, 2, 1)


def test_a_file_of_another_kind_is_refused(entering: Entering) -> None:
    with pytest.raises(UnreadableFile, match=r"\.pdf is not known"):
        entering.look(LENA, "reviews.pdf", b"%PDF")


def test_what_people_fill_is_neither_polled_nor_resumed(
    parts: Parts, entering: Entering, clock: FixedClock
) -> None:
    entering.write_down(MIA, 1, told(clock))
    [row] = parts.sources.rows(LENA)
    assert (row.state, row.is_polled) == ("healthy", False)
    for ask in (parts.sources.resume, parts.sources.pause, parts.sources.poll_now):
        with pytest.raises(ConfigError, match="nothing to poll"):
            ask(LENA, row.id)


def test_a_viewer_brings_nothing_and_a_responder_no_files(
    entering: Entering, clock: FixedClock
) -> None:
    with pytest.raises(NotAllowed):
        entering.write_down(Actor("Vi", Role.viewer, 3), 1, told(clock))
    with pytest.raises(NotAllowed):
        entering.look(MIA, "reviews.csv", ROWS)
    with pytest.raises(NotAllowed):
        entering.take(MIA, 1, "reviews.csv", ROWS, history=False, tick=lambda _rows: None)

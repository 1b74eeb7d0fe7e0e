"""Trying a source and saving it, against a real server on this machine."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, col, func, select
from typer.testing import CliRunner, Result

from earmark.app import Parts, assemble
from earmark.cli.app import app
from earmark.demo.testing import DemoServer, demo_server
from earmark.sourcing import SourceSetup
from earmark_config.settings import load_settings
from earmark_core.errors import ConfigError, NotAllowed
from earmark_core.model import SYSTEM, Actor, Role
from earmark_core.tables import AuditEntry, Brand, Mention, PollWindow, Source
from earmark_listeners import asking, registry
from earmark_listeners.asking import NewSource
from earmark_listeners.channels.hackernews import HackerNews

HOUR = timedelta(hours=1)
TAG = {"kind": "hashtag", "tag": "brightcup"}


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoServer]:
    with demo_server() as server:
        server.posts("#brightcup number {i} leaks", 7)
        yield server


@pytest.fixture
def parts(tmp_path: Path, demo: DemoServer) -> Iterator[Parts]:
    settings = load_settings(None, {}, {"data_dir": tmp_path})
    made = assemble(settings, create=True, allow=[demo.address])
    with made.store.write() as session:
        session.add(Brand(id=1, name="Brightcup", created_at=made.clock()))
    yield made
    made.store.close()


@pytest.fixture
def setup(parts: Parts) -> SourceSetup:
    return SourceSetup(parts)


def count(parts: Parts, table: type[SQLModel]) -> int:
    with parts.store.read() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def test_a_probe_shows_the_newest_five_and_stores_nothing(
    parts: Parts, setup: SourceSetup, demo: DemoServer
) -> None:
    found = setup.probe(SYSTEM, "mastodon", {**TAG, "base_url": demo.url})
    assert found.went_well
    assert (found.found, len(found.items)) == (7, 5)
    assert found.words == "It answers with 7 items; the newest 5 are shown."
    assert all("leaks" in item.text and item.author for item in found.items)
    moments = [item.at for item in found.items]
    assert moments == sorted(moments, key=lambda at: at.timestamp() if at else 0, reverse=True)
    for table in (Source, Mention, PollWindow, AuditEntry):
        assert count(parts, table) == 0


def test_a_probe_says_in_words_why_it_failed(setup: SourceSetup, demo: DemoServer) -> None:
    demo.fault("/api/v1/timelines", "html")
    refused = setup.probe(SYSTEM, "mastodon", {**TAG, "base_url": demo.url})
    demo.forget_faults()
    assert not refused.went_well
    assert refused.words
    empty = setup.probe(SYSTEM, "mastodon", {**TAG, "tag": "nobody", "base_url": demo.url})
    assert empty.went_well
    assert empty.words == "It answers, and has nothing to show now."
    blocked = setup.probe(SYSTEM, "mastodon", {**TAG, "base_url": "http://127.0.0.1:9"})
    assert not blocked.went_well


def test_a_wrong_option_is_named_before_anything_is_asked_of_the_network(
    setup: SourceSetup,
) -> None:
    with pytest.raises(ConfigError, match="tag is missing"):
        setup.probe(SYSTEM, "mastodon", {"base_url": "https://social.example"})
    with pytest.raises(ConfigError, match="not a reference") as caught:
        setup.probe(SYSTEM, "mastodon", {**TAG, "base_url": "https://s.example", "token": "abc"})
    assert "abc" not in str(caught.value)


def test_a_source_is_saved_as_the_channel_has_it_and_audited(
    parts: Parts, setup: SourceSetup
) -> None:
    number = setup.add(
        SYSTEM, NewSource(1, "hackernews", " HN ", {"query": "acme", "max_pages": "3"})
    )
    with parts.store.read() as session:
        source = session.get_one(Source, number)
        assert source.options == {"query": "acme", "max_pages": 3}
        assert (source.name, source.is_enabled, source.interval_seconds) == ("HN", True, 300)
        [entry] = session.exec(select(AuditEntry).where(col(AuditEntry.subject) == "source"))
        assert (entry.action, entry.subject_id, entry.after["name"]) == ("added", number, "HN")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "taken"}, "of that name already"),
        ({"name": " "}, "needs a name"),
        ({"brand_id": 9}, "no such brand"),
        ({"interval_seconds": 5}, "60 seconds"),
        ({"options": {}}, "query is missing"),
        ({"include": "(acme"}, "bracket"),
        ({"channel": "hackernws"}, "no channel"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_saved(
    parts: Parts, setup: SourceSetup, change: dict[str, Any], words: str
) -> None:
    setup.add(SYSTEM, NewSource(1, "hackernews", "taken", {"query": "acme"}))
    told = {"brand_id": 1, "channel": "hackernews", "name": "n", "options": {"query": "x"}}
    with pytest.raises(Exception, match=words):
        setup.add(SYSTEM, NewSource(**{**told, **change}))
    assert count(parts, Source) == 1


def test_a_channel_that_is_off_by_default_is_saved_paused(
    parts: Parts, setup: SourceSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HackerNews, "off_by_default", True)
    assert "costs money" in asking.choice("hackernews").warning
    number = setup.add(SYSTEM, NewSource(1, "hackernews", "n", {"query": "acme"}))
    with parts.store.read() as session:
        assert session.get_one(Source, number).is_enabled is False


def test_only_a_manager_may_try_or_add(setup: SourceSetup) -> None:
    responder = Actor("robin", Role.responder, 1)
    with pytest.raises(NotAllowed):
        setup.probe(responder, "hackernews", {"query": "x"})
    with pytest.raises(NotAllowed):
        setup.add(responder, NewSource(1, "hackernews", "n", {"query": "x"}))


@pytest.mark.parametrize("channel", list(registry.channels()))
def test_every_channel_asks_for_each_of_its_options(channel: str) -> None:
    chosen = asking.choice(channel)
    fields = registry.channel(channel).options_type.model_fields
    assert {question.key for question in chosen.questions} == set(fields)
    for question in chosen.questions:
        assert question.words
        assert not question.choices or question.default in {*question.choices, ""}
    defaults = {question.key: question.default for question in chosen.questions}
    assert asking.answers(chosen, defaults) == {}


def cli(tmp_path: Path, demo: DemoServer, *arguments: str, stdin: str = "") -> Result:
    config = tmp_path / "earmark.toml"
    config.write_text(f'allow = ["{demo.address}"]\n')
    where = ["--data", str(tmp_path), "--config", str(config)]
    return CliRunner().invoke(app, [*arguments, *where], input=stdin)


def test_the_terminal_tries_asks_and_saves(parts: Parts, demo: DemoServer, tmp_path: Path) -> None:
    options = ["--option", f"base_url={demo.url}", "--option", "tag=brightcup"]
    tried = cli(tmp_path, demo, "sources", "probe", "mastodon", *options, "--json")
    assert tried.exit_code == 0, tried.output
    assert len(json.loads(tried.stdout)["items"]) == 5
    assert count(parts, Source) == 0
    answers = f"{demo.url}\n\n\nbrightcup\n\n\n\n\nOur tag\ny\n"
    made = cli(tmp_path, demo, "sources", "connect", "mastodon", "--ask", stdin=answers)
    assert made.exit_code == 0, made.output
    assert "the hashtag, without #" in made.output
    assert "env:NAME (a variable)" in made.output
    assert "keyring:SERVICE/NAME" in made.output
    with parts.store.read() as session:
        [source] = session.exec(select(Source))
        assert (source.channel, source.options["tag"]) == ("mastodon", "brightcup")


def test_the_terminal_saves_nothing_that_failed_unless_told_to(
    parts: Parts, demo: DemoServer, tmp_path: Path
) -> None:
    told = ["sources", "connect", "feed", "--no-ask", "--option", f"url={demo.url}/nowhere"]
    failed = cli(tmp_path, demo, *told)
    assert failed.exit_code == 1
    assert "Not saved" in failed.output
    assert count(parts, Source) == 0
    assert cli(tmp_path, demo, *told, "--save-anyway").exit_code == 0
    assert count(parts, Source) == 1


def test_the_terminal_tells_of_gaps(parts: Parts, demo: DemoServer, tmp_path: Path) -> None:
    now = parts.clock()
    with parts.store.write() as session:
        session.add(
            Source(id=1, brand_id=1, channel="feed", name="news", interval_seconds=60,
                   next_poll_at=now, created_at=now - 10 * HOUR, first_polled_at=now - 10 * HOUR)
        )  # fmt: skip
        session.flush()
        for begin, end in ((10, 6), (4, 0)):
            session.add(
                PollWindow(source_id=1, state="complete", covers_from=now - begin * HOUR,
                           started_at=now - end * HOUR, ended_at=now - end * HOUR)
            )  # fmt: skip
    told = json.loads(cli(tmp_path, demo, "sources", "--gaps", "--json").stdout)
    assert [gap["source"] for gap in told["gaps"]] == ["news"]
    assert 0.79 < told["share"] < 0.81
    assert "covers 79" in told["words"]
    shown = cli(tmp_path, demo, "sources", "--gaps", "--days", "2")
    assert "it was not polled" in shown.output

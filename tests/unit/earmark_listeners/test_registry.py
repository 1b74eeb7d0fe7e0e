"""Channels are found by looking, and wrong ones are named."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from earmark_core.errors import ConfigError
from earmark_listeners import channels as rooms
from earmark_listeners import registry
from earmark_listeners.contract import Listener, Responder

SOURCE = """
from pydantic import Field
from earmark_listeners.contract import Batch, ChannelOptions, Listener

class Options(ChannelOptions):
    place: str = Field(description="where")
    key: str = Field(default="", description="secret", json_schema_extra={"secret": True})

class Teapot(Listener[Options]):
    channel = "NAME"
    summary = "A teapot"
    options_type = Options

    async def poll(self, since):
        yield Batch()
"""


@pytest.fixture
def fresh() -> Iterator[None]:
    """Looks again before and after, so that no other test sees the extra channels."""
    registry.channels.cache_clear()
    yield
    registry.channels.cache_clear()
    for name in [each for each in sys.modules if "teapot" in each]:
        del sys.modules[name]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None):
    def write(file: str, name: str) -> None:
        (tmp_path / file).write_text(SOURCE.replace("NAME", name))
        monkeypatch.setattr(rooms, "__path__", [*rooms.__path__, str(tmp_path)])
        registry.channels.cache_clear()

    return write


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch, fresh: None):
    def give(*values: str) -> None:
        points = [EntryPoint(f"extra{n}", value, registry.GROUP) for n, value in enumerate(values)]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.channels.cache_clear()

    return give


def test_ours_are_found():
    found = registry.channels()
    assert {"hackernews", "mastodon"} <= set(found)
    assert list(found) == sorted(found)
    assert all(issubclass(each, Listener) and each.channel == n for n, each in found.items())


def test_a_new_file_is_all_it_takes(add):
    add("teapot.py", "teapot")
    assert registry.channel("teapot").summary == "A teapot"


def test_unknown_channel_names_what_exists():
    with pytest.raises(ConfigError, match=r"'mastodn'.*Did you mean 'mastodon'.*hackernews"):
        registry.channel("mastodn")


def test_two_of_one_name_are_refused(add):
    add("teapot.py", "mastodon")
    with pytest.raises(ConfigError, match="Two channels are called 'mastodon'"):
        registry.channels()


def test_entry_point_of_others_is_found(add, entry_points, monkeypatch, tmp_path):
    (tmp_path / "their_teapot.py").write_text(SOURCE.replace("NAME", "theirs"))
    monkeypatch.syspath_prepend(str(tmp_path))
    entry_points("their_teapot:Teapot")
    assert registry.channel("theirs").summary == "A teapot"


@pytest.mark.parametrize("value", ["no_such_teapot:X", "json:no_such_name", "json:dumps"])
def test_broken_entry_point_is_named(entry_points, value):
    entry_points(value)
    with pytest.raises(ConfigError, match="extra0"):
        registry.channels()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, r"place is missing \(where\)"),
        ({"place": "a", "plaice": "b"}, "plaice is not known, did you mean place"),
        ({"place": 5}, "place: Input should be a valid string"),
        ({"place": "a", "key": "hunter2"}, "key holds something that is not a reference"),
    ],
)
def test_wrong_options_are_named_without_their_values(add, options, says):
    add("teapot.py", "teapot")
    with pytest.raises(ConfigError, match=says) as caught:
        registry.checked_options(registry.channel("teapot"), options)
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint


def test_channel_without_replies_has_no_responder(listen):
    async def use(listener):
        return registry.responder(listener)

    assert listen("hackernews", {"query": "a"}, lambda _: None, use) is None
    assert issubclass(registry.channel("mastodon"), Responder)

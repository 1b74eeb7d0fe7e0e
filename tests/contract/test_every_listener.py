"""What every channel promises; channels and their recordings are found, never listed.

How a recording is built: tests/fixtures/listeners/README.md.
"""

import ast
import inspect
import logging
import traceback
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    ListenerError,
    Malformed,
    Rejected,
    Unavailable,
)
from earmark_listeners.registry import channel, channels, checked_options

DOORS = {"httpx", "aiohttp", "requests", "socket", "urllib3", "ssl", "subprocess"}


def ids(batches) -> list[str]:
    return [item.external_id for batch in batches for item in batch.items]


def last_cursor(batches, before=None):
    return next((b.cursor for b in reversed(batches) if b.cursor is not None), before)


@pytest.fixture(params=["first poll", "later poll"])
def since(request, recording):
    """A poll must keep its promises from nothing and from a cursor."""
    return None if request.param == "first poll" else recording.cursor()


def test_every_channel_has_a_recording_and_the_reverse(recordings_folder):
    assert {path.name for path in recordings_folder.iterdir() if path.is_dir()} == set(channels())


def test_every_body_of_a_recording_is_used(recording):
    told = (recording.folder / "script.json").read_text("utf-8")
    kept = {"options.toml", "script.json", "expected.json", "README.md"}
    for path in recording.folder.iterdir():
        assert path.name in kept or f'"{path.name}"' in told, f"{path.name} is never served"


def test_says_what_it_is_and_needs(recording):
    listener = channel(recording.channel)
    assert listener.summary
    assert listener.needs
    assert not listener.summary.endswith(".")
    assert 1 <= listener.rules.min_interval_seconds <= listener.rules.default_interval_seconds
    assert all(field.description for field in listener.options_type.model_fields.values())


def test_unknown_option_is_refused_by_name(recording):
    options = recording.options | {"colour": "blue"}
    with pytest.raises(ConfigError, match="colour is not known"):
        checked_options(channel(recording.channel), options)


def test_an_option_of_the_wrong_kind_is_refused_by_name(recording):
    key = next(iter(recording.options))
    with pytest.raises(ConfigError, match=key):
        checked_options(channel(recording.channel), recording.options | {key: ["no", {"such": 1}]})


def test_secret_in_clear_is_refused_and_not_repeated(recording, token):
    listener = channel(recording.channel)
    for key, field in listener.options_type.model_fields.items():
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret"):
            with pytest.raises(ConfigError, match=key) as caught:
                checked_options(listener, recording.options | {key: token})
            assert token not in str(caught.value)


def test_recording_gives_the_expected_items(recording, item_as_json):
    found = [
        [item_as_json(item) for batch in batches for item in batch.items]
        for batches in recording.play()
    ]
    assert found == recording.expected


def test_recording_has_no_bad_items(recording):
    assert [b.bad_items for batches in recording.play() for b in batches if b.bad_items] == []


def test_second_run_gives_the_same_ids(recording):
    assert [ids(b) for b in recording.play()] == [ids(b) for b in recording.play()]


def test_ids_are_text_and_come_once_in_a_poll(recording):
    for batches in recording.play():
        found = ids(batches)
        assert all(isinstance(each, str) and each for each in found)
        assert len(found) == len(set(found))


def test_polling_again_gives_nothing_new(recording):
    played = recording.play()
    known = {each for batches in played for each in ids(batches)}
    again = recording.poll(recording.platform(-1), recording.cursor())
    assert set(ids(again)) <= known
    assert last_cursor(again, recording.cursor()) == recording.cursor()


def test_cursor_is_text(recording):
    cursor = recording.cursor()
    assert cursor is None or isinstance(cursor, str)


def test_moments_are_aware(recording):
    batches = [batch for played in recording.play() for batch in played]
    moments = [batch.covers_from for batch in batches]
    moments += [m for b in batches for i in b.items for m in (i.published_at, i.edited_at)]
    assert all(moment.utcoffset() is not None for moment in moments if moment is not None)


def test_stop_after_any_page_loses_nothing(recording):
    """Killed after a page was stored: the next poll from the stored cursor gives the rest."""
    cursor = None
    for number, batches in enumerate(recording.play()):
        for stop in range(1, len(batches)):
            begun = recording.poll(recording.platform(number), cursor, stop_after=stop)
            assert len(begun) == stop
            rest = recording.poll(recording.platform(number), last_cursor(begun, cursor))
            assert set(ids(begun)) | set(ids(rest)) >= set(ids(batches))
        cursor = last_cursor(batches, cursor)


def fault(recording, status: int, **more: Any) -> dict[str, Any]:
    return {"status": status, "text": '{"error": "no"}', **more}


class Faulty:
    """The last poll's platform with one answer in front of all others."""

    def __init__(self, recording, answer):
        where = recording.script.get("faulty", {})
        self.platform = recording.platform(-1)
        self.platform.answers = [{**where, **answer}, *self.platform.answers]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.platform(request)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusal_waits_for_a_person(recording, since, status):
    with pytest.raises(Rejected):
        recording.poll(Faulty(recording, fault(recording, status)), since)


@pytest.mark.parametrize("form", ["seconds", "HTTP date", "ISO reset"])
def test_rate_limit_gives_the_wait(recording, since, form):
    wait = timedelta(minutes=7)
    then = recording.now.astimezone(UTC) + wait
    headers = {
        "seconds": {"Retry-After": "420"},
        "HTTP date": {"Retry-After": then.strftime("%a, %d %b %Y %H:%M:%S GMT")},
        "ISO reset": {"X-RateLimit-Reset": then.isoformat().replace("+00:00", ".000000Z")},
    }
    with pytest.raises(Unavailable) as caught:
        recording.poll(Faulty(recording, fault(recording, 429, headers=headers[form])), since)
    assert caught.value.rate_limited
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    "answer", [{}, {"text": "<html>slow down</html>", "type": "text/html"}], ids=["bare", "HTML"]
)
def test_rate_limit_without_a_wait_is_still_one(recording, since, answer):
    with pytest.raises(Unavailable) as caught:
        recording.poll(Faulty(recording, fault(recording, 429) | answer), since)
    assert caught.value.rate_limited


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_over_there_is_tried_later(recording, since, status):
    with pytest.raises(Unavailable) as caught:
        recording.poll(Faulty(recording, fault(recording, status)), since)
    assert not caught.value.rate_limited


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_broken_connection_is_tried_later(recording, since, error):
    def broken(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    with pytest.raises(Unavailable):
        recording.poll(broken, since)


def test_unreadable_answer_is_never_an_empty_poll(recording, since):
    for body in recording.malformed:
        faulty = Faulty(recording, {"status": 200, **body})
        with pytest.raises((Malformed, Unavailable)):
            recording.poll(faulty, since)


def test_html_where_data_is_due_is_never_an_empty_poll(recording, since):
    page = {"text": "<!doctype html><html><body>Log in</body></html>", "type": "text/html"}
    with pytest.raises((Malformed, Unavailable)):
        recording.poll(Faulty(recording, {"status": 200, **page}), since)


def test_platform_that_never_ends_is_left(recording, since):
    platform = recording.always(recording.script["endless"])
    batches = recording.poll(platform, since)
    assert len(platform.requests) <= 200
    for batch in batches:
        found = ids([batch])
        assert len(found) == len(set(found))


def test_bad_item_goes_and_the_good_ones_stay(recording):
    told = recording.script["bad_item"]
    batches = recording.poll(recording.always(told))
    assert len(ids(batches)) == told["good"]
    bad_items = [bad for batch in batches for bad in batch.bad_items]
    assert len(bad_items) == told["bad"]
    assert all(bad.reason and bad.raw for bad in bad_items)


def test_secret_is_sent_and_never_shown(recording, token, caplog):
    caplog.set_level(logging.DEBUG)
    listener = channel(recording.channel)
    secrets = [
        key
        for key, field in listener.options_type.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    ]
    platform = recording.platform(0)
    batches = recording.poll(platform)
    if any(recording.options.get(key) for key in secrets):
        sent = "".join(f"{r.url}{r.headers.raw}" for r in platform.requests)
        assert token in sent, "the recording does not use its secret"
    echo = {"text": f'{{"error": "the token {token} is not valid"}}'}
    shown = []
    for status in (400, 401, 403, 422, 429, 500, 200):
        try:
            recording.poll(Faulty(recording, {"status": status, **echo}))
        except ListenerError as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error) + str(error))
    assert shown
    assert token not in "".join(shown)
    assert token not in repr(batches)
    assert token not in caplog.text


def sources_of(listener) -> list[Path]:
    path = Path(inspect.getfile(listener))
    return sorted(path.parent.rglob("*.py")) if path.parent.name == listener.channel else [path]


def test_the_fetcher_is_the_only_door(recording):
    for path in sources_of(channel(recording.channel)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & DOORS, path.name
            assert "urllib.request" not in names, path.name

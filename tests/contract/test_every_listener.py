"""What every channel promises; channels and their recordings are found, never listed.

How a recording is built: tests/fixtures/listeners/README.md.
"""

import ast
import inspect
from pathlib import Path

import pytest

from earmark_core.errors import ConfigError, Malformed, Rejected
from earmark_core.text import canonical_url, clean, safe_link
from earmark_listeners.registry import channel, channels, checked_options

DOORS = {"httpx", "aiohttp", "requests", "socket", "urllib3", "ssl", "subprocess", "imaplib",
         "smtplib", "ftplib", "websockets"}  # fmt: skip


def ids(batches) -> list[str]:
    return [item.external_id for batch in batches for item in batch.items]


def last_cursor(batches, before=None):
    return next((b.cursor for b in reversed(batches) if b.cursor is not None), before)


def test_every_channel_has_a_recording_and_the_reverse(recordings_folder):
    assert {path.name for path in recordings_folder.iterdir() if path.is_dir()} == set(channels())


def test_every_body_of_a_recording_is_used(recording):
    told = (recording.folder / "script.json").read_text("utf-8")
    kept = {"options.toml", "script.json", "expected.json", "README.md", "stand_in.py"}
    for path in filter(Path.is_file, recording.folder.iterdir()):
        assert path.name in kept or f'"{path.name}"' in told, f"{path.name} is never served"


def test_says_what_it_is_and_needs(recording):
    listener = channel(recording.channel)
    assert listener.summary
    assert listener.needs
    assert not listener.summary.endswith(".")
    assert 1 <= listener.rules.min_interval_seconds <= listener.rules.default_interval_seconds
    assert all(field.description for field in listener.options_type.model_fields.values())
    assert listener.collects
    rules = listener.rules
    assert rules.min_length <= (rules.max_length or rules.min_length)
    assert rules.can_reply == ("reply" in recording.script)


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


def test_no_two_items_are_taken_for_one_post(recording):
    """Found by two sources, the same name of a post makes the second a copy that opens no case."""
    for batches in recording.play():
        items = [item for batch in batches for item in batch.items]
        names = [clean(item.uri) or canonical_url(safe_link(item.url)) for item in items]
        named = [name for name in names if name]
        assert len(named) == len(set(named)), sorted(named)


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


def test_bad_item_goes_and_the_good_ones_stay(recording):
    told = recording.script["bad_item"]
    batches = recording.poll(recording.always(told))
    assert len(ids(batches)) == told["good"]
    bad_items = [bad for batch in batches for bad in batch.bad_items]
    assert len(bad_items) == told["bad"]
    assert all(bad.reason and bad.raw for bad in bad_items)


def test_an_edit_is_told_or_the_recording_says_why_not(recording):
    told = recording.script["edited"]
    if "untold" in told:
        assert len(told["untold"]) > 10
        return
    said = [
        (item.title, item.text, item.rating)
        for batches in recording.play()
        for batch in batches
        for item in batch.items
        if item.external_id == told["id"]
    ]
    assert len(said) >= 2
    assert said[0] != said[-1]


def test_a_deletion_is_told_or_the_recording_says_why_not(recording):
    told = recording.script["gone"]
    if "untold" in told:
        assert len(told["untold"]) > 10
        return
    batches = [batch for played in recording.play() for batch in played]
    assert {each for batch in batches for each in batch.gone} == set(told["ids"])
    assert all(isinstance(each, str) for batch in batches for each in batch.gone)


def test_a_channel_that_does_not_ask_over_http_says_where_it_is_proven(recording):
    if "not_http" in recording.script:
        told = recording.script["not_http"]
        assert len(told["because"]) > 10
        assert (Path(__file__).parents[2] / told["proven_in"]).is_file()


def test_deliveries_give_the_expected_items(recording, item_as_json):
    listener = channel(recording.channel)
    assert listener.is_push is ("deliveries" in recording.script)
    for told in recording.script.get("deliveries", ()):
        if told.get("refused"):
            with pytest.raises((Rejected, Malformed)):
                recording.deliver(told)
        else:
            batch = recording.deliver(told)
            assert [item_as_json(item) for item in batch.items] == told["items"]
            assert list(batch.gone) == told.get("gone", [])
            assert list(batch.named) == told.get("named", [])


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
            doors = DOORS - set(recording.script.get("not_http", {}).get("doors", ()))
            assert not {name.split(".")[0] for name in names} & doors, path.name
            assert "urllib.request" not in names, path.name

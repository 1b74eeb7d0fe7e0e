"""The child process that reads broken feeds: bounded, restarted, and told nothing secret."""

import os
import signal
from pathlib import Path

import pytest

from earmark_core.errors import Malformed
from earmark_listeners.feeds.lenient import LenientReader

BROKEN = b"<rss version='2.0'><channel><item><title>fish & chips</title></item></channel></rss>"
# More than a child may do in a second of CPU, and it is small: a long list of broken entries.
HEAVY = b"<rss><channel>" + b"<item><title>a & b</title><p>x</item>" * 120_000


@pytest.fixture
def reader():
    made = LenientReader(cpu_seconds=10, wall_seconds=20)
    yield made
    made.close()


def pid_of(reader):
    return reader._child.pid


def test_one_child_reads_feed_after_feed(reader):
    first = reader.read(BROKEN)
    child = pid_of(reader)
    assert [entry.title for entry in first.entries] == ["fish & chips"]
    assert first.fault
    assert reader.read(BROKEN) == first
    assert pid_of(reader) == child


def test_feed_that_takes_too_much_cpu_is_refused_and_the_next_is_read():
    reader = LenientReader(cpu_seconds=1, wall_seconds=60)
    try:
        with pytest.raises(Malformed, match="too long"):
            reader.read(HEAVY)
        assert reader._child is None
        assert reader.read(BROKEN).entries
    finally:
        reader.close()


def test_feed_past_the_deadline_is_refused_and_its_child_is_gone():
    reader = LenientReader(cpu_seconds=60, wall_seconds=20)
    try:
        reader.read(BROKEN)
        child = pid_of(reader)
        reader._wall_seconds = 0.2
        with pytest.raises(Malformed, match="too long"):
            reader.read(HEAVY)
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    finally:
        reader.close()


def test_dead_child_is_replaced_without_a_word(reader):
    reader.read(BROKEN)
    old = pid_of(reader)
    os.kill(old, signal.SIGKILL)
    assert reader.read(BROKEN).entries
    assert pid_of(reader) != old


def test_child_has_limits_and_no_secret(reader, monkeypatch):
    monkeypatch.setenv("EARMARK_TOKEN", "sentinel-in-the-environment")
    reader.read(BROKEN)
    status = Path(f"/proc/{pid_of(reader)}")
    if not status.exists():
        pytest.skip("No /proc here: limits of a process can only be looked at on Linux.")
    assert b"sentinel" not in (status / "environ").read_bytes()
    limits = (status / "limits").read_text()
    for name in ("Max address space", "Max cpu time", "Max file size", "Max core file size"):
        (line,) = (line for line in limits.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[0] != "unlimited", line


def test_external_references_are_not_followed(reader, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("do-not-read-me")
    body = (
        f'<?xml version="1.0"?><rss xmlns:xi="http://www.w3.org/2001/XInclude"><channel>'
        f'<item><title>t & <xi:include href="{secret.as_uri()}" parse="text"/></title></item>'
        f"</channel></rss>"
    )
    assert "do-not-read-me" not in repr(reader.read(body.encode()))


def test_address_is_never_fetched(reader):
    with pytest.raises(Malformed):
        reader.read(b"http://127.0.0.1:9/feed.xml")
    with pytest.raises(Malformed):
        reader.read(b"/etc/passwd")


def test_closed_reader_starts_again(reader):
    reader.read(BROKEN)
    reader.close()
    reader.close()
    assert reader.read(BROKEN).entries


def test_child_that_left_for_want_of_work_is_replaced(reader):
    reader.read(BROKEN)
    child = reader._child
    child.stdin.close()  # to the child the same as its time being up
    assert child.wait(timeout=20) == 0
    ours, theirs = os.pipe()
    os.close(ours)
    child.stdin = os.fdopen(theirs, "wb", buffering=0)
    assert reader.read(BROKEN).entries
    assert reader._child is not child


def test_child_leaves_when_its_parent_is_gone(reader):
    reader.read(BROKEN)
    reader._child.stdin.close()
    assert reader._child.wait(timeout=20) == 0

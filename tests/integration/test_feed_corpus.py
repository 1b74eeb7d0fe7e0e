"""The test feeds inside feedparser's own source package: more than two thousand odd documents."""

import hashlib
import html
import os
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import feedparser
import pytest

from earmark_core.clock import system_clock
from earmark_core.errors import ListenerError
from earmark_listeners.feeds.items import items_of
from earmark_listeners.feeds.lenient import LenientReader
from earmark_listeners.feeds.reading import read_feed

pytestmark = [pytest.mark.peer, pytest.mark.slow]
VERSION = "6.0.14"
SHA256 = "088679b0c4b543ee211a820dd544698c76a402122eae7473c04a43425f283d06"
HOW = (
    f"pip download --no-deps --no-binary feedparser feedparser=={VERSION}, "
    "the file put into the folder feedparser of $EARMARK_CACHE (default ~/.cache/earmark-tests)"
)
MOST_CPU = 2.0


@pytest.fixture(scope="session")
def feeds(need) -> list[Path]:
    cache = Path(os.environ.get("EARMARK_CACHE", Path.home() / ".cache" / "earmark-tests"))
    folder = cache / "feedparser"
    archive = folder / f"feedparser-{VERSION}.tar.gz"
    unpacked = folder / f"feedparser-{VERSION}" / "tests"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary",
             "feedparser", "-d", str(folder), f"feedparser=={VERSION}"],
            capture_output=True, timeout=240, check=False,
        )  # fmt: skip
        if got.returncode or not archive.exists():
            need("feedparser's source package", HOW)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    if not unpacked.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return sorted(unpacked.rglob("*.xml"))


@pytest.fixture(scope="module")
def reader():
    # A feed that asks for more CPU than this is killed, and then counts as not read.
    made = LenientReader(cpu_seconds=int(MOST_CPU))
    yield made
    made.close()


def outcome(path, reader):
    try:
        feed = read_feed(path.read_bytes(), url="https://a.example/feed", lenient=reader)
    except ListenerError as error:
        return error.message
    read = items_of(feed, url="https://a.example/feed", now=system_clock())
    assert len({item.external_id for item in read.items}) == len(read.items)
    return "read"


def test_every_feed_is_read_or_refused_with_a_reason(feeds, reader):
    assert len(feeds) == 2242
    outcomes: Counter[str] = Counter()
    for path in feeds:
        began = time.process_time()
        outcomes[outcome(path, reader)] += 1
        assert time.process_time() - began < MOST_CPU, path
    assert "" not in outcomes
    assert not [said for said in outcomes if "too long" in said]
    # The others: 2 with entity declarations, 9 of Channel Definition Format or no feed at all,
    # and documents without one entry and without their end.
    assert outcomes["read"] >= 2180, outcomes


def test_no_words_of_a_readable_feed_are_lost(feeds, reader):
    """Each entry that feedparser finds is found, with a title and a text wherever it has them."""
    lost, entries = [], 0
    for path in feeds:
        body = path.read_bytes()
        try:
            found = read_feed(body, lenient=reader).entries
        except ListenerError:
            continue
        known = feedparser.parse(body, sanitize_html=False).entries
        if len(found) != len(known):
            lost.append((path.name, "entries"))
            continue
        for ours, theirs in zip(found, known, strict=True):
            entries += 1
            text = (theirs.get("content") or [{}])[0].get("value") or theirs.get("summary")
            if has_words(theirs.get("title")) and not has_words(ours.title):
                lost.append((path.name, "title"))
            if has_words(text) and not has_words(ours.text):
                lost.append((path.name, "text"))
    assert entries >= 1200
    assert {name for name, _ in lost} <= KNOWN_LOSSES, lost


# Atom 1.0 content that says it is base64 of no text type, a namespace of iTunes' that nobody
# writes, and a title that belongs to the picture of a category.
KNOWN_LOSSES = {
    "entry_content_base64.xml",
    "entry_content_base64_2.xml",
    "entry_summary_base64.xml",
    "entry_summary_base64_2.xml",
    "entry_title_base64.xml",
    "entry_title_base64_2.xml",
    "itunes_item_summary.xml",
    "item_category_image.xml",
}


def has_words(text):
    return re.search(r"\w", html.unescape(re.sub(r"<[^>]*>", " ", text or ""))) is not None

"""Recorded feeds give the mentions that are in them.

The texts are other people's, so they stand here as figures and a fingerprint, and are compared
word by word with what feedparser reads.
"""

import asyncio
import html
import re
from datetime import UTC, datetime

import feedparser
import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_core.text import clean, fingerprint
from earmark_listeners.channels.feed import FeedListener, FeedOptions
from earmark_listeners.contract import Wiring

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
URL = "https://feeds.example/recorded"
# file: items, distinct authors, language, oldest and newest date, fingerprint
EXPECTED = {
    "atom_cdata.xml": (10, 6, "en-gb", "2015-10-11", "2015-10-11", "c235e22e64da5cf7"),
    "atom_relative_url.xml": (1, 0, "", "2024-12-18", "2024-12-18", "f608eb05325739a8"),
    "full_atom.xml": (5, 2, "", "2003-12-13", "2003-12-13", "03076c38f28d9eb2"),
    "full_jsonfeed.json": (2, 2, "de", "2020-01-02", "2020-01-02", "df607b5ba6603156"),
    "full_rss.xml": (5, 2, "", "2009-09-06", "2009-09-06", "bbaf2718b2086b15"),
    "github_commits_atom.xml": (20, 4, "en-US", "2014-07-01", "2014-07-17", "951edf299326cf08"),
    "google_news_rss.xml": (1, 1, "fr", "2020-03-08", "2020-03-08", "75d044bd86f5f313"),
    "reddit_atom.xml": (1, 1, "", "2025-06-17", "2025-06-17", "5584a41cec454657"),
    "rss_dcdate.xml": (1, 0, "fr", "2025-02-26", "2025-02-26", "0984e3be7725e3e2"),
    "rss_iso_8859_1.xml": (1, 0, "", "2016-11-21", "2016-11-21", "718dfe4cc788f976"),
    "rss_malformed.xml": (1, 1, "en-US", "2019-05-15", "2019-05-15", "56e71b74823dc30f"),
    "youtube_channel_atom.xml": (1, 1, "", "2024-12-16", "2024-12-16", "05aad2ff6553474b"),
}


def poll(body):
    async def heard():
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
        fetch = make_fetcher(user_agent="tests", transport=transport)
        wiring = Wiring(fetch, FixedClock(NOW), lambda reference: reference)
        try:
            return [batch async for batch in FeedListener(FeedOptions(url=URL), wiring).poll(None)]
        finally:
            await fetch.aclose()

    (batch,) = asyncio.run(heard())
    return batch


def day(moment):
    return moment.date().isoformat() if moment else ""


def told(items):
    dates = [item.published_at for item in items if item.published_at]
    said = [
        part
        for item in items
        for part in (
            item.external_id,
            item.url,
            item.title,
            clean(item.text, is_html=item.is_html),
            item.author.name if item.author else "",
        )
    ]
    return (
        len(items),
        len({item.author.id for item in items if item.author}),
        items[-1].lang,
        day(min(dates)),
        day(max(dates)),
        fingerprint(*said)[:16],
    )


def words(text):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", html.unescape(text or ""))).split())


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_feed_gives_its_mentions(payloads, name):
    batch = poll((payloads / "feeds" / name).read_bytes())
    assert told(batch.items) == EXPECTED[name]
    assert batch.bad_items == ()
    assert batch.state is WindowState.complete
    assert all(item.published_at is None or item.published_at.tzinfo for item in batch.items)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith(".xml")])
def test_recorded_feed_loses_no_words_against_feedparser(payloads, name):
    body = (payloads / "feeds" / name).read_bytes()
    known = feedparser.parse(body.strip(), sanitize_html=False).entries
    items = {item.external_id: item for item in poll(body).items}
    assert len(items) == len(known)
    for entry in known:
        item = items[entry.id.replace("http://", "https://")]
        title, text = words(entry.get("title")), words(entry.get("summary"))
        if name.startswith("google_news"):
            assert title.startswith(words(item.title))
            assert title.endswith(f" - {item.author.name}")
            assert item.text == ""
            continue
        assert words(item.title) == title
        found = words(item.text)
        whole = [text] + [words(part.value) for part in entry.get("content", ())]
        # Reddit wraps what was written in a table of its own.
        assert found in whole or (name.startswith("reddit") and any(found in one for one in whole))


def test_every_recorded_feed_is_expected(payloads):
    assert {path.name for path in (payloads / "feeds").iterdir()} == set(EXPECTED)

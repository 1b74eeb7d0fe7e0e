"""Entries to items: who is who, where links lead, and what the special feeds mean."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earmark_core.text import clean
from earmark_listeners.feeds.entry import Bad, Entry, Feed
from earmark_listeners.feeds.identity import external_ids
from earmark_listeners.feeds.items import items_of
from earmark_listeners.feeds.reading import read_feed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
URL = "https://feeds.a.example/f.xml?key=sentinel"


def items(*entries, link="https://a.example/", **told):
    return items_of(Feed(entries, link=link), url=URL, now=NOW, **told).items


def item(*entries, **told):
    (found,) = items(*entries, **told)
    return found


def test_repeated_guid_shows_every_item():
    same = [Entry(id="const", link=f"https://a.example/{n}", title=str(n)) for n in range(10)]
    found = items(*same)
    assert len({one.external_id for one in found}) == 10
    unlinked = [Entry(id="const", title=str(n)) for n in range(10)]
    assert len(items(*unlinked)) == 10


def test_identity_falls_back_to_link_then_to_what_is_said():
    assert item(Entry(link="https://a.example/1", title="x")).external_id == "https://a.example/1"
    first, second = items(Entry(link="https://a.example/", text="a"), Entry(title="a"))
    assert len({first.external_id, second.external_id}) == 2
    assert items(Entry(title="t", text="a"))[0] == items(Entry(title="t", text="a"))[0]


def test_identity_does_not_change_with_order_edit_or_scheme():
    one = Entry(id="http://a.example/1", title="a")
    other = Entry(id="2", title="b")
    edited = Entry(id="https://a.example/1", title="edited")
    assert external_ids([one, other]) == external_ids([other, edited])[::-1]


def test_links_first_where_ids_are_made_up():
    entries = [
        Entry(id="r1", link="https://a.example/1"),
        Entry(id="r2", link="https://a.example/2"),
    ]
    found = external_ids(entries, by_link=True)
    assert found == ["https://a.example/1", "https://a.example/2"]


@example([Entry(id="https://a.example/1", title="x"), Entry(link="https://a.example/1")])
@given(
    st.lists(
        st.builds(
            Entry,
            id=st.sampled_from(["", "1", "2", "http://a.example/1", "https://a.example/1"]),
            link=st.sampled_from(["", "https://a.example/1", "https://a.example/2"]),
            title=st.sampled_from(["", "x", "y"]),
            text=st.sampled_from(["", "x"]),
        ),
        max_size=8,
    )
)
def test_each_different_entry_has_an_id_of_its_own(entries):
    found = external_ids(entries)
    told = [(e.id.replace("http:", "https:"), e.link, e.title, e.text) for e in entries]
    assert len(set(found)) >= len(set(told)) - told.count(("", "", "", ""))
    assert all(found)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/1", "https://a.example/1"),
        ("  https://a.example/\n1 ", "https://a.example/1"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("http://[broken", ""),
        ("https://user:pw@a.example/", ""),
        ("#top", "https://a.example/#top"),
        ("https://www.google.com/url?rct=j&url=https%3A%2F%2Fb.example%2Fx%3Fa%3D1&ct=ga",
         "https://b.example/x?a=1"),
    ],
)  # fmt: skip
def test_links(link, expected):
    assert item(Entry(id="1", title="t", link=link)).url == expected


def test_permalink_guid_is_the_link_and_another_is_not():
    assert item(Entry(id="https://a.example/g", is_permalink=True)).url == "https://a.example/g"
    assert item(Entry(id="/g", is_permalink=True)).url == "https://a.example/g"
    assert item(Entry(id="g", title="t")).url == ""


def test_relative_links_carry_no_key_of_the_feed_along():
    for link in ("#a", "?p=1", "x", "/y", ""):
        found = item(Entry(id="1", title="t", link=link), link="")
        assert "sentinel" not in repr(found)


def test_one_article_has_one_uri_and_comments_have_none():
    assert item(Entry(id="1", link="https://a.example/1?utm_source=x")).uri == "https://a.example/1"
    assert item(Entry(id="1", link="https://a.example/1#comment-5")).uri == ""
    assert item(Entry(id="1", link="https://a.example/")).uri == ""
    twice = items(
        Entry(id="1", link="https://a.example/s"), Entry(id="2", link="https://a.example/s")
    )
    assert [one.uri for one in twice] == ["", ""]


def test_odd_dates_are_none():
    for odd in (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)):
        assert item(Entry(id="1", title="t", published=odd, updated=odd)).published_at is None
    soon = datetime(2026, 3, 3, tzinfo=UTC)
    assert item(Entry(id="1", title="t", published=soon)).published_at == soon


def test_edited_only_where_the_update_is_later():
    early, late = datetime(2026, 3, 1, tzinfo=UTC), NOW
    assert item(Entry(id="1", title="t", published=early, updated=late)).edited_at == late
    assert item(Entry(id="1", title="t", published=late, updated=late)).edited_at is None


def test_oldest_comes_first():
    day = [datetime(2026, 3, n, tzinfo=UTC) for n in (1, 2)]
    dated = [Entry(id="b", published=day[1], title="t"), Entry(id="a", published=day[0], title="t")]
    assert [one.external_id for one in items(*dated)] == ["a", "b"]
    assert [one.external_id for one in items(*dated[::-1])] == ["a", "b"]
    undated = [Entry(id="new", title="t"), Entry(id="old", title="t")]
    assert [one.external_id for one in items(*undated)] == ["old", "new"]


def test_empty_entry_is_bad_and_the_others_are_kept():
    read = items_of(
        Feed((Entry(id="1"), Entry(author_name="Ada"), Entry(text="x")), (Bad("why", "raw"),)),
        url=URL, now=NOW,
    )  # fmt: skip
    assert len(read.items) == 2
    assert [bad.reason for bad in read.bad] == ["why", "An entry without id, link, title and text."]
    assert all(bad.raw for bad in read.bad)


def test_same_name_on_two_sites_is_two_people():
    here = item(Entry(id="1", title="t", author_name="admin"))
    there = item(Entry(id="1", title="t", author_name="admin"), link="https://b.example/")
    assert here.author.id != there.author.id
    known = item(Entry(id="1", title="t", author_name="Ada", author_url="http://a.example/ada"))
    assert (known.author.id, known.author.url) == ("https://a.example/ada", "http://a.example/ada")
    assert item(Entry(id="1", title="t", author_url="javascript:x")).author is None


def test_answer_knows_what_it_answers():
    found = item(Entry(id="2", title="t", parent="http://a.example/1"))
    assert (found.kind, found.parent_id) == ("comment", "https://a.example/1")
    assert found.thread_id == found.parent_id


def test_hostile_text_stays_text():
    entry = Entry(
        id="<svg onload=x>\0", title="<script>alert(1)</script>Late\x92s", title_is_html=True,
        text="don\x92t <b>go</b>", text_is_html=True,
        author_name="<img onerror=x>\ud800", lang="<en>",
    )  # fmt: skip
    found = item(entry)
    assert "<script" not in found.title
    assert found.title.endswith("Late’s")
    assert clean(found.text, is_html=True) == "don’t go"
    assert found.lang == ""
    assert "\0" not in found.external_id
    found.author.name.encode()


def test_raw_keeps_the_entry():
    assert json.loads(item(Entry(id="1", title="t", text="x", published=NOW)).raw)["text"] == "x"


def test_overlong_ids_fit():
    assert len(item(Entry(id="x" * 10_000, title="t")).external_id) <= 500


NEWS = b"""<rss version="2.0"><channel><title>"Acme" - Google News</title>
<link>https://news.google.com/search?q=Acme</link><language>en-US</language>
<item><title>Acme Air - a story of delay - The Daily Plum</title>
<link>https://news.google.com/rss/articles/CBMi?oc=5</link>
<guid isPermaLink="false">CBMi</guid><pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate>
<description>&lt;ol&gt;&lt;li&gt;&lt;a href="https://x.example"&gt;Awful&lt;/a&gt;&lt;/li&gt;&lt;/ol&gt;</description>
<source url="https://plum.example">The Daily Plum</source></item></channel></rss>"""


def test_google_news_headline_publisher_and_no_text():
    (found,) = items_of(read_feed(NEWS), url=URL, now=NOW, google_news=True).items
    assert found.title == "Acme Air - a story of delay"
    assert (found.author.name, found.author.url) == ("The Daily Plum", "https://plum.example")
    assert (found.text, found.lang, found.external_id) == ("", "en-US", "CBMi")
    assert "Awful" in found.raw


def test_google_alert_leads_to_the_article():
    feed = read_feed(
        b"""<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://www.google.com/alerts"/>
        <entry><id>tag:google.com,2013:googlealerts/feed:1</id>
        <title type="html">&lt;b&gt;Acme&lt;/b&gt; Air is late</title>
        <link href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://b.example/late&amp;ct=ga"/>
        <published>2026-03-02T08:00:00Z</published><author><name></name></author>
        <content type="html">Again &lt;b&gt;Acme&lt;/b&gt; ...</content></entry></feed>"""
    )
    (found,) = items_of(feed, url=URL, now=NOW).items
    assert (found.title, found.url) == ("Acme Air is late", "https://b.example/late")
    assert found.author is None


def test_reddit_text_is_what_was_written():
    table = (
        "<table><tr><td><a href='x'><img alt='thumb'></a></td><td> <!-- SC_OFF --><div class='md'>"
        "<p>My bag is gone</p></div><!-- SC_ON --> submitted by <a>/u/ada</a></td></tr></table>"
    )
    entry = Entry(id="t3_1", text=table, text_is_html=True, author_name="/u/ada", title="t")
    found = item(entry)
    assert clean(found.text, is_html=True) == "My bag is gone"
    assert (found.kind, found.author.handle) == ("post", "ada")
    link_post = Entry(
        id="t3_2", title="t", text="<a>x</a> submitted by <a>/u/b</a>", text_is_html=True
    )
    assert item(link_post).text == ""


def test_youtube_text_is_the_description():
    feed = read_feed(
        b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
        <entry><id>yt:video:1</id><title>Review</title>
        <link rel="alternate" href="https://www.youtube.com/watch?v=1"/><media:group>
        <media:description>Acme broke twice.</media:description><media:community>
        <media:statistics views="12"/></media:community></media:group></entry></feed>"""
    )
    (found,) = items_of(feed, url=URL, now=NOW).items
    assert (found.kind, found.text, found.metrics) == ("video", "Acme broke twice.", {"views": 12})


@pytest.mark.parametrize(
    ("title", "rating"),
    [
        ("★☆☆☆☆ Leaks", 1.0),
        ("★★★★★", 5.0),
        ("⭐⭐⭐☆☆ fine", 3.0),
        ("★★★", None),
        ("★★★★★★", None),
        ("☆☆☆☆☆ none", None),
        ("Five ★★★★★ from me", None),
    ],
)
def test_five_stars_before_a_title_are_a_rating(title: str, rating: float | None) -> None:
    entry = Entry(id="1", title=title, text="words")
    read = items_of(Feed(entries=(entry,)), url="https://x.example/feed", now=NOW)
    assert (read.items[0].rating, read.items[0].kind == "review") == (rating, rating is not None)

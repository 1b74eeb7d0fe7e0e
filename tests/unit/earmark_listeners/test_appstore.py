"""The App Store's public list, which is often wrong."""

import re
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

import httpx
import pytest

from earmark_core.errors import ConfigError, Malformed, Rejected, Unavailable
from earmark_core.model import WindowState
from earmark_listeners.contract import Outgoing
from earmark_listeners.newest_first import write_mark
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FEED = {"app_id": "77", "country": "de"}
LATER = write_mark(NOW - timedelta(hours=1))
APP = {"im:name": {"label": "Acme Air"}, "id": {"label": "https://apps.apple.com/…"}}
PATH = re.compile(
    r"/de/rss/customerreviews/(?:page=(?P<a>\d+)/id=77/sortby=mostrecent"
    r"|id=77/sortBy=mostRecent/page=(?P<b>\d+))/(?P<kind>json|xml)"
)


def entry(name, hours=1, **more):
    at = (NOW - timedelta(hours=hours)).astimezone().isoformat()
    return {
        "id": {"label": str(name)}, "im:rating": {"label": "2"}, "title": {"label": "Hm"},
        "content": {"label": f"says {name}", "attributes": {"type": "text"}},
        "updated": {"label": at}, "im:voteCount": {"label": "3"}, "im:voteSum": {"label": "-1"},
        "author": {"name": {"label": "Mara"},
                   "uri": {"label": "https://itunes.apple.com/de/reviews/id901"}}, **more,
    }  # fmt: skip


def as_xml(entries):
    parts = [
        f"<entry><updated>{each['updated']['label']}</updated><id>{each['id']['label']}</id>"
        f"<title>{escape(each['title']['label'])}</title>"
        f"<content type='text'>{escape(each['content']['label'])}</content>"
        "<im:rating>2</im:rating><author><name>Mara</name><uri>u</uri></author>"
        "<content type='html'>&lt;table&gt;</content></entry>"
        for each in entries
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns:im="http://itunes.apple.com/rss" '
        f'xmlns="http://www.w3.org/2005/Atom">{"".join(parts)}</feed>'
    )


class FakeStore:
    """Lists 50 reviews a page, 10 pages at most; can be silent, undated or broken by form."""

    def __init__(self, *entries, silent=(), undated=False, xml=None):
        self.entries = list(entries)
        self.silent = silent
        self.undated = undated
        self.xml = xml
        self.asked = []

    def __call__(self, request):
        found = PATH.fullmatch(request.url.path)
        assert found, request.url
        assert request.url.host == "itunes.apple.com"
        form = found["kind"] if found["kind"] == "xml" else "A" if found["a"] else "B"
        page = int(found["a"] or found["b"])
        self.asked.append((form, page))
        shown = self.entries[page * 50 - 50 : page * 50] if page <= 10 else []
        shown = [] if form in self.silent else shown
        if form == "xml":
            return self.xml or httpx.Response(200, text=as_xml(shown))
        if self.undated:
            shown = [{k: v for k, v in each.items() if k != "updated"} for each in shown]
        feed = {"link": [{"attributes": {"rel": "next", "href": "https://evil.example/2"}}]}
        if shown:
            feed["entry"] = shown if len(shown) > 1 else shown[0]
        return httpx.Response(200, json={"feed": feed})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_one_review_comes_as_an_object_and_none_as_nothing(polled):
    store = FakeStore(entry(1))
    assert ids(polled("appstore", FEED, store)) == ["1"]
    assert store.asked == [("A", 1)]


def test_the_entry_about_the_app_is_passed_over(polled):
    feed = {"feed": {"entry": [APP, entry(1)]}}
    (batch,) = polled("appstore", FEED, lambda _: httpx.Response(200, json=feed))
    assert (ids([batch]), batch.bad_items) == (["1"], ())


def test_a_review_as_an_item(polled):
    (batch,) = polled("appstore", FEED, FakeStore(entry(1), entry(2)))
    item = batch.items[0]
    assert (item.rating, item.title, item.text, item.kind) == (2, "Hm", "says 1", "review")
    assert (item.author.id, item.author.name) == ("901", "Mara")
    assert item.published_at == NOW - timedelta(hours=1)
    assert item.metrics == {"votes": 3, "vote_sum": -1}
    assert item.url == "https://apps.apple.com/de/app/id77?see-all=reviews"
    # All reviews share one page; without a name of their own they would be taken for one post.
    assert len({each.uri for each in batch.items}) == 2
    assert item.reply_ref == {}


def test_pages_are_asked_for_by_number_until_what_is_known(polled):
    store = FakeStore(*(entry(n, n / 2) for n in range(1, 301)))
    batches = polled("appstore", FEED, store, LATER)
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert store.asked == [("A", number) for number in (1, 2, 3, 4)]
    assert len(ids(batches)) == 200


def test_the_wall_of_500_is_told_as_a_gap(polled):
    batches = polled("appstore", FEED, FakeStore(*(entry(n, n / 60) for n in range(700))), LATER)
    assert len(ids(batches)) == 500
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert {batch.covers_from for batch in batches} == {NOW - timedelta(minutes=499)}


@pytest.mark.parametrize(("silent", "forms"), [("A", "AB"), (("A", "B"), ("A", "B", "xml"))])
def test_an_empty_list_is_asked_for_in_other_forms(polled, silent, forms):
    store = FakeStore(entry(1), entry(2, 2), silent=silent)
    assert ids(polled("appstore", FEED, store, LATER)) == ["2", "1"]
    assert [form for form, page in store.asked if page == 1] == list(forms)


def test_an_empty_list_where_there_were_reviews_is_a_fault(polled):
    with pytest.raises(Unavailable, match="although it had reviews before") as caught:
        polled("appstore", FEED, FakeStore(), LATER)
    assert "country" in caught.value.hint


def test_an_app_without_reviews_keeps_no_place_and_claims_nothing(polled):
    (batch,) = polled("appstore", FEED, FakeStore())
    assert (batch.items, batch.cursor) == ((), None)
    assert "no reviews" in batch.note


def test_an_empty_page_behind_a_full_one_is_told(polled):
    store = FakeStore(*(entry(n, n / 60) for n in range(50)))
    batches = polled("appstore", FEED, store, LATER)
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert batches[-1].covers_from == NOW - timedelta(minutes=49)
    assert [form for form, page in store.asked if page == 2] == ["A", "B", "xml"]


def test_a_short_list_simply_ends(polled):
    store = FakeStore(entry(1), entry(2))
    batches = polled("appstore", FEED, store, LATER)
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert store.asked == [("A", 1), ("A", 2)]


def test_dates_that_the_json_lacks_come_from_the_xml(polled):
    store = FakeStore(entry(1, 3), entry(2, 5), undated=True)
    (batch,) = polled("appstore", FEED, store)
    assert ids([batch]) == ["2", "1"]
    assert batch.items[0].published_at == NOW - timedelta(hours=5)
    assert batch.cursor == write_mark(NOW - timedelta(hours=3))


@pytest.mark.parametrize(
    "xml",
    [httpx.Response(502), httpx.Response(200, html="<html><p>no</html>"),
     httpx.Response(200, text="<feed/>"), httpx.Response(200, text="")],
)  # fmt: skip
def test_without_a_date_a_review_is_still_heard(polled, xml):
    (batch,) = polled("appstore", FEED, FakeStore(entry(1), undated=True, xml=xml))
    assert [item.published_at for item in batch.items] == [None]


def test_a_limit_is_obeyed_while_asking_for_dates(polled):
    slow = httpx.Response(429, headers={"Retry-After": "60"})
    with pytest.raises(Unavailable) as caught:
        polled("appstore", FEED, FakeStore(entry(1), undated=True, xml=slow))
    assert caught.value.rate_limited


def test_xml_that_declares_entities_is_refused(polled):
    bomb = '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa">]><feed>&a;</feed>'
    store = FakeStore(silent=("A", "B"), xml=httpx.Response(200, text=bomb))
    with pytest.raises(Malformed, match="document type"):
        polled("appstore", FEED, store, LATER)


@pytest.mark.parametrize(
    "body", ["{}", "null", "[]", '{"feed": null}', '{"feed": {"entry": "x"}}', '{"feed": {"en',
             "<html>login</html>"],
)  # fmt: skip
def test_what_is_no_list_is_never_an_empty_one(polled, body):
    for since in (None, LATER):
        with pytest.raises((Malformed, Unavailable)):
            polled("appstore", FEED, lambda _: httpx.Response(200, text=body), since)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refusal_of_the_feed_is_no_empty_list(polled, status):
    for since in (None, LATER):
        with pytest.raises((Rejected, Unavailable)):
            polled("appstore", FEED, lambda _: httpx.Response(status, json={}), since)


@pytest.mark.parametrize("broken", [{"im:rating": {"label": "9"}}, {"id": {}}, {"im:rating": None}])
def test_a_review_that_cannot_be_read_is_set_apart(polled, broken):
    (batch,) = polled("appstore", FEED, FakeStore(entry(1), entry(2, **broken)))
    assert (ids([batch]), len(batch.bad_items)) == (["1"], 1)


def test_entries_that_are_no_objects_are_set_apart(polled):
    feed = {"feed": {"entry": [entry(1), "half", 7]}}
    (batch,) = polled("appstore", FEED, lambda _: httpx.Response(200, json=feed))
    assert (ids([batch]), len(batch.bad_items)) == (["1"], 2)


def test_an_app_that_is_not_there_says_what_to_check(polled):
    with pytest.raises(Rejected) as caught:
        polled("appstore", FEED, lambda _: httpx.Response(404, json={}))
    assert "app_id" in caught.value.hint
    assert "country" in caught.value.hint


def test_a_feed_that_gives_one_page_for_ever_is_left(polled):
    feed = {"feed": {"entry": [entry(n) for n in range(50)]}}
    batches = polled("appstore", FEED, lambda _: httpx.Response(200, json=feed), LATER)
    assert len(ids(batches)) == 50
    assert batches[-1].state is WindowState.truncated


def test_the_public_feed_takes_no_replies(listen):
    async def use(listener):
        assert responder(listener) is None
        await listener.send(Outgoing("Thanks", {}, "earmark-1", NOW))

    with pytest.raises(Rejected, match="takes no replies"):
        listen("appstore", FEED, FakeStore(), use)


@pytest.mark.parametrize(
    "options",
    [{}, {"app_id": "com.acme.air"}, FEED | {"country": "deu"}, {"app_id": "7", "kind": "connect"},
     {"app_id": "7", "kind": "connect", "key_id": "K"}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(polled, options):
    with pytest.raises(ConfigError):
        polled("appstore", options, FakeStore())


def test_a_country_may_be_written_large(polled):
    assert ids(polled("appstore", FEED | {"country": " DE "}, FakeStore(entry(1)))) == ["1"]

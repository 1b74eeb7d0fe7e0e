"""The quick ways through a feed give what the long ones give."""

from datetime import datetime
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earmark_listeners.feeds import dates, strict
from earmark_listeners.feeds.links import resolve
from earmark_listeners.feeds.markup import Kids
from earmark_listeners.feeds.tags import (
    ATOM_UPDATED,
    DC,
    DC_LANGUAGE,
    DCTERMS_MODIFIED,
    REPLY,
    SLASH,
    rss_tags,
)

_NUMBER = st.one_of(
    st.integers(-1, 61).map(lambda number: f"{number:02}"),
    st.text("0129 +:-.,T\u0661", max_size=5),
)
_YEARS = st.one_of(st.sampled_from(("2026", "1999", "0099", "26", "99999")), _NUMBER)
_ZONES = st.one_of(st.sampled_from(("GMT", "UTC", "+0000", "-0000", "+0130", "EST", "")), _NUMBER)
_TIMES = st.builds("{}:{}:{}".format, _NUMBER, _NUMBER, _NUMBER)
_DATES_822 = st.builds(
    "{} {} {} {} {} {}".format,
    st.sampled_from(("Sun,", "Mon", "sun,", "Foo,", ",", "\n,", "")),
    _NUMBER,
    st.sampled_from(("Jan", "Feb", "Jun", "Dec", "jan", "Foo", "01")),
    _YEARS,
    st.one_of(_TIMES, st.text("0123456789:. ", max_size=9)),
    _ZONES,
)
_DATES_3339 = st.builds(
    "{}-{}-{}{}{}{}".format,
    _YEARS,
    _NUMBER,
    _NUMBER,
    st.sampled_from("Tt "),
    _TIMES,
    st.one_of(st.sampled_from(("Z", "z", ".123Z", ".1234567Z", "+02:00", "-23:59", "")), _NUMBER),
)


@given(st.one_of(_DATES_822, _DATES_3339, st.text(max_size=40)))
@example("Sun, 01 Mar 2026 00:32:00 GMT")
@example("Sun, 1 Mar 2026 00:32:00 +0000")
@example("Sun, 31 Jun 2026 00:32:00 GMT")
@example("Sun, 31 Dec 2026 24:00:00 GMT")
@example("Sun, 01 Mar 2026 003200.5 GMT")
@example("Sun, 001 Mar 2026 00:32:00 GMT")
@example("Sun, 01 Mar 0026 00:32:00 GMT")
@example("2026-03-01T00:32:00.123+02:00")
@example("9999-12-31T23:59:59-23:59")
def test_a_common_date_is_read_as_any_date(text: str) -> None:
    assert dates.read_date(text) == dates._any_date(text)


@pytest.mark.parametrize(
    "text", ["Sun, 01 Mar 2026 00:32:07 GMT", "Mon, 1 Mar 2026 00:32:07 +0000"]
)
def test_the_common_date_goes_the_quick_way(text: str) -> None:
    assert dates._common_822(text) == datetime.fromisoformat("2026-03-01T00:32:07+00:00")


@given(st.text("aZ1/:?#[]@;. \n%é", max_size=30))
@example("https://a.example/b")
@example("https://[a.example/b")
@example("//a.example/../b")
def test_without_a_base_an_address_is_joined_with_nothing(link: str) -> None:
    assert resolve("", link) == urljoin("", "".join(link.split()))


_RARE = ("source", ATOM_UPDATED, DCTERMS_MODIFIED, DC_LANGUAGE, REPLY)
_USUAL = ("title", "link", "guid", "pubDate", "category", "description", f"{DC}creator", SLASH)
_VALUES = st.sampled_from(("", "de", "7", "a & b", "2026-03-01T00:32:00Z", "https://a.example/"))
_ITEMS = st.lists(st.tuples(st.sampled_from((*_USUAL, *_RARE)), _VALUES), max_size=8)


@given(_ITEMS, st.sampled_from(("", "en")))
def test_what_is_rare_is_looked_for_where_any_of_it_stands(
    children: list[tuple[str, str]], lang: str
) -> None:
    item = ElementTree.Element("item", {strict.LANG: lang} if lang else {})
    for tag, value in children:
        child = ElementTree.SubElement(item, tag, {"url": value, "ref": value})
        child.text = value
    kids, tags = Kids(item), rss_tags("")
    entry = strict._rss_entry(kids, tags, "")
    assert strict._with_rare(entry, kids, tags) == entry


@pytest.mark.parametrize("tag", _RARE)
def test_a_rare_tag_alone_is_read(tag: str) -> None:
    item = ElementTree.Element("item")
    child = ElementTree.SubElement(item, tag, {"ref": "tag:a.example,2026:1"})
    child.text = "2026-03-01T00:32:00Z"
    kids, tags = Kids(item), rss_tags("")
    entry = strict._rss_entry(kids, tags, "")
    assert entry != strict._rss_entry(Kids(ElementTree.Element("item")), tags, "")
    assert entry == strict._with_rare(entry, kids, tags)

"""Bytes to entries: every format, every charset, and what is refused."""

import html
import json
import re
from contextlib import suppress

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.errors import ListenerError, Malformed, Unavailable
from earmark_listeners.feeds.charset import decode
from earmark_listeners.feeds.dates import read_date
from earmark_listeners.feeds.entry import MAX_ENTRIES, looks_like_html
from earmark_listeners.feeds.lenient import LenientReader
from earmark_listeners.feeds.reading import _refuse, read_feed
from earmark_listeners.feeds.strict import read_tree


def rss(items, *, head='<?xml version="1.0"?>', attributes=""):
    return (
        f'{head}<rss version="2.0" {attributes}><channel><title>T</title>'
        f"<link>https://a.example/</link>{items}</channel></rss>"
    )


def atom(entries, attributes=""):
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title>{entries}</feed>'
    )


@pytest.fixture(scope="module")
def lenient():
    reader = LenientReader(cpu_seconds=5)
    yield reader
    reader.close()


def one(text, **told):
    (entry,) = read_feed(text.encode() if isinstance(text, str) else text, **told).entries
    return entry


def words(text):
    shown = re.sub(r"<[^>]+>", " ", html.unescape(text or ""))
    return " ".join(html.unescape(shown).split())


def test_rss_gives_every_field():
    entry = one(
        rss(
            "<item><title>Late &amp; rude</title><link>https://a.example/1</link>"
            '<guid isPermaLink="false">g1</guid><pubDate>Mon, 02 Mar 2026 07:00:00 EST</pubDate>'
            "<dc:creator>Ada</dc:creator><dc:language>en</dc:language><category>x</category>"
            "<description>short</description><e:encoded>&lt;p&gt;long&lt;/p&gt;</e:encoded>"
            '<source url="https://b.example/">B</source><s:comments>7</s:comments>'
            '<t:in-reply-to ref="g0"/></item>',
            attributes='xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xmlns:e="http://purl.org/rss/1.0/modules/content/" '
            'xmlns:s="http://purl.org/rss/1.0/modules/slash/" '
            'xmlns:t="http://purl.org/syndication/thread/1.0"',
        )
    )
    assert (entry.id, entry.is_permalink, entry.link) == ("g1", False, "https://a.example/1")
    assert (entry.title, entry.text, entry.text_is_html) == ("Late & rude", "<p>long</p>", True)
    assert (entry.author_name, entry.lang, entry.tags) == ("Ada", "en", ("x",))
    assert (entry.publisher, entry.publisher_url) == ("B", "https://b.example/")
    assert (entry.replies, entry.parent) == (7, "g0")
    assert entry.published.isoformat() == "2026-03-02T12:00:00+00:00"


def test_atom_gives_every_field():
    entry = one(
        atom(
            '<entry xml:lang="de"><id>urn:1</id>'
            '<title type="html">&lt;b&gt;Zu&lt;/b&gt; spät</title>'
            '<link rel="self" href="s"/><link href="x/1"/><published>2026-03-01T10:00:00+01:00'
            "</published><updated>2026-03-02T10:00:00Z</updated><author><name>Ada</name>"
            "<uri>/ada</uri><email>ada@a.example</email></author><category term='c'/>"
            '<summary>s</summary><content type="html">&lt;p&gt;c&lt;/p&gt;</content></entry>',
            'xml:base="https://a.example/b/"',
        )
    )
    assert (entry.id, entry.link, entry.lang) == ("urn:1", "https://a.example/b/x/1", "de")
    assert (entry.title, entry.title_is_html) == ("<b>Zu</b> spät", True)
    assert (entry.text, entry.text_is_html) == ("<p>c</p>", True)
    assert (entry.author_name, entry.author_url) == ("Ada", "https://a.example/ada")
    assert entry.author_email == "ada@a.example"
    assert entry.tags == ("c",)
    assert entry.published.isoformat() == "2026-03-01T09:00:00+00:00"
    assert entry.updated.isoformat() == "2026-03-02T10:00:00+00:00"


def test_xhtml_keeps_all_words_and_markup():
    entry = one(
        atom(
            '<entry><id>1</id><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
            'Not <em>one</em> reply</div></title><content type="xhtml">'
            '<div xmlns="http://www.w3.org/1999/xhtml"><p>a<br/>b &amp; c</p><!-- x -->tail</div>'
            "</content></entry>"
        )
    )
    assert words(entry.title) == "Not one reply"
    assert entry.text == "<div><p>a<br>b &amp; c</p>tail</div>"


def test_rdf_and_unnamespaced_atom_and_atom_03_are_read():
    rdf = one(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        '<channel rdf:about="c"><title>T</title></channel><item rdf:about="https://a.example/1">'
        "<title>R</title><link>https://a.example/1</link><dc:date>2026-03-01</dc:date></item>"
        "</rdf:RDF>"
    )
    assert (rdf.id, rdf.title) == ("https://a.example/1", "R")
    assert rdf.published.isoformat() == "2026-03-01T00:00:00+00:00"
    assert one("<feed><entry><id>1</id><title>A</title></entry></feed>").title == "A"
    old = one(
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><id>1</id>'
        '<title mode="base64" type="text/html">SGk=</title></entry></feed>'
    )
    assert old.title == "Hi"


@pytest.mark.parametrize("version", ["1", "1.1"])
def test_json_feed(version):
    author = {"author": {"name": "Ada"}} if version == "1" else {"authors": [{"name": "Ada"}]}
    body = {
        "version": f"https://jsonfeed.org/version/{version}",
        "title": "T",
        "language": "en",
        "items": [
            {"id": 7, "content_text": "plain", "external_url": "https://b.example/", **author},
            {"id": "8", "content_html": "<p>x</p>", "date_published": "2026-03-02T08:00:00+0100"},
            "rubbish",
        ],
    }
    feed = read_feed(json.dumps(body).encode())
    first, second = feed.entries
    assert (first.id, first.text, first.text_is_html, first.author_name) == (
        "7",
        "plain",
        False,
        "Ada",
    )
    assert (second.text, second.text_is_html) == ("<p>x</p>", True)
    assert second.published.isoformat() == "2026-03-02T07:00:00+00:00"
    assert len(feed.bad) == 1


def test_entries_in_the_wrong_place_are_found():
    assert one(atom("<item><title>stray</title></item>")).title == "stray"
    assert one("<rss><item><title>bare</title></item></rss>").title == "bare"


MALFORMED = {
    "bare ampersand": rss(
        "<item><title>x & y</title><description>fish & chips</description></item>"
    ),
    "html entities": rss(
        "<item><title>a&nbsp;b &eacute;t&eacute;</title>"
        "<description>&ldquo;no&rdquo;</description></item>"
    ),
    "undeclared prefix": rss("<item><dc:creator>Ada</dc:creator><title>kept</title></item>"),
    "unclosed tag": rss("<item><title>one</title><description>two<br>three</description></item>"),
    "control character": rss(
        "<item><title>be\x0bll</title><description>t\x01ext</description></item>"
    ),
    "cut in the second entry": rss("<item><title>whole</title></item><item><title>ha")[:-16],
    "two declarations": '<?xml version="1.0"?>' + rss("<item><title>twice</title></item>"),
    "naked html": rss("<item><title>t</title><description><p>a</p><p>b</description></item>"),
    "unquoted attribute": rss("<item><guid isPermaLink=false>g</guid><title>q</title></item>"),
    "junk after the end": rss("<item><title>j</title></item>") + "<!-- --><p>ad</p>",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_feeds_lose_no_text_against_feedparser(name):
    body = MALFORMED[name].encode()
    known = feedparser.parse(body, sanitize_html=False)
    found = read_feed(body)
    assert found.fault
    assert len(found.entries) == len(known.entries) > 0
    for ours, theirs in zip(found.entries, known.entries, strict=True):
        assert words(ours.title) == words(theirs.get("title"))
        assert words(ours.text) == words(theirs.get("summary"))


def test_words_of_malformed_feeds_are_right():
    assert words(one(MALFORMED["bare ampersand"]).title) == "x & y"
    assert words(one(MALFORMED["html entities"]).title) == "a b été"
    assert words(one(MALFORMED["unclosed tag"]).text) == "two three"


def test_cut_document_says_so_and_keeps_its_whole_entries():
    feed = read_feed(MALFORMED["cut in the second entry"].encode())
    assert feed.is_cut
    assert feed.entries[0].title == "whole"
    assert not read_feed(MALFORMED["bare ampersand"].encode()).is_cut


ACCENTS = rss("<item><title>Mëkanïk — Zaïn</title></item>", head="<?xml version='1.0' {}?>")


@pytest.mark.parametrize(
    ("charset", "declared", "content_type"),
    [
        ("utf-8", "", ""),
        ("utf-8-sig", "", ""),
        ("utf-16", "encoding='utf-16'", ""),
        ("utf-32", "", ""),
        ("windows-1252", "encoding='windows-1252'", ""),
        ("windows-1252", "encoding='iso-8859-1'", "text/xml"),
        ("windows-1252", "", "text/xml; charset=ISO-8859-1"),
        ("utf-8", "encoding='iso-8859-1'", ""),
        ("utf-8", "", "text/xml; charset=us-ascii"),
        ("utf-8", "encoding='no-such'", 'text/xml; charset="also none"'),
        ("windows-1252", "encoding='utf-8'", ""),
    ],
)
def test_charsets_declared_wrong_or_not_at_all_are_readable(charset, declared, content_type):
    body = ACCENTS.format(declared).encode(charset)
    assert one(body, content_type=content_type).title == "Mëkanïk — Zaïn"


@pytest.mark.parametrize("charset", ["shift_jis", "euc-kr", "gb18030", "koi8-r", "big5"])
def test_charsets_of_more_than_one_byte(charset):
    word = {"euc-kr": "환불", "koi8-r": "возврат", "big5": "退款", "gb18030": "退款"}.get(
        charset, "返金"
    )
    body = rss(
        f"<item><title>{word}</title></item>", head=f'<?xml version="1.0" encoding="{charset}"?>'
    )
    assert one(body.encode(charset)).title == word


def test_codecs_that_are_no_charset_are_not_used():
    for name in ("zlib", "hex", "unicode_escape", "utf-7", "idna"):
        assert decode(b"\\x41 \xc3\xa9", f"text/xml; charset={name}") == "\\x41 é"


def test_leading_blank_lines_are_no_fault():
    feed = read_feed(b"\r\n \xef\xbb\xbf\n" + rss("<item><title>x</title></item>").encode())
    assert feed.entries
    assert not feed.fault


BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!-- <rss> --><!DOCTYPE r [\n]>",
        '<?x ?><!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd" [<!ATTLIST a b CDATA "c">]>',
        # Not well-formed before its root: goes to the forgiving parser unless seen.
        "<?xml version='1.0'?><?xml version='1.0'?>" + BOMB,
        "& " + BOMB,
    ],
)
def test_declarations_are_refused(head):
    body = rss("<item><title>&b;</title></item>", head=head)
    for charset in ("utf-8", "utf-16"):
        with pytest.raises(Malformed, match="document type"):
            read_feed(body.encode(charset))


def test_declarations_in_undecodable_bytes_are_refused():
    with pytest.raises(Malformed, match="document type"):
        read_feed(
            b"<?xml version='1.0' encoding='utf-8'?>" + BOMB.encode() + b"<rss>\xff\xfe</rss>"
        )


def test_public_document_type_without_declarations_passes():
    head = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    )
    assert one(rss("<item><title>old</title></item>", head=head)).title == "old"
    assert (
        words(one(rss("<item><title>&eacute;t&eacute;</title></item>", head=head)).title) == "été"
    )


def test_web_page_is_said_to_be_one_and_its_feed_named():
    page = (
        "<!DOCTYPE html><html><head><title>Blog</title><link rel='alternate' "
        "type='application/rss+xml' href='/feed.xml?a=1&amp;b=2'></head></html>"
    )
    with pytest.raises(Unavailable, match="web page, not a feed") as caught:
        read_feed(page.encode(), url="https://a.example/blog")
    assert "https://a.example/feed.xml?a=1&b=2" in caught.value.hint


def test_page_that_names_a_dangerous_feed_is_not_quoted():
    page = "<html><link type=application/rss+xml href='javascript:alert(1)'></html>"
    with pytest.raises(Unavailable) as caught:
        read_feed(page.encode(), url="https://a.example/")
    assert "javascript" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"hello", b"\x00\xff\x80" * 50, b"{}", b"[1]", b"{", b'{"items": 3}', b"<a/>",
     b"[" * 99_999, b'{"items": [' + b"9" * 5000 + b"]", b"<?xml version='1.0'?>",
     b"GIF89a", b"<rss", b"<rss version='2.0'><channel>"],
)  # fmt: skip
def test_what_is_no_feed_is_malformed_never_empty(body):
    with pytest.raises(Malformed):
        read_feed(body)


def test_feed_without_entries_is_an_empty_feed():
    assert read_feed(rss("").encode()).entries == ()
    assert read_feed(b'{"version":"https://jsonfeed.org/version/1","items":[]}').entries == ()


def test_entries_beyond_the_cap_are_told():
    feed = read_feed(rss("<item><title>x</title></item>" * (MAX_ENTRIES + 5)).encode())
    assert len(feed.entries) == MAX_ENTRIES
    assert feed.is_capped


def test_depth_is_no_danger():
    deep = "<div>" * 60_000 + "words" + "</div>" * 60_000
    entry = one(atom(f'<entry><id>1</id><content type="xhtml">{deep}</content></entry>'))
    assert words(entry.text) == "words"
    assert words(one(rss(f"<item><title>t</title><description>{deep}</description></item>")).text)


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<![CDATA[", "<?x ", "<a ", "<!DOCTYPE ", "&", "<link ", "</rss", "<item>", "<html ",
     "<?xml encoding=", "-->", "]]>", '<a b="'],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_no_repeated_piece_takes_long(piece):
    # Linear work is done in a second; a quadratic scan of 4 MB would take most of an hour.
    whole = rss("<item><title>x</title></item>")[:-6] + piece * (4_000_000 // len(piece))
    for hostile in (whole, piece * (4_000_000 // len(piece))):
        text = decode(hostile.encode())
        looks_like_html(text)
        with suppress(ListenerError):
            _refuse(text, "https://a.example/")
        assert read_tree(text) is None


def test_no_repeated_piece_brings_the_forgiving_parser_down(lenient):
    for piece in ("<a ", "<item>", "<link ", '<a b="', "<!DOCTYPE "):
        body = (rss("<item><title>x</title></item>")[:-6] + piece * 20_000).encode()
        with suppress(Malformed):
            assert read_feed(body, lenient=lenient).entries


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "ignore")))
def test_no_bytes_raise_anything_but_our_errors(lenient, noise):
    for body in (noise, rss("<item><title>").encode()[:-20] + noise):
        with suppress(ListenerError):
            read_feed(body, lenient=lenient)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon, 02 Mar 2026 09:00:00 GMT", "2026-03-02T09:00:00+00:00"),
        ("02 Mar 26 09:00 PST", "2026-03-02T17:00:00+00:00"),
        ("Mon, 02 Mar 2026 09:00:00", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:00.123456789+0100", "2026-03-02T08:00:00.123456+00:00"),
        ("2026-03-02 09:00:00", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02 09:00:00 +0200", "2026-03-02T07:00:00+00:00"),
        ("2026-03-02 09:00:00 UTC", "2026-03-02T09:00:00+00:00"),
        ("2026-03", "2026-03-01T00:00:00+00:00"),
        ("2026", "2026-01-01T00:00:00+00:00"),
        ("", None),
        ("Mo, 02 Mär 2026", None),
        ("2026-02-31T00:00:00Z", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("0000-00-00T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("1" * 5000, None),
        ("٢٠٢٦-٠٣-٠٢", None),
    ],
)
def test_dates(text, expected):
    found = read_date(text)
    assert (found.isoformat() if found else None) == expected

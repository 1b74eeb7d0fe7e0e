import random
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earmark_core.markup import DEEPEST, _flattened
from earmark_core.text import canonical_url, clean, fingerprint, fold, html_to_text, safe_link

PIECES = """<p> </p> <br> <li> <ul> <div> </div> <a href='x'> </a> <span> </span> <pre> </pre> <td>
<script> </script> <!-- --> <b> </b> &amp; &lt; &#0; &#xD800; &nbsp; < > " ' <svg> <math> <template>
<table> <select> <title> <plaintext> <![CDATA[ ]]> = </ <script </script"""
ANY = st.text(st.characters(exclude_categories=()))
MARKUP = st.lists(
    st.one_of(
        ANY,
        st.sampled_from(PIECES.split()),
    )
).map("".join)
MASTODON = (
    '<p>Hi <span class="h-card"><a href="..">@<span>acme</span></a></span> see '
    '<a href="https://ex.org/path/x"><span class="invisible">https://</span>'
    '<span class="ellipsis">ex.org/pa</span><span class="invisible">th/x</span></a></p>'
)


def is_storable(text: str) -> bool:
    return not any(
        unicodedata.category(c) == "Cs"
        or (unicodedata.category(c) == "Cc" and c not in "\n\t")
        or ord(c) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(c) <= 0xFDEF
        or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for c in text
    )


@given(ANY, st.booleans())
@example("\ud83d", False)
@example("a\x00b\ufffe\U0010ffff", False)
@example("\u0344" * 9, False)
def test_clean_always_gives_text_that_every_store_takes(text, is_html):
    result = clean(text, is_html=is_html)
    assert is_storable(result)
    assert result == result.strip(" \n\t")
    assert "\n\n\n" not in result
    assert "  " not in result
    assert unicodedata.is_normalized("NFC", result)
    result.encode()


@given(ANY)
def test_cleaning_twice_changes_nothing(text):
    assert clean(clean(text)) == clean(text)


@given(ANY, st.integers(0, 30))
def test_the_limit_holds_and_a_cut_is_marked(text, limit):
    result = clean(text, limit=limit)
    assert len(result) <= limit
    assert result == clean(text) or limit == 0 or result.endswith("…")


@given(MARKUP)
def test_no_markup_breaks_it(html):
    assert is_storable(clean(html, is_html=True))
    html_to_text(html)


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="<>&")))
def test_words_are_kept_as_they_are(text):
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("  a \r\n b\rc\x0bd\u2028e ", "a\nb\nc\nd\ne"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a\u00a0\u00a0 b\tc", "a b\tc"),
        ("a\x00\x1b[31mb\x7f\x9fc", "a[31mbc"),
        ("\ud83d\ude00 \ud83d x", "😀 x"),
        ("e\u0301", "é"),
        ("z\u0301\u0302\u0303\u0304\u0305\u0306o", "ź\u0302\u0303\u0304o"),
        ("abc\u202egnp.exe\u202c", "abcgnp.exe"),
        ("\ufefftext", "text"),
        (
            "👩\u200d🚀 1\ufe0f\u20e3 🏴\U000e0067\U000e007f",
            "👩\u200d🚀 1\ufe0f\u20e3 🏴\U000e0067\U000e007f",
        ),
        ("שָׁלוֹם नमस्ते ไม่", unicodedata.normalize("NFC", "שָׁלוֹם नमस्ते ไม่")),
        ("1 < 2 &amp; 3", "1 < 2 &amp; 3"),
    ],
)
def test_text_is_tidied(text, result):
    assert clean(text) == result


def test_a_long_post_is_cut_with_a_mark():
    assert clean("x" * 1_000_000) == "x" * 19_999 + "…"
    assert clean("x" * 20_000) == "x" * 20_000
    assert clean("abc def", limit=5) == "abc…"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (MASTODON, "Hi @acme see https://ex.org/path/x"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("one<p>two<p>three", "one\ntwo\nthree"),
        ("<ul>\n <li>one</li>\n <li>two <b>x</b>y</li>\n</ul>end", "one\ntwo xy\nend"),
        ("a <b> b </b> c\n d", "a b c d"),
        ("&amp;lt;b&amp;gt; &lt;b&gt; &#x27;q&#39; &eacute;&nbsp;!", "&lt;b&gt; <b> 'q' é\u00a0!"),
        ("x<script>alert(1)</script>y<style>p{}</style>z<!-- c -->", "xyz"),
        ("<title>t</title><iframe>f</iframe><svg><text>s</text></svg>b", "b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>c", "a\nb\nc"),
        ('<img alt="a photo"> <img class="emoji" alt=":smile:">', ":smile:"),
        ("a<wbr>b&shy;c", "ab\u00adc"),
        ("", ""),
        ("plain & simple", "plain & simple"),
        ("<frameset><frame></frameset>", ""),
        ("2 < 3 and <3", "2 < 3 and <3"),
        ("<aside class=quote>q</aside>a", "q\na"),
    ],
)
def test_html_becomes_what_a_reader_sees(html, text):
    assert html_to_text(html) == text


FILLER = "<p>" + "word " * 5_000 + "</p>"


@pytest.mark.parametrize(
    "html",
    [
        MASTODON,
        "<p>one</p><p class='x > y' id=\"<b>\">two</p>",
        "one<br>two<p>three<p>four<ul><li>a<li>b</ul>",
        "&amp;lt; <b>x</b>y <!-- c > d --> z <![CDATA[w]]> <?php x ?> 1 < 2 <3 </ p>",
        "x<script>if (a<b) '</p>' </script>y<STYLE>p{}</STYLE >z",
        '<img class="emoji" alt="&quot;:)"> <IMG alt=no src=x>',
        "<a href=x title='a\"b'>c</a><A HREF=\"y'z\">d</A>",
        "<div/>a<span/>b",
    ],
)
def test_a_long_document_reads_like_a_short_one(html):
    """Long ones are made bare first; this holds the two ways together."""
    long = html_to_text(FILLER + html)
    assert long == (" ".join(["word"] * 5_000) + "\n" + html_to_text(html)).strip()


def hostile():
    rng = random.Random(7)
    pieces = PIECES.split()
    return {
        "deep": "<div>" * 50_000 + "x" + "</div>" * 50_000,
        "deeper": "<b><p>" * 200_000,
        "attributes": "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">x",
        "unclosed": "<a " * 300_000,
        "quotes": '<a ="' + "<b ='" * 150_000 + "'>'",
        "scripts": "<script>" + "</script" * 100_000,
        "comments": "<!" * 400_000,
        "tags in attributes": '<div a="<">' * 50_000,
        "less": "<" * 1_000_000,
        "entities": "&amp" * 200_000,
        "marks": "a" + "\u0301\u0316" * 500_000,
        "space": " \t" * 500_000,
        "lines": " \n" * 500_000,
        "one line": "word" * 250_000,
        "emoji": "😀" * 100_000,
        "mixed": "".join(rng.choice(pieces) for _ in range(300_000)),
    }


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", hostile())
def test_hostile_input_ends_soon(name):
    """The limit is far above what it takes, and far below what a quadratic way takes."""
    text = hostile()[name]
    for is_html in (False, True):
        assert len(clean(text, is_html=is_html)) <= 20_000
    fold(text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Acme", "ACME"),
        ("ac\u200bme", "acme"),
        ("a\u00adc\u2060m\ufeffe", "acme"),
        ("ＡＣＭＥ", "acme"),
        ("don\u2019t", "don't"),
        ("“acme”", '"acme"'),
        ("straße", "STRASSE"),
        ("e\u0301", "É"),
        ("ﬁne", "fine"),
        ("❤\ufe0f", "❤"),
        ("ac\u202eme", "acme"),
    ],
)
def test_what_looks_alike_folds_alike(left, right):
    assert fold(left) == fold(right)


def test_folding_keeps_what_differs():
    assert fold("resume") != fold("résumé")
    assert fold("Acme Air") == "acme air"


@given(ANY)
@example("\u0345\u0301")
@example("ǰ\u0323")
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.lists(ANY), st.lists(ANY))
def test_a_fingerprint_stands_for_its_parts(left, right):
    assert (fingerprint(*left) == fingerprint(*right)) is (left == right)
    assert len(fingerprint(*left)) == 64


def test_parts_do_not_run_together():
    assert len({fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("abc")}) == 3
    assert fingerprint("a", "b") == fingerprint("a", "b")


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("HTTPS://Ex.ORG:443/A?b=2&utm_source=x&UTM_Medium=y&a=1#frag", "https://ex.org/A?b=2&a=1"),
        ("http://ex.org", "http://ex.org/"),
        ("http://ex.org:8080/?fbclid=1&gclid=2", "http://ex.org:8080/"),
        ("https://ex.org/a%20b?q=%C3%A9+x", "https://ex.org/a%20b?q=%C3%A9+x"),
        ("https://user:pw@ex.org/", "https://ex.org/"),
        ("https://www.google.com/url?rct=j&sa=t&url=https://ex.org/n%3Fid%3D3&ct=ga", "https://ex.org/n?id=3"),
        ("https://google.co.uk/url?q=http%3A%2F%2Fex.org%2F%3Futm_id%3D1", "http://ex.org/"),
        ("https://www.google.com/url?url=javascript:alert(1)", "https://www.google.com/url?url=javascript:alert(1)"),
        ("https://notgoogle.com/url?url=https://ex.org/", "https://notgoogle.com/url?url=https://ex.org/"),
        ("https://[2606:4700::1]:443/x", "https://[2606:4700::1]/x"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//ex.org/x", ""),
        ("https://", ""),
        ("https://ex.org:99999/", ""),
        ("https://[::1", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_urls_of_one_page_become_one(url, result):
    assert canonical_url(url) == result
    assert canonical_url(result) == result


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://ex.org/a?b#c", "https://ex.org/a?b#c"),
        (" http://ex.org/a b ", "http://ex.org/a%20b"),
        ("HTTP://ex.org", "HTTP://ex.org"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        ("https://bank.test@evil.test/", ""),
        ("https://bank.test\\@evil.test/", ""),
        ("https://ex.org/\u202egnp", ""),
        ("https://ex.org/\nx", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("//ex.org", ""),
        ("/relative", ""),
        ("mailto:a@b.test", ""),
    ],
)
def test_only_plain_web_links_are_offered(url, result):
    assert safe_link(url) == result


@given(st.one_of(ANY, ANY.map("https://".__add__), ANY.map("http://a.test/?url=".__add__)))
def test_no_url_breaks_it(url):
    assert safe_link(url) == "" or safe_link(url).lower().startswith(("http://", "https://"))
    once = canonical_url(url)
    assert once == "" or once.startswith(("http://", "https://"))
    assert canonical_url(once) == once


def test_a_long_document_is_parsed_no_deeper_than_a_browser_would():
    bare = _flattened("<div a=1><!-- c --><B>" * 5_000 + "x" + "</B></div>" * 5_000)
    assert bare.count("<div>") + bare.count("<b>") == DEEPEST
    assert bare.count("</") == DEEPEST
    assert html_to_text(bare) == "x"

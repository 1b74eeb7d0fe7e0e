"""Cleaning at the border: what comes in from outside is made valid text here. Pure.

None of these functions raises on any string, whatever its characters.
"""

import hashlib
import re
import unicodedata
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from earmark_core.markup import html_to_text

__all__ = ["canonical_url", "clean", "fingerprint", "fold", "html_to_text", "safe_link"]

CUT: Final = "…"
MARKS_PER_LETTER: Final = 4

_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 controls except tab and newline; bidi embeddings, overrides and isolates, which in a
# post only serve to mislead its reader; noncharacters (U+FDD0..FDEF and the last two of a plane).
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile("[ \u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_GAPS = re.compile(r"\n{3,}")
# As many in a row as may be too many, of what can be a combining mark (Mn, Me): all from U+0300
# on but the letters, punctuation, pictures and Han that most texts are written in.
_MARKS_PERHAPS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u1dff\u2065-\u20ff\u2ce0-\u2dff\u302a-\u302f\u3099-\u309a"
    "\ua000-\uabff\ufb00-\uffff\U00010000-\U0001efff\U0001fb00-\U0001ffff\U00030000-\U0010ffff]"
    f"{{{MARKS_PER_LETTER + 1}}}"
)
_STRAIGHT = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    }
)
_CURLY = re.compile(f"[{''.join(map(chr, _STRAIGHT))}]")
# Shown as nothing, yet no format character (Cf): joiners, fillers, variation selectors.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
                     "\U000e0100-\U000e01ef]")  # fmt: skip

_TRACKING = re.compile(
    r"utm_\w*|fbclid|gclid|gclsrc|dclid|wbraid|gbraid|msclkid|yclid|twclid|igshid|igsh"
    r"|mc_cid|mc_eid|_hsenc|_hsmi",
    re.IGNORECASE,
)
_GOOGLE = re.compile(r"(?:www\.|news\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
_NOT_IN_LINK = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# Links about which there is nothing to ask: most are. The second has nothing to drop either.
_PLAIN_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?:[/?#][!-\[\]-~]*)?")
_BARE_LINK = re.compile(r"https?://[a-z0-9.-]+/(?!url$)[!\"$->@-\[\]-~]*")


def clean(text: str, *, is_html: bool = False, limit: int = 20_000) -> str:
    """Gives valid text of at most *limit* characters, in NFC; one that was cut ends in "…".

    Gone are NUL, C0 and C1 controls (newline and tab stay), lone surrogates, noncharacters,
    bidi embeddings, overrides and isolates, and all but 4 combining marks on a letter. Runs of
    spaces become one, three and more newlines two. The original is for the caller to keep.
    """
    if is_html:
        text = html_to_text(text)
    if len(text) <= limit and (text.isascii() or len(text) * 3 <= limit):  # NFC may lengthen
        if text.isprintable():
            return _clean_line(text)
        if text.replace("\n", "").isprintable():
            return _clean_lines(text)
    # Work on a bounded part: cleaning only ever makes text shorter, and a post in which more
    # than three quarters are rubbish loses nothing by being cut earlier.
    bound = max(limit, 0) * 4 + 1_000
    cut = len(text) > bound
    text = _valid(_NEWLINES.sub("\n", text[:bound]))
    text = _UNWANTED.sub("", text).removeprefix("\ufeff")
    if not text.isascii():
        text = _calm(unicodedata.normalize("NFC", _calm(text)))
    text = "\n".join(line.strip(" \t") for line in _SPACES.sub(" ", text).split("\n"))
    text = _GAPS.sub("\n\n", text).strip(" \t\n")
    if cut or len(text) > limit:
        text = (text[: max(limit - 1, 0)].rstrip("\u200d \t\n") + CUT)[: max(limit, 0)]
    return text


def _clean_line(text: str) -> str:
    """Does for one line of printable characters, which most texts are, what `clean` does.

    Printable leaves out all that is dropped: controls, surrogates, format characters (the bidi
    ones among them), noncharacters, line ends and every space but the plain one.
    """
    if not text.isascii():
        text = _calm(unicodedata.normalize("NFC", _calm(text)))
    return (_SPACES.sub(" ", text) if "  " in text else text).strip(" ")


def _clean_lines(text: str) -> str:
    """Does the same for several such lines, which is what most of the rest are."""
    if not text.isascii():
        text = _calm(unicodedata.normalize("NFC", _calm(text)))
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if " \n" in text or "\n " in text:
        text = "\n".join(line.strip(" ") for line in text.split("\n"))
    if "\n\n\n" in text:
        text = _GAPS.sub("\n\n", text)
    return text.strip(" \n")


def fold(text: str) -> str:
    """Gives *text* as matching sees it: NFKC, case folded, quotes straight, nothing invisible.

    Two spellings that look alike to a reader because of zero-width characters, width or case
    give the same. Accents stay. Folding twice changes nothing.
    """
    if text.isascii():
        return text.replace("`", "'").lower()
    for _ in range(2):  # case folding can undo normal form
        text = unicodedata.normalize("NFKC", _calm(_straightened(text)))
        text = _straightened(text).casefold()
        text = _UNSEEN.sub("", text)
        if not text.isprintable():  # nothing printable is a format character
            text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", text)


def _straightened(text: str) -> str:
    return text.translate(_STRAIGHT) if _CURLY.search(text) else text


def fingerprint(*parts: str) -> str:
    """Gives 64 hexadecimal digits (SHA-256) that stand for exactly these parts in this order."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()


def canonical_url(url: str) -> str:
    """Gives the form of *url* that two links to one page share, or "" unless it is http or https.

    Fragment, user name, default port and the parameters of campaign trackers are dropped, the
    redirect pages of Google are replaced by where they lead. The rest keeps its spelling.
    """
    if _BARE_LINK.fullmatch(url):
        return url
    parts = _web(url)
    for _ in range(3):
        inner = _unwrapped(parts) if parts else ""
        parts = _web(inner) if inner else parts
    if parts is None:
        return ""
    kept = "&".join(
        pair
        for pair in parts.query.split("&")
        if pair and not _TRACKING.fullmatch(unquote(pair.partition("=")[0]))
    )
    return parts._replace(
        netloc=_host(parts), path=parts.path or "/", query=kept, fragment=""
    ).geturl()


def safe_link(url: str) -> str:
    """Gives *url* when a page may offer it as a link, else "".

    Only http and https with a host; no user name (it poses as one), no control or invisible
    characters, no backslashes (browsers and parsers disagree on them). Spaces are encoded.
    """
    if _PLAIN_LINK.fullmatch(url):
        return url
    parts = _web(url)
    if parts is None or "@" in parts.netloc:
        return ""
    return url.strip().replace(" ", "%20")


def _web(url: str) -> SplitResult | None:
    url = url.strip(" \t\r\n")
    if _NOT_IN_LINK.search(url) or _SURROGATE.search(url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        return None
    return parts if usable and not any(c.isspace() for c in parts.netloc) else None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in (None, standard) else f"{host}:{parts.port}"


def _unwrapped(parts: SplitResult) -> str:
    if parts.path != "/url" or not _GOOGLE.fullmatch((parts.hostname or "").lower()):
        return ""
    found = dict(pair.partition("=")[::2] for pair in reversed(parts.query.split("&")))
    inner = unquote(found.get("url") or found.get("q") or "")
    return inner.strip().replace(" ", "%20") if _web(inner) else ""


def _valid(text: str) -> str:
    """Joins surrogate pairs and drops lone halves, which no database takes."""
    if not _SURROGATE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATE.sub("", joined)


def _calm(text: str) -> str:
    """Keeps the first marks on a letter; a long run of them also makes normalising quadratic."""
    if not _MARKS_PERHAPS.search(text):
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= MARKS_PER_LETTER:
            out.append(char)
    return "".join(out)

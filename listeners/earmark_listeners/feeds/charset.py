"""Bytes to text, by what the answer says of itself and what it turns out to be."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = (
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_IN_HEADER = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_ONE_BYTE = re.compile(r"(iso8859|cp125\d|ascii|koi8|mac)", re.IGNORECASE)
# What a text codec of Python may still do to hostile bytes is more than decode them.
_REFUSED = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode"})


def decode(body: bytes, content_type: str = "") -> str | None:
    """Gives the text of *body*, or None where no claim about it holds for every byte.

    A byte order mark is believed first, then the header's charset, then the XML declaration,
    then UTF-8. A claim of a one-byte charset loses to bytes that are valid UTF-8 beyond ASCII:
    servers stamp a default charset on everything, and chance does not write UTF-8. ISO-8859-1
    is read as windows-1252, as browsers do.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _strictly(body[len(mark) :], name)
    for start, name in _UNMARKED:
        if body.startswith(start):
            return _strictly(body, name)
    claims = _claims(body, content_type)
    utf8 = _strictly(body, "utf-8")
    if utf8 is not None and (not claims or _ONE_BYTE.match(claims[0])):
        return utf8
    for name in claims:
        text = _strictly(body, name)
        if text is not None:
            return text
    return utf8


def _claims(body: bytes, content_type: str) -> list[str]:
    header = _IN_HEADER.search(content_type)
    declared = _DECLARED.search(body[:400])
    names = [header.group(1)] if header else []
    names += [declared.group(1).decode("ascii")] if declared else []
    known = []
    for name in names:
        try:
            codec = codecs.lookup(name)
        except (LookupError, ValueError):
            continue
        is_wide = codec.name.startswith(("utf-16", "utf-32"))  # ruled out by what came before
        if codec.name.replace("_", "-") not in _REFUSED and not is_wide:
            known.append("cp1252" if codec.name in {"iso8859-1", "ascii"} else codec.name)
    return known


def _strictly(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except (UnicodeError, LookupError):
        # LookupError: a codec that is none of text (`zip`, `hex`).
        return None

"""Steam's markup as plain text. Pure, and in one pass."""

import re

_LINES = "h1|h2|h3|hr|list|olist|quote|code|table|tr|img|previewyoutube|p"
_INLINE = "b|u|i|strike|spoiler|noparse|th|td|url"
_TAG = re.compile(
    rf"\[(?P<closes>/?)(?P<name>{_LINES}|{_INLINE})(?:=(?P<value>[^\[\]\n]{{0,2000}}))?"
    r"(?:[ \t]+\w{1,20}=[^\s\[\]]{0,200}){0,5}\]|(?P<point>\[/?\*\])",
    re.IGNORECASE,
)
_NOPARSE_ENDS = re.compile(r"\[/noparse\]", re.IGNORECASE)
_OWN_LINE = frozenset(_LINES.split("|"))
_CELLS = frozenset(("td", "th"))
_GAPS = re.compile(r"\n{3,}")


def plain_text(markup: str) -> str:
    """Gives what a reader sees: no tags, points of a list as "- ", links behind their words.

    Brackets that are no tag of Steam's stay ("[10/10]"), and so does all between noparse tags.
    """
    if "[" not in markup:
        return markup
    out: list[str] = []
    link = ""
    at = 0
    while (tag := _TAG.search(markup, at)) is not None:
        out.append(markup[at : tag.start()])
        at = tag.end()
        name = (tag["name"] or "").lower()
        if name == "noparse" and not tag["closes"]:
            ends = _NOPARSE_ENDS.search(markup, at)
            out.append(markup[at : ends.start() if ends else None])
            at = ends.end() if ends else len(markup)
        elif name == "url":
            out.append(_behind(link, out) if tag["closes"] else "")
            link = "" if tag["closes"] else _unquoted((tag["value"] or "").partition(" ")[0])
        else:
            out.append(_stands_for(tag, name))
    out.append(markup[at:])
    return _GAPS.sub("\n\n", "".join(out)).strip()


def _stands_for(tag: re.Match[str], name: str) -> str:
    """Gives what takes a tag's place: a line end, a point, a gap between cells, or nothing."""
    if tag["point"]:
        return "" if tag["point"].startswith("[/") else "\n- "
    if name in _CELLS:
        return " " if tag["closes"] else ""
    if name == "quote" and _unquoted(tag["value"]):
        return f"\n{_unquoted(tag['value']).partition(';')[0]}: "
    return "\n" if name in _OWN_LINE else ""


def _behind(link: str, out: list[str]) -> str:
    """Gives the address of a link to put behind its words, unless they are the address."""
    said = out[-1].strip() if out else ""
    return f" ({link})" if link and link != said else ""


def _unquoted(value: str | None) -> str:
    return (value or "").strip().strip("\"'")

"""Slack's own way to write text: what stands between < and > means something, & < > are escaped."""

import re
from collections.abc import Mapping
from typing import Final

_MARK = re.compile(r"<([^<>\n]{1,3000})>")
_MEMBER = re.compile(r"<@([A-Z0-9]{2,40})[|>]")
_SHORTCODE = re.compile(r":[a-z0-9_+'-]{1,60}:(?::skin-tone-[2-6]:)?")
_SIGN = re.compile(r"[^\w\s]|_")
_ESCAPES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def plain(text: str, names: Mapping[str, str]) -> str:
    """Gives text as a reader sees it; *names* are members by their ids."""
    shown = _MARK.sub(lambda mark: _shown(mark.group(1), names), text)
    for escape, sign in _ESCAPES:
        shown = shown.replace(escape, sign)
    return shown


def escaped(text: str) -> str:
    """Gives text as it is sent: nothing in it calls or links anybody by Slack's marks."""
    for escape, sign in reversed(_ESCAPES):
        text = text.replace(sign, escape)
    return text


def sent_length(text: str) -> int:
    """Gives how long text is once it is escaped: & counts 5, < and > count 4."""
    return len(escaped(text))


def members_in(text: str) -> set[str]:
    """Gives the ids of the members whom a text names."""
    return set(_MEMBER.findall(text))


def words(text: str) -> list[str]:
    """Gives the words alone, for Slack writes emoji as :names: and may format what is sent."""
    return _SIGN.sub(" ", _SHORTCODE.sub(" ", text)).casefold().split()


def _shown(mark: str, names: Mapping[str, str]) -> str:
    what, _, label = mark.partition("|")
    if what.startswith("@"):
        return f"@{label or names.get(what[1:], what[1:])}"
    if what.startswith("#"):
        return f"#{label or what[1:]}"
    if what.startswith("!"):  # !here, !channel, !subteam^S1|@team, !date^…|in words
        return label or f"@{what[1:].partition('^')[0]}"
    link = what.removeprefix("mailto:")
    return link if not label or label in (what, link) else f"{label} ({link})"

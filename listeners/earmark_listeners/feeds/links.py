"""Addresses in feeds: relative ones, wrapped ones, and those that are none."""

import re
from urllib.parse import urljoin, urlsplit

# An address of its own, in which joining changes nothing: no query, no fragment, no `;`.
_WHOLE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[!\"$-:<=>@-Z_a-z~]*)?")
_MAIL = re.compile(r"[^\s()<>@,;:]{1,200}@[^\s()<>@,;:]{1,200}")


def resolve(base: str, link: str) -> str:
    """Gives *link* as seen from *base*; empty where it cannot be an address."""
    link = "".join(link.split())
    if not base or not link or _WHOLE.fullmatch(link):
        return link
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def host_of(url: str) -> str:
    """Gives the host that *url* names, in lower case and without port and credentials."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def name_and_mail(text: str) -> tuple[str, str]:
    """Splits an RSS author, `mail@host (Name)` or `Name <mail@host>`, into name and address."""
    text = " ".join(text.split())[:500]
    if "@" not in text:
        return text, ""
    found = _MAIL.search(text)
    if not found:
        return text, ""
    name = (text[: found.start()] + text[found.end() :]).replace("mailto:", "")
    return name.strip(" ()<>,;\"'"), found.group()

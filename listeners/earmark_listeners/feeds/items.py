"""Entries to items: names, links and dates of a hostile world made usable."""

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from earmark_core.model import Author, BadItem, Item
from earmark_core.text import canonical_url, clean, safe_link
from earmark_listeners.feeds.entry import Entry, Feed
from earmark_listeners.feeds.identity import external_ids, same_id
from earmark_listeners.feeds.links import host_of, resolve

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=2)
_RAW_TEXT = 20_000
_AS_JSON = json.JSONEncoder(default=datetime.isoformat, ensure_ascii=False).encode
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_REDDIT_TEXT = re.compile(r"<!--\s*SC_OFF\s*-->(.*?)<!--\s*SC_ON\s*-->", re.DOTALL)
_TITLE = 50_000  # so much is read of a title of any length; a thousand signs of it are kept
# How review feeds write a rating where the format has no field for it: five signs, full then empty.
_STARS = re.compile(r"\s*(?=[★⭐☆✩]{5}(?:\s|$))([★⭐]{1,5})[☆✩]{0,4}(?:\s|$)")
_REDDIT_KINDS = {"t1_": "comment", "t3_": "post"}
# What windows-1252 has where HTML's &#128; to &#159; point, and Latin-1 has control codes.
_CONTROLS = {code: bytes([code]).decode("cp1252", "replace") for code in range(128, 160)}


@dataclass(frozen=True, slots=True)
class Read:
    """The items of a document, oldest first, and those that could not be read."""

    items: tuple[Item, ...]
    bad: tuple[BadItem, ...]


def items_of(
    feed: Feed, *, url: str, now: datetime, google_news: bool = False, by_link: bool = False
) -> Read:
    """Gives what was said in *feed*, which came from *url*; each external id occurs once.

    A date before 1990, or more than two days after *now*, is none. *google_news* reads the
    titles as headlines with their publisher, and no text: there it is a list of other articles.
    """
    entries = _with_links(feed, url)
    bad = [BadItem(bad.reason, bad.raw) for bad in feed.bad]
    bad += [
        BadItem("An entry without id, link, title and text.", _raw(entry))
        for entry in entries
        if not _says_something(entry)
    ]
    entries = [entry for entry in entries if _says_something(entry)]
    uris = [_uri(entry.link) for entry in entries]
    shared = Counter(uris)
    place = _Place(host_of(feed.link) or host_of(url), feed.lang, now)
    items: dict[str, Item] = {}
    names = external_ids(entries, by_link=by_link)
    for name, uri, entry in zip(names, uris, entries, strict=True):
        if name not in items:
            item = _item(name, entry, uri if shared[uri] == 1 else "", place)
            items[name] = _headline(item, entry) if google_news else item
    return Read(tuple(_oldest_first(list(items.values()))), tuple(bad))


def _with_links(feed: Feed, url: str) -> list[Entry]:
    # Without the query: what is relative in a feed must not carry the key of its address along.
    own = url.partition("#")[0].partition("?")[0]
    base = resolve(own, feed.link) or own
    found = []
    for entry in feed.entries:
        link = entry.link or (entry.id if entry.is_permalink or _is_web(entry.id) else "")
        link = safe_link(resolve(base, link)) if link else ""
        if link.partition("#")[0] == own:
            link = ""
        if "//www.google." in link[:20].lower() and urlsplit(link).path == "/url":
            link = canonical_url(link)
        found.append(entry if link == entry.link else entry._replace(link=link))
    return found


def _is_web(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _says_something(entry: Entry) -> bool:
    return bool(entry.id.strip() or entry.link or entry.title.strip() or entry.text.strip())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and when entries were found."""

    site: str
    lang: str
    now: datetime


def _item(name: str, entry: Entry, uri: str, place: _Place) -> Item:
    published = _believable(entry.published, place.now)
    updated = _believable(entry.updated, place.now)
    is_edited = published is not None and updated is not None and updated > published
    lang = (entry.lang or place.lang).strip()
    parent = same_id(entry.parent)
    stars = _STARS.match(entry.title)
    return Item(
        external_id=name,
        kind="review" if stars else _kind(entry, parent),
        rating=float(len(stars[1])) if stars else None,
        text=_body(entry),
        is_html=entry.text_is_html,
        title=clean(_meant(entry.title[:_TITLE]), is_html=entry.title_is_html, limit=1_000),
        url=entry.link,
        uri=uri,
        author=_author(entry, place.site),
        lang=lang if _LANG.fullmatch(lang) else "",
        published_at=published,
        edited_at=updated if is_edited else None,
        thread_id=parent,
        parent_id=parent,
        metrics=_metrics(entry),
        raw=_raw(entry),
    )


def _kind(entry: Entry, parent: str) -> str:
    if entry.id.startswith("yt:video:"):
        return "video"
    return _REDDIT_KINDS.get(entry.id[:3], "comment" if parent else "article")


def _body(entry: Entry) -> str:
    found = _REDDIT_TEXT.search(entry.text) if entry.text_is_html else None
    if found is None and _REDDIT_KINDS.get(entry.id[:3]) and "submitted by" in entry.text:
        # A link post: Reddit's own table of thumbnail and "submitted by", nobody's words.
        return ""
    return _meant(found.group(1) if found else entry.text)


def _meant(text: str) -> str:
    """Reads control codes of Latin-1 as what windows-1252 has in their place."""
    return text if text.isascii() else text.translate(_CONTROLS)


def _author(entry: Entry, site: str) -> Author | None:
    name, url = entry.author_name, entry.author_url
    mail = entry.author_email
    if not (name or url or mail):
        name, url = entry.publisher, entry.publisher_url
    name, url, mail = clean(name, limit=200), safe_link(url), clean(mail, limit=200)
    if not (name or url or mail):
        return None
    # A name alone is only somebody on one site: "admin" here is not "admin" there.
    return Author(
        id=same_id(url) or mail.lower() or f"{site}#{name}",
        handle=name.removeprefix("/u/") if name.startswith("/u/") else "",
        name=name or mail or url,
        url=url,
    )


def _headline(item: Item, entry: Entry) -> Item:
    """Reads a Google News item: "Headline - Publisher", and a description that is not its text."""
    title, publisher = item.title, clean(entry.publisher, limit=200)
    head, dash, tail = title.rpartition(" - ")
    if dash and (not publisher or tail == publisher):
        title, publisher = head, publisher or tail
    url = safe_link(entry.publisher_url)
    author = Author(id=same_id(url) or publisher, name=publisher, url=url) if publisher else None
    return replace(item, title=title, text="", is_html=False, author=author)


def _metrics(entry: Entry) -> dict[str, int]:
    counted = {"replies": entry.replies, "views": entry.views}
    return {key: count for key, count in counted.items() if count is not None}


def _believable(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and _EARLIEST <= moment <= now + _AHEAD else None


def _uri(link: str) -> str:
    """Gives the address that one article has in every feed.

    None for a mere front page, and none with a fragment: that is one comment of many on a page.
    """
    if "#" in link:
        return ""
    found = canonical_url(link)
    parts = urlsplit(found)
    return found if parts.path not in ("", "/") or parts.query else ""


def _raw(entry: Entry) -> str:
    kept = {name: value for name, value in zip(Entry._fields, entry, strict=True) if value}
    if len(entry.text) > _RAW_TEXT:
        kept["text"] = entry.text[:_RAW_TEXT]
    return _AS_JSON(kept)


def _oldest_first(items: list[Item]) -> list[Item]:
    """Orders by date where every item has one; else turns the document's newest-first around."""
    items.reverse()
    dates = [item.published_at for item in items]
    if None in dates:
        return items
    return sorted(items, key=lambda item: item.published_at or _EARLIEST)

"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from typing import Any

from earmark_core.crowds import refuse_crowded_json
from earmark_core.errors import Malformed
from earmark_listeners.feeds.dates import read_date
from earmark_listeners.feeds.entry import MAX_ENTRIES, Bad, Entry, Feed


def read_json(text: str) -> Feed:
    """Gives the feed that *text* is; an item that is none is among its bad ones.

    Raises:
        Malformed: it is no JSON, or JSON that is no feed.
    """
    refuse_crowded_json(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise Malformed(
            f"This is broken JSON: {why}."[:200], hint="Look at the address in a browser."
        ) from error
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise Malformed(
            "This is JSON, but no JSON Feed: it has no list of items.",
            hint="Use the address of the feed, not of an API.",
        )
    entries: list[Entry] = []
    bad: list[Bad] = []
    writer = _author(document)
    for item in items[:MAX_ENTRIES]:
        if isinstance(item, dict):
            entries.append(_entry(item, writer))
        else:
            bad.append(Bad("An item that is no object.", json.dumps(item)[:2_000]))
    return Feed(
        tuple(entries),
        tuple(bad),
        title=_text(document, "title"),
        link=_text(document, "home_page_url"),
        lang=_text(document, "language"),
        is_capped=len(items) > MAX_ENTRIES,
    )


def _entry(item: dict[str, Any], writer: tuple[str, str]) -> Entry:
    name, url = _author(item)
    if not (name or url):
        name, url = writer
    html = _text(item, "content_html")
    updated = read_date(_text(item, "date_modified"))
    return Entry(
        id=_text(item, "id"),
        link=_text(item, "url", "external_url"),
        title=_text(item, "title"),
        text=html or _text(item, "content_text", "summary"),
        text_is_html=bool(html),
        author_name=name,
        author_url="" if url.startswith("mailto:") else url,
        author_email=url.removeprefix("mailto:") if url.startswith("mailto:") else "",
        published=read_date(_text(item, "date_published")) or updated,
        updated=updated,
        lang=_text(item, "language"),
        tags=_tags(item.get("tags")),
    )


def _text(holder: dict[str, Any], *keys: str) -> str:
    for key in keys:
        found = holder.get(key)
        if isinstance(found, int | float) and not isinstance(found, bool):
            found = str(found)
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def _author(holder: dict[str, Any]) -> tuple[str, str]:
    """Gives name and address of the first author: `authors` of 1.1, `author` of 1.0."""
    several = holder.get("authors")
    for author in [*(several if isinstance(several, list) else []), holder.get("author")]:
        if isinstance(author, dict) and (_text(author, "name") or _text(author, "url")):
            return _text(author, "name"), _text(author, "url")
    return "", ""


def _tags(tags: object) -> tuple[str, ...]:
    if not isinstance(tags, list):
        return ()
    return tuple(tag.strip() for tag in tags if isinstance(tag, str) and tag.strip())

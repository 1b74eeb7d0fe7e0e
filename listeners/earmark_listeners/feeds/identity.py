"""Which entry is which: ids that stay the same from one poll to the next."""

from collections import Counter
from collections.abc import Sequence

from earmark_core.text import clean, fingerprint
from earmark_listeners.feeds.entry import Entry

_LONGEST = 500


def same_id(text: str) -> str:
    """Gives *text* as an id: valid text, and http told as https (publishers change it)."""
    if not (text.isascii() and text.isprintable()):
        text = clean(text, limit=100_000)
    text = text.strip()
    if text[:7].lower() == "http://":
        text = "https://" + text[7:]
    return text if len(text) <= _LONGEST else fingerprint(text)


def external_ids(entries: Sequence[Entry], *, by_link: bool = False) -> list[str]:
    """Gives one id for each of *entries*, in their order.

    The entry's own id where no other entry of the document has it too; a repeated one together
    with the link; without one the link, if that is not repeated; else a fingerprint of all that
    is said. *by_link* puts the link first, for feeds that make up new ids at every request.
    Entries that are alike in every respect get the same id.
    """
    names = [same_id(entry.id) for entry in entries]
    links = [same_id(entry.link) for entry in entries]
    pairs = [
        f"{name} {link}" if name and link else "" for name, link in zip(names, links, strict=True)
    ]
    tries = [names, pairs, links]
    if by_link:
        tries.insert(0, links)
    found = [""] * len(entries)
    for candidates in tries:
        counted, taken = Counter(candidates), set(found)
        for at, candidate in enumerate(candidates):
            if candidate and not found[at] and counted[candidate] == 1 and candidate not in taken:
                found[at] = candidate
    return [
        own or fingerprint(name, link, entry.title, entry.text)
        for own, name, link, entry in zip(found, names, links, entries, strict=True)
    ]

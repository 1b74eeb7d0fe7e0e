"""Invented posts: the same for the same seed, 25 words each, a quarter of them not plain ASCII."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from earmark_core.model import Author, Item

BRANDS = ("Brightcup", "Koffa", "Northern Kettle")
QUERIES = (
    "brightcup",
    '"bright cup" -hotel',
    "(brightcup OR brightcups) (refund OR broken OR leaks)",
    "#brightcup",
    "koffa",
    "koffa -school",
    '"northern kettle"',
    "kettle (rust OR smell)",
    "@brightcup",
    "espresso (machine OR maker) NOT job",
)
_LINES = """
the a my this that it machine coffee cup morning kettle support order parcel week again
works broke leaks slow fast love hate fine refund wait call store price filter water hot
cold loud quiet new old small big never always really maybe today yesterday after before
because and but with without from their customer service answer nobody everyone
"""
WORDS = tuple(_LINES.split())
_FURTHER = ("café", "don’t", "☕", "naïve", "Ärger", "😡", "“great”", "–")


def items(count: int, *, seed: int, now: datetime, first: int = 0) -> Iterator[Item]:
    """Yields posts by different people, one in two of a brand that is listened for."""
    rng = random.Random(seed)
    for number in range(first, first + count):
        words = rng.choices(WORDS, k=25)
        if number % 2:
            words[rng.randrange(25)] = rng.choice(BRANDS)
        if number % 4 == 0:
            words[rng.randrange(25)] = rng.choice(_FURTHER)
        text = " ".join(words)
        name = f"{rng.choice(WORDS).title()} {number}"
        address = f"https://social.example/@p{number}"
        at = now - timedelta(seconds=count + first - number)
        yield Item(
            external_id=f"{seed}-{number}",
            text=text,
            uri=f"{address}/posts/{number}",
            url=f"{address}/{number}",
            author=Author(id=f"p{number}", handle=f"@p{number}", name=name, url=address),
            published_at=at,
            lang="en",
            thread_id=f"t{number}",
            metrics={"likes": number % 7},
            reply_ref={"id": str(number)},
            raw=json.dumps({"id": number, "content": text, "account": {"acct": f"p{number}",
                            "display_name": name, "url": address}, "at": at.isoformat()}),
        )  # fmt: skip

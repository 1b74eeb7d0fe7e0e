"""Files become items: JSON Lines and CSV, each bad row refused by its line and reason.

What comes from a file takes the same way as what comes from a poll: cleaned, matched, stored
once per source and id.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from earmark_core import text
from earmark_core.clock import as_utc
from earmark_core.errors import EarmarkError
from earmark_core.model import Author, Item

MAX_LINE = 1_000_000
Opened = Callable[[], BinaryIO]
_NAMES: Mapping[str, tuple[str, ...]] = {
    "external_id": ("external_id", "id", "review_id"),
    "text": ("text", "body", "review", "comment", "message", "content"),
    "title": ("title", "headline", "subject"),
    "url": ("url", "link", "permalink"),
    "author": ("author", "author_name", "name", "user", "username"),
    "handle": ("handle", "author_handle", "author_id"),
    "followers": ("followers", "author_followers"),
    "rating": ("rating", "stars", "score"),
    "lang": ("lang", "language"),
    "published_at": ("published_at", "date", "created_at", "time"),
    "thread_id": ("thread_id",),
    "parent_id": ("parent_id",),
}
# A spreadsheet that took a long number for a quantity has lost its last digits for good.
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


class UnreadableFile(EarmarkError):
    """The file cannot be read as a whole."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: its line (1 is the first), why, and as much as is useful of it."""

    line: int
    reason: str
    raw: str


def read(path: Path) -> Iterator[tuple[int, Item | Reject]]:
    """Gives the line and item of each row, or why it was refused; the kind is told by the name.

    Raises:
        UnreadableFile: it is missing, or of a kind that is not known.
    """
    if not path.is_file():
        raise UnreadableFile("There is no such file.", subject=str(path))
    return read_opened(str(path), lambda: path.open("rb"))


def read_opened(name: str, opened: Opened) -> Iterator[tuple[int, Item | Reject]]:
    """Gives what `read` gives, of a file that is not on this machine's disk.

    Raises:
        UnreadableFile: its name says no kind that is known.
    """
    kind = Path(name).suffix.lower()
    if kind in {".jsonl", ".ndjson", ".json"}:
        return _json_lines(opened)
    if kind in {".csv", ".tsv", ".txt"}:
        return _csv_rows(name, opened)
    raise UnreadableFile(
        f"{kind or 'A file without an ending'} is not known.",
        subject=name,
        hint="Name it .jsonl or .csv, for what it holds.",
    )


def _json_lines(opened: Opened) -> Iterator[tuple[int, Item | Reject]]:
    with opened() as file:
        for number, line in enumerate(file, 1):
            if line.strip(b"\xef\xbb\xbf \t\r\n"):
                yield number, _json_item(number, line)


def _json_item(number: int, line: bytes) -> Item | Reject:
    shown = text.clean(line[:1000].decode("utf-8", "replace"))
    if len(line) > MAX_LINE:
        return Reject(number, "The line is longer than a million bytes.", shown)
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Reject(number, "The line is not UTF-8.", shown)
    except (ValueError, RecursionError):
        return Reject(number, "The line is not JSON.", shown)
    if not isinstance(value, dict):
        return Reject(number, "The line is no JSON object.", shown)
    author = value.get("author")
    if isinstance(author, dict):  # the webhook's shape
        value["author"] = author.get("name") or author.get("handle")
        value["handle"] = author.get("id") or author.get("handle")
        value["followers"] = author.get("followers")
    return item_of(number, value, line.decode("utf-8-sig").strip())


def _csv_rows(name: str, opened: Opened) -> Iterator[tuple[int, Item | Reject]]:
    with opened() as file:
        raw = file.read()
    encoding = "utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        content = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"The file is not {encoding.removesuffix('-sig').upper()} text.",
            subject=name,
            hint="Save it as UTF-8.",
        ) from error
    first = content.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    heads = [head.strip().lower().replace(" ", "_") for head in next(rows, [])]
    if not any(head in names for names in _NAMES.values() for head in heads):
        raise UnreadableFile(
            "The first line names no column that is known.",
            subject=name,
            hint=f"Known are: {', '.join(_NAMES)}.",
        )
    yield from _csv_items(rows, heads)


def _csv_items(rows: Any, heads: list[str]) -> Iterator[tuple[int, Item | Reject]]:
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, Reject(rows.line_num, f"The row cannot be read: {error}.", "")
            continue
        if not any(cell.strip() for cell in row):
            continue
        shown = text.clean(",".join(row)[:1000])
        if len(row) != len(heads):
            reason = f"The row has {len(row)} cells, the first line {len(heads)}."
            yield rows.line_num, Reject(rows.line_num, reason, shown)
            continue
        value = {head: unguarded(cell) for head, cell in zip(heads, row, strict=True)}
        raw = json.dumps(value, ensure_ascii=False)
        yield rows.line_num, item_of(rows.line_num, value, raw)


def unguarded(cell: str) -> str:
    """Takes off the apostrophe that our export puts before what a spreadsheet would run."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in FORMULA_SIGNS else cell


FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def item_of(number: int, value: Mapping[str, Any], raw: str) -> Item | Reject:
    """Gives the item that the named values of a row make, or why they make none."""
    found = {key: _first(value, names) for key, names in _NAMES.items()}
    try:
        return _built(found, raw)
    except ValueError as error:
        return Reject(number, str(error), text.clean(raw[:1000]))


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        given = value.get(name)
        if given is not None and given != "":
            return given
    return None


def _built(found: Mapping[str, Any], raw: str) -> Item:
    words, title = _text(found, "text"), _text(found, "title")
    if not words.strip() and not title.strip() and found["rating"] is None:
        raise ValueError("There is no text, no title and no rating.")
    at = _moment(found["published_at"])
    url, author, handle = (_text(found, key) for key in ("url", "author", "handle"))
    external_id = _text(found, "external_id")
    if _ROUNDED.fullmatch(external_id):
        raise ValueError(f"The id {external_id} was rounded by a spreadsheet; export it as text.")
    if not external_id:
        external_id = text.fingerprint(url, author, at.isoformat() if at else "", words or title)
    name = handle or author
    return Item(
        external_id=external_id,
        kind="review" if found["rating"] is not None else "post",
        text=words,
        title=title,
        url=url,
        author=Author(id=name, handle=handle, name=author or handle, followers=_count(found))
        if name
        else None,
        lang=_text(found, "lang"),
        rating=_rating(found["rating"]),
        published_at=at,
        thread_id=_text(found, "thread_id"),
        parent_id=_text(found, "parent_id"),
        raw=raw,
    )


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{key} is neither text nor a number.")


def _count(found: Mapping[str, Any]) -> int | None:
    value = found["followers"]
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,12}", str(value)):
        raise ValueError(f"followers is {str(value)[:40]!r}, not a whole number.")
    return int(value)


def _rating(value: Any) -> float | None:
    if value is None:
        return None
    if (
        not re.fullmatch(r"[1-5](?:[.,]\d{1,3})?", str(value))
        or float(str(value).replace(",", ".")) > 5
    ):
        raise ValueError(f"rating is {str(value)[:40]!r}, not a number from 1 to 5.")
    return float(str(value).replace(",", "."))


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return as_utc(datetime.fromisoformat(str(value).strip()))
    except (ValueError, OverflowError):
        raise ValueError(
            f"published_at is {str(value)[:40]!r}; write it like 2026-03-02T09:00:00+00:00."
        ) from None

"""What channels that read JSON share: lenient field types, and one way to say what is wrong."""

import json
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import BadItem

RAW_LIMIT = 20_000
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)


def _word(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, int) else value


Word = Annotated[str, BeforeValidator(_word)]
"""Text; null is the empty text and a whole number its digits."""

Id = Annotated[str, BeforeValidator(_word), Field(min_length=1, max_length=400)]
"""An id: opaque text, also where a server writes a number."""


class Wire(BaseModel):
    """A part of an answer; what we do not use is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Shape = TypeVar("Shape", bound=Wire)


def read_as(shape: type[Shape], raw: object) -> Shape:
    """Gives *raw* as that shape, or raises `Malformed` with the first thing that is wrong in it."""
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise Malformed(f"{where}: {fault['msg']}".removeprefix(": ")) from None


def moment_in(raw: object, key: str) -> datetime | None:
    """Gives the moment under *key* of an entry as it came; None where it tells none."""
    try:
        value = raw[key] if isinstance(raw, dict) else None
        return as_utc(_MOMENT.validate_python(value))
    except (ValidationError, OverflowError, KeyError):
        return None


def raw_text(raw: object) -> str:
    """Gives what was sent as text to be kept, 20,000 characters at most."""
    return json.dumps(raw)[:RAW_LIMIT]


def bad_item(reason: str, raw: object) -> BadItem:
    """Gives what goes to quarantine."""
    return BadItem(reason, raw_text(raw))


def server_address(value: str, example: str, *, keeps_path: bool = False) -> str:
    """Gives the address of a server as it is kept: scheme and host, with a path where asked.

    Raises `ValueError` with what would be right; for the validators of options.
    """
    try:
        parts = urlsplit(value.strip())
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        raise ValueError(f"this should be an address such as {example}")
    path = parts.path.rstrip("/") if keeps_path else ""
    return f"{parts.scheme}://{parts.netloc}{path}"

"""Reads a TOML file into a typed model, and says of a fault where it stands and what is right."""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from earmark_config.positions import line_at
from earmark_core.errors import ConfigError

# The name of a key that may hold a secret: its value is never repeated in an error.
_SECRET_NAME = re.compile(r"token|secret|password|passwd|api_?key|database_url|credential", re.I)
_LONGEST_SHOWN = 60
_MOST_FAULTS = 10
# Plainer than pydantic's own words; what is in braces comes from the limit that was broken.
_PLAIN = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list in [ ]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}

Where = Callable[[tuple[str | int, ...]], str]


def read_text(path: Path) -> str:
    """Gives the text of a file of ours, or a `ConfigError` that says why there is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as gone:
        raise ConfigError("there is no such file", subject=str(path)) from gone
    except UnicodeDecodeError as fault:
        raise ConfigError(
            f"byte {fault.start} is not UTF-8", subject=str(path), hint="Save the file as UTF-8."
        ) from fault
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ConfigError(f"cannot be read: {reason}", subject=str(path)) from fault


def parse(text: str, name: str) -> dict[str, Any]:
    """Gives the values of a TOML text; *name* is what an error calls it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        told = re.sub(r" \(at (line \d+), column (\d+)\)$", "", str(fault))
        line = re.search(r"at (line \d+), column (\d+)\)$", str(fault))
        where = f"{name} {line[1]}, column {line[2]}" if line else f"{name}, at its end"
        raise ConfigError(
            f"is not valid TOML: {told[:1].lower()}{told[1:]}",
            subject=where,
            hint='Text stands in quotes: key = "text".',
        ) from None
    except RecursionError:
        raise ConfigError("is nested too deeply to be read", subject=name) from None


def place(text: str, name: str, path: tuple[str | int, ...]) -> str:
    """Gives file and line of a key in words, as errors name it."""
    line = line_at(text, path)
    return f"{name} line {line}" if line else name


def faults(problem: ValidationError, model: type[BaseModel], where: Where) -> ConfigError:
    """Turns what pydantic found into one error that names each place, key and what is right."""
    found = problem.errors(include_url=False, include_context=True)
    lines = [f"{where(fault['loc'])}: {_in_words(fault, model)}" for fault in found[:_MOST_FAULTS]]
    if len(found) > _MOST_FAULTS:
        lines.append(f"and {len(found) - _MOST_FAULTS} more")
    return ConfigError("\n".join(lines))


def close_to(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """Gives the known word that was probably meant, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def _in_words(fault: ErrorDetails, model: type[BaseModel]) -> str:
    keys = [part for part in fault["loc"] if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if fault["type"] == "extra_forbidden":
        known = _keys_at(model, fault["loc"][:-1])
        near = close_to(key, known)
        right = f'; did you mean "{near}"?' if near else f"; known here: {', '.join(known)}"
        return f'key "{key}" is not known{right}'
    if fault["type"] == "missing":
        return f'key "{key}" is missing{_example(model, fault["loc"])}'
    plain = _PLAIN.get(fault["type"], "").format(**fault.get("ctx", {}))
    told = plain or fault["msg"].removeprefix("Value error, ")
    about = f'key "{key}" ' if key else ""
    return f"{about}{told}{_given(key, fault)}{_example(model, fault['loc'])}"


def _given(key: str, fault: ErrorDetails) -> str:
    """Repeats a wrong value, unless it is long, a whole table, or may be a secret."""
    value = fault["input"]
    if _SECRET_NAME.search(key) or not isinstance(value, str | int | float | bool):
        return ""
    shown = repr(value) if not isinstance(value, str) else f'"{value}"'
    return f", not {shown}" if len(shown) <= _LONGEST_SHOWN else ""


def _example(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    """Gives the first example that the model's field declares, as one would write it."""
    fields = _fields_at(model, location[:-1])
    key = location[-1] if location else ""
    field = fields.get(key) if isinstance(key, str) else None
    if field is None or not field.examples:
        return ""
    return f"; for example: {key} = {_toml(field.examples[0])}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_toml(inner) for inner in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    return list(_fields_at(model, location))


def _fields_at(model: type[BaseModel], location: tuple[str | int, ...]) -> dict[str, Any]:
    """Gives the fields that are known at a place, by the name they have in the file."""
    node = model
    for part in location:
        fields = {field.alias or name: field for name, field in node.model_fields.items()}
        if isinstance(part, str) and part in fields:
            inner = _model_in(fields[part].annotation)
            if inner is None:
                return {}
            node = inner
    return {field.alias or name: field for name, field in node.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Finds the model inside `Model`, `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None

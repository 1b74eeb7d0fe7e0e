"""Seeds from a TOML file to the database: read and checked here, compared and applied below.

The one module that others import: it hands on `plan`, `apply`, `suggest` and `remove_demo`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from earmark_config import toml_file
from earmark_config.demo_removal import remove_demo
from earmark_config.seed import (
    BrandSeed,
    MonitorSeed,
    PersonSeed,
    PolicySeed,
    SavedReplySeed,
    Seed,
    SourceSeed,
    TopicSeed,
)
from earmark_config.seed_plan import Change, apply, plan
from earmark_config.suggestion import suggest
from earmark_core.errors import ConfigError, EarmarkError

__all__ = [
    "BrandSeed",
    "Change",
    "MonitorSeed",
    "PersonSeed",
    "PolicySeed",
    "SavedReplySeed",
    "Seed",
    "SourceSeed",
    "TopicSeed",
    "apply",
    "plan",
    "read_seed",
    "read_seed_text",
    "remove_demo",
    "starter_text",
    "suggest",
]

CheckSource = Callable[[str, dict[str, Any]], object]
CheckQuery = Callable[[str], object]
_Location = tuple[str | int, ...]


def read_seed(
    path: Path,
    *,
    variables: Mapping[str, str] | None = None,
    check_source: CheckSource | None = None,
    check_query: CheckQuery | None = None,
) -> Seed:
    """Gives the seed in a TOML file; see `read_seed_text`."""
    return read_seed_text(
        toml_file.read_text(path),
        name=str(path),
        variables=variables,
        check_source=check_source,
        check_query=check_query,
    )


def read_seed_text(
    text: str,
    *,
    name: str = "seed",
    variables: Mapping[str, str] | None = None,
    check_source: CheckSource | None = None,
    check_query: CheckQuery | None = None,
) -> Seed:
    """Gives the seed in a TOML text; *name* is what errors call it.

    `{word}` in an option of a source is replaced where *variables* has that word and left as
    it is elsewhere. *check_source* and *check_query* come from the floor above, which knows the
    channels and the query language; what they raise is told with file, line and key.

    Raises:
        ConfigError: names file, line and key, and what is right.
    """
    values = toml_file.parse(text, name)

    def where(location: _Location) -> str:
        return toml_file.place(text, name, location)

    try:
        seed = Seed.model_validate(_filled(values, variables or {}))
    except ValidationError as problem:
        raise toml_file.faults(problem, Seed, where) from None
    except RecursionError:
        raise ConfigError("is nested too deeply to be read", subject=name) from None
    if check_source is not None:
        _check_sources(seed, check_source, where)
    if check_query is not None:
        for location, query in _queries(seed):
            _told(where(location), str(location[-1]), partial(check_query, query))
    return seed


def starter_text() -> str:
    """Gives the commented example of a seed that earmark ships."""
    return (files("earmark_config") / "starter.toml").read_text(encoding="utf-8")


def _filled(values: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Fills {words} into the options of sources, nowhere else."""
    brands = values.get("brand")
    for brand in brands if isinstance(brands, list) else []:
        sources = brand.get("source") if isinstance(brand, dict) else None
        for source in sources if isinstance(sources, list) else []:
            if isinstance(source, dict) and "options" in source:
                source["options"] = _replaced(source["options"], variables)
    return values


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: variables.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_replaced(inner, variables) for inner in value]
    if isinstance(value, dict):
        return {key: _replaced(inner, variables) for key, inner in value.items()}
    return value


def _check_sources(seed: Seed, check: CheckSource, where: Callable[[_Location], str]) -> None:
    for i, brand in enumerate(seed.brands):
        for j, source in enumerate(brand.sources):
            at = where(("brand", i, "source", j, "options"))
            about = f'source "{source.name}"'
            _told(at, about, partial(check, source.channel, dict(source.options)))


def _queries(seed: Seed) -> Iterator[tuple[_Location, str]]:
    for i, brand in enumerate(seed.brands):
        for j, monitor in enumerate(brand.monitors):
            yield ("brand", i, "monitor", j, "query"), monitor.query
        for j, source in enumerate(brand.sources):
            for key, query in (("include", source.include), ("exclude", source.exclude)):
                if query:
                    yield ("brand", i, "source", j, key), query


def _told(where: str, about: str, check: Callable[[], object]) -> None:
    """Runs a check from above and adds the place to what it says."""
    try:
        check()
    except EarmarkError as fault:
        raise ConfigError(f"{about}: {fault.message}", hint=fault.hint, subject=where) from fault

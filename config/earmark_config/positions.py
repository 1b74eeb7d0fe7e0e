"""Where in a TOML file a key stands.

The standard library's parser gives values without lines, and an error that names no line sends
its reader searching. Only for text that parses, and only asked for once something is wrong.
"""

import tomllib
from typing import Any

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Gives the line (from 1) of each key and table of a valid TOML text, by its path.

    Entries of arrays of tables are counted from 0: `("brand", 0, "monitor", 1, "query")`. What
    stands inside an inline table or a list has the line on which that value begins.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, statement in _statements(text):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _enter(_names(parsed), counts, is_entry=_is_entry(parsed))
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], number)
        else:
            for path in _paths(parsed):
                found.setdefault(table + path, number)
    return found


def line_at(text: str, path: Path) -> int | None:
    """Gives the line of a key, or of the nearest table around it if the key itself is missing."""
    found = lines_of(text)
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return None


def _statements(text: str) -> list[tuple[int, str]]:
    """Gives each table header and each key with its whole value, with the line it begins on."""
    statements = []
    pending: list[str] = []
    begin = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not pending:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begin = number
        pending.append(line)
        chunk = "\n".join(pending)
        try:
            tomllib.loads(chunk)
        except tomllib.TOMLDecodeError:
            continue  # the value goes on in the next line
        statements.append((begin, chunk))
        pending = []
    return statements


def _names(parsed: dict[str, Any]) -> list[str]:
    """Gives the names in a table header."""
    names = []
    node: Any = parsed
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
        names.append(name)
        if isinstance(node, list):
            node = node[0]
    return names


def _is_entry(parsed: dict[str, Any]) -> bool:
    """Says whether a header is one of an array of tables: `[[...]]`."""
    node: Any = parsed
    while isinstance(node, dict) and node:
        node = next(iter(node.values()))
    return isinstance(node, list)


def _enter(names: list[str], counts: dict[Path, int], *, is_entry: bool) -> Path:
    """Gives the path of a table, with the index of the array entry that it lies in."""
    path: Path = ()
    for name in names[:-1]:
        path += (name,)
        if path in counts:
            path += (counts[path],)
    path += (names[-1],)
    if is_entry:
        counts[path] = counts.get(path, -1) + 1
        path += (counts[path],)
    return path


def _paths(value: Any, path: Path = ()) -> list[Path]:
    """Gives the paths of a value and of everything in it."""
    paths: list[Path] = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            paths += _paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            paths += _paths(inner, (*path, index))
    return paths

"""Rules that hold everywhere, read from the source itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

# The only door to the network, the demo's own server and its tests' client.
NETWORK = {"aiohttp", "http.client", "httpx", "httpx_aiohttp", "requests", "urllib.request",
           "urllib3"}  # fmt: skip
DOOR = {
    f"core/earmark_core/{name}.py"
    for name in ("answer", "connection", "dial", "fetch", "hop", "inflate", "stream", "target")
}
# Mail is spoken over a line that the door opens; `socket` is opened by nobody else.
MAIL = {"imaplib", "poplib", "smtplib", "ftplib", "nntplib", "telnetlib"}
MAIL_ROOM = "listeners/earmark_listeners/channels/email/"
DEMO = "earmark/demo/"
# The supervisor asks its own two processes on this machine whether they answer.
SELF = {"earmark/cli/run.py", "earmark/supervisor.py"}
# The edges where an unexpected fault of one source or one reply must not end the run.
CATCH_ALL = {
    "earmark/engine.py",
    "earmark/supervisor.py",
    "listeners/earmark_listeners/polling.py",
    "queue/earmark_queue/outbox.py",
}
CLOCK = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today",
}  # fmt: skip
UNSAFE = ("unsafe_allow_html=True", "innerHTML", "outerHTML", "insertAdjacentHTML",
          "document.write", "components.v1.html")  # fmt: skip


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_floors_and_rooms_know_only_what_they_may(root: Path) -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    run = subprocess.run(
        [linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert " kept, 0 broken" in run.stdout


def test_the_network_has_one_door(modules) -> None:
    roots = {
        name: {module for module in imported(tree) if _is_network(module)}
        for name, tree in modules.items()
        if name not in DOOR | SELF and not name.startswith(DEMO)
    }
    assert {name: found for name, found in roots.items() if found} == {}


def test_mail_is_spoken_in_one_room_over_a_line_of_the_door(modules) -> None:
    speakers = {name for name, tree in modules.items() if imported(tree) & MAIL}
    assert speakers == {f"{MAIL_ROOM}imap.py", f"{MAIL_ROOM}smtp.py"}
    room = {name: tree for name, tree in modules.items() if name.startswith(MAIL_ROOM)}
    assert [name for name, tree in room.items() if imported(tree) & {"socket", "ssl"}] == []
    assert len(room) > 5


def _is_network(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in NETWORK)


def test_only_the_clock_reads_the_clock(modules) -> None:
    readers = {
        f"{name}:{node.lineno}"
        for name, tree in modules.items()
        if name != "core/earmark_core/clock.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCK
    }
    assert readers == set()


def test_nobody_catches_everything_but_the_edges(modules) -> None:
    catchers = {
        name
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & _names(node.type))
    }
    assert catchers - CATCH_ALL == set()


def _names(node: ast.expr) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def test_imports_are_absolute(modules) -> None:
    relative = [
        name
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_text_from_outside_is_never_markup(root, shipped) -> None:
    """Shown as text, code or table text, so that no mention can become part of the page."""
    found = [
        f"{name}: {word}"
        for name in shipped
        if Path(name).suffix in {".py", ".js", ".ts", ".html"}
        for word in UNSAFE
        if word in (root / name).read_text(encoding="utf-8")
    ]
    assert found == []


def test_tests_hand_in_what_they_replace(root, tracked) -> None:
    """A transport, a clock or a real server by argument; nothing is patched by its name."""
    patch = re.compile(r"\bmock\.patch\b|\bfrom (?:unittest\.)?mock import\b|\bmocker\.patch\b")
    own = str(Path(__file__).relative_to(root))
    found = [
        name
        for name in tracked
        if name.startswith("tests/") and name.endswith(".py") and name != own
        and patch.search((root / name).read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert found == []


def test_nothing_names_one_machine_or_where_packages_came_from(root, tracked) -> None:
    # Put together here, so that this file does not name them either.
    traces = ["/".join(("", *parts, "")) for parts in (["work"], ["root"], ["home", "user"],
              ["opt", "pypi"], ["tmp", "w"])]  # fmt: skip
    traces += ["-".join(words) for words in (["", "", "index", "url"], ["extra", "index", "url"],
               ["find", "links"])]  # fmt: skip
    own = {"scripts/lock"}  # tells its tool to write no address
    found = [
        f"{name}: {trace}"
        for name in tracked
        if name not in own and (text := _text(root / name))
        for trace in traces
        if trace in text
    ]
    assert found == []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_is_carried_that_is_made(tracked) -> None:
    made = re.compile(r"(^|/)(__pycache__|\.venv|dist|build|node_modules|\.env)(/|$)|\.(pyc|db)$")
    assert [name for name in tracked if made.search(name)] == []


def test_the_rules_themselves_see_a_planted_fault() -> None:
    """A check that finds nothing may be blind: each reader is shown one fault."""
    tree = ast.parse("import httpx\nfrom urllib import request\nimport json\n")
    assert {m for m in imported(tree) if _is_network(m)} == {"httpx", "urllib.request"}
    handler = ast.parse("try:\n  x\nexcept (ValueError, Exception):\n  pass\n").body[0].handlers[0]
    assert "Exception" in _names(handler.type)

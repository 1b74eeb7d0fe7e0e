"""Text from outside stays text: what the sources may not contain, and what every answer carries."""

import ast
import asyncio
import base64
import hashlib
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit import config

import earmark_dashboard
from earmark_dashboard import security, theme

ROOM = Path(earmark_dashboard.__file__).parent
SCRIPTS = sorted((ROOM / "components").glob("*.js"))
STYLES = sorted([*(ROOM / "components").glob("*.css"), *(ROOM / "assets").glob("*.css")])
MODULES = sorted(ROOM.rglob("*.py"))
MARKDOWN = {
    "markdown", "write", "caption", "toast", "info", "success", "warning", "exception", "table",
    "title", "chat_message", "write_stream", "latex", "html", "iframe", "link_button", "image",
}  # fmt: skip
LABELLED = {"metric", "button", "badge", "header", "subheader", "popover", "error"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_elements_from_text_only(script: Path) -> None:
    source = script.read_text("utf-8")
    for forbidden in (
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
        "DOMParser", "createContextualFragment", "srcdoc", "setHTML", "fetch(", "import(",
    ):  # fmt: skip
        assert forbidden not in source


@pytest.mark.parametrize("file", [*SCRIPTS, *STYLES], ids=lambda path: path.name)
def test_no_component_asks_another_host(file: Path) -> None:
    source = file.read_text("utf-8")
    assert not re.search(r"""(https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", source)
    assert "@import" not in source
    assert "url(" not in source


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_sets_no_markup_attribute(script: Path) -> None:
    """An `on…` handler given as text, or a style given as text, would be run as such."""
    source = script.read_text("utf-8")
    assert not re.search(r"""setAttribute\(\s*["'](on|style|src)""", source)


def _calls(module: Path) -> list[ast.Call]:
    tree = ast.parse(module.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    return isinstance(node, ast.JoinedStr) and all(
        isinstance(part, ast.Constant) for part in node.values
    )


ALLOWED = {
    ("adding.py", "selectbox"),  # what a channel's own code asks, its signs made plain
    ("adding.py", "text_input"),
    ("monitors.py", "button"),  # one of our own buttons
    ("app.py", "html"),  # our own style sheet
    ("server.py", "error"),  # our words and a reference number of hex digits
    ("behind.py", "metric"),  # names and numbers of ours
    ("sources.py", "badge"),  # one of our own states, else "unknown"
    ("sources.py", "button"),  # Pause or Resume
    ("sources.py", "metric"),
    ("sources.py", "image"),  # bars drawn of numbers alone
    ("outbox.py", "badge"),  # one of our own states
    ("outbox.py", "button"),  # one of our own buttons
    ("trends.py", "subheader"),  # day or hour
    ("start.py", "badge"),  # monitor or source
    ("accuracy.py", "metric"),  # names and numbers of ours
    ("accuracy.py", "subheader"),
    ("chosen.py", "header"),  # the title of one of our pages
    ("learning.py", "metric"),
    ("rescore.py", "badge"),  # one of a job's states
    ("sampling.py", "button"),  # a tone, or how many were skipped
    ("versions.py", "badge"),
    ("versions.py", "button"),  # the number of a version
    ("versions.py", "subheader"),
}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_page_hands_data_to_what_reads_markup(module: Path) -> None:
    for call in _calls(module):
        assert not [k for k in call.keywords if k.arg and k.arg.startswith("unsafe_allow")]
        if not isinstance(call.func, ast.Attribute):
            continue
        name = call.func.attr
        if name not in MARKDOWN | LABELLED or (module.name, name) in ALLOWED:
            continue
        if name in MARKDOWN and not (
            isinstance(call.func.value, ast.Name) and call.func.value.id == "st"
        ):
            continue
        assert call.args, f"{module.name}:{call.lineno}"
        assert _literal(call.args[0]), f"{module.name}:{call.lineno} st.{name} is given data"


def test_the_policy_lets_only_streamlits_own_inline_script_run() -> None:
    page = security.installed_page()
    hashes = security.inline_hashes(page)
    inline = [
        body for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
        if "src=" not in attributes
    ]  # fmt: skip
    wanted = [base64.b64encode(hashlib.sha256(b.encode()).digest()).decode() for b in inline]
    assert list(hashes) == [f"'sha256-{digest}'" for digest in wanted]
    assert hashes


def test_the_policy_allows_neither_eval_nor_inline_scripts_nor_foreign_images() -> None:
    parts = dict(
        part.split(" ", 1) for part in security.policy(("'sha256-x'",), "127.0.0.1:1").split("; ")
    )
    assert parts["script-src"] == "'self' blob: 'sha256-x'"
    assert parts["img-src"] == "'self' data: blob:"
    assert parts["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in str(parts)
    assert "ws://127.0.0.1:1" in parts["connect-src"]


async def _hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def _headers(host: bytes) -> dict[str, str]:
    app = security.SecurityHeaders(Starlette(routes=[Route("/", _hello)]))
    heard: dict[str, str] = {}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.start":
            heard.update({name.decode(): value.decode() for name, value in message["headers"]})

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
        "headers": [(b"host", host)], "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # as small as it goes
    return heard


def test_every_answer_carries_the_headers() -> None:
    heard = _headers(b"127.0.0.1:8501")
    for name, value in security.FIXED_HEADERS.items():
        assert heard[name] == value
    assert "ws://127.0.0.1:8501" in heard["content-security-policy"]


def test_a_forged_host_does_not_get_into_the_policy() -> None:
    heard = _headers(b"a.example; script-src *")
    assert "a.example" not in heard["content-security-policy"]


def test_every_setting_is_one_streamlit_knows() -> None:
    known = config.get_config_options()
    assert set(theme.options(["localhost"])) <= set(known)


def test_the_settings_keep_the_dashboard_to_itself() -> None:
    options = theme.options(["localhost"])
    assert options["browser.gatherUsageStats"] is False
    assert options["client.showErrorDetails"] == "none"
    assert options["server.allowedHosts"] == ["localhost"]
    assert options["server.enableAgentApi"] is False
    assert options["server.enableCORS"] is True


def test_no_folder_of_pages_lies_beside_the_script() -> None:
    """Streamlit would run its files as pages of their own."""
    from earmark_dashboard.server import SCRIPT

    assert SCRIPT.is_file()
    assert not (SCRIPT.parent / "pages").exists()

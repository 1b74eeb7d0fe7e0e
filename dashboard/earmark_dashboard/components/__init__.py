"""The components of the inbox: plain JavaScript, mounted without a bundler.

Each sends one kind of event, `act`, with `{action, nonce, ...}`; `actions.handle` reads it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def _joined(*names: str) -> str:
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)


_list = st.components.v2.component(
    "earmark_case_list",
    html='<div class="root"></div>',
    css=_joined("tokens.css", "list.css"),
    js=_joined("dom.js", "words.js", "list.js"),
)
_views = st.components.v2.component(
    "earmark_case_views",
    html='<div class="root"></div>',
    css=_joined("tokens.css", "views.css"),
    js=_joined("dom.js", "views.js"),
)
_thread = st.components.v2.component(
    "earmark_case_thread",
    html='<div class="root"></div>',
    css=_joined("tokens.css", "thread.css", "understood.css", "composer.css"),
    js=_joined(
        "dom.js",
        "words.js",
        "status.js",
        "judging.js",
        "receipt.js",
        "standing.js",
        "copies.js",
        "entries.js",
        "composer.js",
        "thread.js",
    ),
)


def case_list(data: Mapping[str, Any], *, key: str, on_act: Callable[[], None]) -> None:
    """Shows a page of cases; paints the choice at once and owns the keys."""
    _list(key=key, data=dict(data), on_act_change=on_act)


def case_views(data: Mapping[str, Any], *, key: str, on_act: Callable[[], None]) -> None:
    """Shows the views with their counts."""
    _views(key=key, data=dict(data), on_act_change=on_act)


def case_thread(data: Mapping[str, Any], *, key: str, on_act: Callable[[], None]) -> None:
    """Shows one case with its thread, composer and customer; keeps what is being written."""
    _thread(key=key, data=dict(data), on_act_change=on_act)

"""For how long what a source brings is kept: said to everybody, set by managers."""

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import ConfigError, EarmarkError
from earmark_core.model import Actor, Role
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_dashboard.wire import shown
from earmark_listeners.health import SourceRow
from earmark_listeners.retention import Kept

MOST_DAYS = 36_500
_EMPTY = "as the settings say"


def change(
    services: Services, actor: Actor, source_id: int, days: int | None, raw_days: int | None
) -> str:
    """Sets for how long a source is kept, None as the settings say, and says what holds now."""
    if services.keeping is None:
        return "That is not set from here."
    try:
        kept = services.keeping.change(actor, source_id, days, raw_days)
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()
    return f"Saved. {kept.words} What is over goes with the next purge, by night."


def _changed(source_id: int) -> None:
    services = current()
    days, raw_days = (st.session_state.get(f"{name}_{source_id}") for name in ("days", "raw"))
    words = change(services, signed_in(services), source_id, days, raw_days)
    st.session_state["source_words"] = (source_id, words)


def _field(name: str, wished: int | None, key: str) -> None:
    st.number_input(name, min_value=0, max_value=MOST_DAYS, value=wished, step=1, key=key,
                    placeholder=_EMPTY, help="0 is for ever.", width=220)  # fmt: skip


def _form(kept: Kept) -> None:
    number = kept.source_id
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"keep_{number}"):
        _field("Keep mentions for days", kept.retention_days, f"days_{number}")
        _field("Keep raw payloads for days", kept.raw_days, f"raw_{number}")
        st.button("Save", key=f"kept_{number}", on_click=_changed, args=(number,))


def keeping(services: Services, row: SourceRow) -> None:
    """Says how long a source is kept, and lets a manager change it."""
    if services.keeping is None:
        return
    actor = signed_in(services)
    try:
        kept = services.keeping.of(actor, row.id)
    except ConfigError:  # it went a moment ago; the next look does not list it
        return
    with st.container(key=f"quiet_kept_{row.id}"):
        st.text(shown(kept.words))
    if may(actor, Role.manager):
        with st.expander("Keep it for longer or shorter", key=f"keeping_{row.id}"):
            _form(kept)

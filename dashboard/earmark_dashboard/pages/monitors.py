"""Monitors: what is listened for, in words; a query is previewed before it is saved."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Role
from earmark_dashboard import wire
from earmark_dashboard.hearing import MonitorsService
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.pages.matching import fault, preview
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_listeners.previewing import MonitorRow

_HELP = '"acme air"   refund*   acme NOT hotel   (acme OR akme) lang:en rating:<3'


def told(run: Callable[[], Any], words: str) -> str:
    """Does something and says so, or why not."""
    try:
        run()
    except EarmarkError as error:
        return fault(error)
    return words


def _button(label: str, key: str, run: Callable[[], Any], words: str, **more: Any) -> None:
    def clicked() -> None:
        st.session_state["monitor_words"] = told(run, words)

    st.button(label, key=key, on_click=clicked, **more)


def _edit(service: MonitorsService, actor: Actor, row: MonitorRow) -> None:
    with st.container(border=True, key=f"card_monitor_{row.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"title_m{row.id}"):
            st.text(f"{wire.shown(row.brand)} · {wire.shown(row.name)} · version {row.version}")
            if not row.is_enabled:
                st.badge("off", color="gray")
            if row.is_demo:
                st.badge("demo", color="blue")
        query = st.text_input("Query", row.query, key=f"query_{row.id}_{row.version}",
                              max_chars=2_000)  # fmt: skip
        st.text(wire.shown(row.words or row.fault))
        with st.container(horizontal=True, key=f"do_m{row.id}"):
            looked = st.button("Preview", key=f"look_{row.id}")
            if may(actor, Role.manager):
                save = partial(service.save, actor, row.id, query, row.version)
                words = "Saved. It holds for what comes from now on."
                _button("Save", f"save_{row.id}", save, words, disabled=query == row.query)
                switch = partial(service.switch, actor, row.id, on=not row.is_enabled)
                verb = "Turn off" if row.is_enabled else "Turn on"
                _button(
                    verb, f"switch_{row.id}", switch, "Turned off." if row.is_enabled else "On."
                )
        if looked:
            preview(service, actor, query, known=row.words)


def _new(services: Services, service: MonitorsService, actor: Actor) -> None:
    brands = services.brands.list(actor)
    with st.expander("Try a query, or add a monitor", icon=":material/add:"):
        query = st.text_input("Query", key="new_query", max_chars=2_000, placeholder=_HELP)
        if query:
            preview(service, actor, query)
        if query and brands and may(actor, Role.manager):
            brand = st.selectbox("For", brands, format_func=lambda one: wire.shown(one.name))
            name = st.text_input("Name of the monitor", key="new_name", max_chars=200)
            add = partial(service.add, actor, brand.id, name, query)
            _button("Add", "add_monitor", add, "Added.", type="primary", disabled=not name.strip())


def page() -> None:
    """Shows every monitor, and lets a manager change it."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    st.header("Monitors", anchor=False)
    if services.monitors is None:
        st.text("Monitors are not changed from here.")
        return
    if words := st.session_state.pop("monitor_words", ""):
        st.code(words, language=None)
    _new(services, services.monitors, actor)
    for row in services.monitors.rows(actor):
        _edit(services.monitors, actor, row)

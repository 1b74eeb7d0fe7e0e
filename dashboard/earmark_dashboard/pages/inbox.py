"""Inbox: what needs an answer, the thread of one case, and what can be done about it."""

from typing import Any

import streamlit as st

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.actions import handle
from earmark_dashboard.components import case_list, case_thread, case_views
from earmark_dashboard.copy_wire import copies
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import InboxState, arrive, inbox_state, signed_in, to_address

PAGE_SIZE = 50


def _on(key: str) -> None:
    services, state = current(), inbox_state()
    payload = st.session_state[key].get("act")
    handle(payload, services, signed_in(services), state)
    to_address(state)


def _read_list(services: Services, actor: Actor, state: InboxState) -> dict[str, Any]:
    after = state.trail[-1] if state.trail else None
    counter = services.views.change_counter(actor)
    key = (counter, state.view, state.brand_id, state.channel, state.search, after)
    kept = state.remembered("list", key)
    if kept is not None:
        return dict(kept)
    page = services.views.inbox(
        actor,
        state.view if state.view in wire.VIEW_NAMES else "needs_reply",
        brand_id=state.brand_id,
        channel=state.channel,
        search=state.search,
        after=after,
        limit=PAGE_SIZE,
    )
    counts = services.views.counts(actor, state.brand_id)
    brands = [brand for brand in services.brands.list(actor) if not brand.is_competitor]
    return dict(state.remember("list", key, wire.inbox(page, counts, brands, state)))


def _read_case(services: Services, actor: Actor, state: InboxState, case_id: int) -> dict[str, Any]:
    key = (services.views.change_counter(actor), case_id)
    kept = state.remembered("case", key)
    if kept is not None:
        return dict(kept)
    view = services.views.case(actor, case_id)
    data = wire.thread(
        view,
        services.rules_of(view.case.channel),
        actor,
        services.views.people(actor),
        services.views.saved_replies(actor, view.case.brand_id),
        services.needs_approval(actor, case_id),
        services.judging.topics(actor, view.case.brand_id),
    )
    data["copies"] = copies(view.copies, services.rules_of)
    return dict(state.remember("case", key, data))


def _read_receipt(
    services: Services, actor: Actor, state: InboxState, mention_id: int
) -> dict[str, Any]:
    kept = state.remembered("receipt", mention_id)
    if kept is None:
        made = wire.receipt(mention_id, services.explain(actor, mention_id))
        kept = state.remember("receipt", mention_id, made)
    return dict(kept)


def _thread_data(services: Services, actor: Actor, state: InboxState) -> dict[str, Any]:
    data: dict[str, Any] = {"case": None, "problem": ""}
    if state.case_id is not None:
        try:
            data = _read_case(services, actor, state, state.case_id)
        except EarmarkError as error:
            data["problem"] = f"{error.message} {error.hint}".strip()
    if state.receipt_for is not None:
        data["receipt"] = _read_receipt(services, actor, state, state.receipt_for)
    data["ack"] = state.ack
    data["measured"] = state.measured
    data["outcome"] = wire.outcome(state.outcome)
    return data


@st.fragment(key="inbox")
def _desk() -> None:
    services, state = current(), inbox_state()
    actor = signed_in(services)
    listed = _read_list(services, actor, state)
    opened = _thread_data(services, actor, state)
    left, right = st.columns([0.3, 0.7], gap="small")
    with left:
        case_list(listed, key="inbox_list", on_act=lambda: _on("inbox_list"))
    with right:
        case_thread(opened, key="inbox_thread", on_act=lambda: _on("inbox_thread"))


def page() -> None:
    """Shows the inbox."""
    services, state = current(), arrive()
    actor = signed_in(services)
    counts = services.views.counts(actor, state.brand_id)
    with st.sidebar:
        case_views(
            wire.views(counts, state.view), key="inbox_views", on_act=lambda: _on("inbox_views")
        )
    banner(services, actor)
    _desk()

"""What a visitor's session remembers: ids and filters, and the last page read for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard.services import Services

PERIODS = {
    "24 hours": timedelta(hours=24),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the last action, told to the component that asked for it.

    `kind` is done, refused or conflict. `undo` names the case that can be brought back.
    """

    nonce: str
    action: str
    kind: str
    message: str
    hint: str = ""
    undo: int | None = None


@dataclass(slots=True)
class InboxState:
    """Where a visitor is in the inbox."""

    view: str = "needs_reply"
    brand_id: int | None = None
    channel: str | None = None
    search: str = ""
    trail: list[str] = field(default_factory=list)
    case_id: int | None = None
    receipt_for: int | None = None
    measured: tuple[str, int] | None = None
    ack: str = ""
    outcome: Outcome | None = None
    seen: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def go(self, view: str) -> None:
        """Turns to another view, from its first page."""
        self.view = view
        self.trail.clear()

    def remembered(self, slot: str, key: Any) -> Any:
        """Gives what was kept in *slot* under the same *key*, else None."""
        kept = self.seen.get(slot)
        return kept[1] if kept is not None and kept[0] == key else None

    def remember(self, slot: str, key: Any, value: Any) -> Any:
        """Keeps one value per slot, and gives it back."""
        self.seen[slot] = (key, value)
        return value


def inbox_state() -> InboxState:
    """Gives the visitor's place in the inbox; the first time as the address says."""
    if "inbox" not in st.session_state:
        st.session_state["inbox"] = _from_address(st.query_params.to_dict())
    state: InboxState = st.session_state["inbox"]
    return state


def arrive() -> InboxState:
    """Gives the visitor's place on coming to the inbox: an address that names a case wins."""
    state = inbox_state()
    asked = _from_address(st.query_params.to_dict())
    if asked.case_id is not None and asked.case_id != state.case_id:
        state.case_id, state.receipt_for = asked.case_id, None
    to_address(state)
    return state


def _from_address(params: Mapping[str, str]) -> InboxState:
    case = params.get("case", "")
    brand = params.get("brand", "")
    return InboxState(
        view=params.get("view", "needs_reply"),
        brand_id=int(brand) if brand.isascii() and brand.isdigit() else None,
        channel=params.get("channel") or None,
        case_id=int(case) if case.isascii() and case.isdigit() and len(case) < 16 else None,
    )


def to_address(state: InboxState) -> None:
    """Puts the visitor's place into the address, so that it can be kept and sent on."""
    wanted = {
        "view": state.view if state.view != "needs_reply" else "",
        "brand": str(state.brand_id or ""),
        "channel": state.channel or "",
        "case": str(state.case_id or ""),
    }
    for name, value in wanted.items():
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def actor_now(services: Services) -> Actor | None:
    """Tells who this visitor is, asked anew on every run and in every callback."""
    return services.actor_for(st.context.cookies.to_dict())


def signed_in(services: Services) -> Actor:
    """Gives the visitor, or ends the run for one who is nobody any more."""
    actor = actor_now(services)
    if actor is None:
        st.text("You are not signed in any more. Reload the page.")
        st.stop()
    return actor

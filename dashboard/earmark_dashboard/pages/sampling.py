"""The blind sample: one mention at a time, without the machine's word, and what its tone is."""

from dataclasses import dataclass, field

import streamlit as st

from earmark_core.access import may
from earmark_core.model import Actor, Label, Role
from earmark_dashboard import wire
from earmark_dashboard.lessons import outcome, who_may
from earmark_dashboard.services import BrandRow, Services, current
from earmark_dashboard.state import signed_in
from earmark_sentiment.sampling import Drawn

BATCH = 20
_LONGEST = 3_000
_STATE = "blind_sample"


@dataclass(slots=True)
class Sitting:
    """Where a person is in the sample of a brand."""

    brand_id: int
    waiting: list[Drawn] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    done: int = 0
    words: str = ""

    def next(self) -> Drawn | None:
        """Gives the mention at hand."""
        return self.waiting[0] if self.waiting else None


def _sitting(brand_id: int) -> Sitting:
    found = st.session_state.get(_STATE)
    if not isinstance(found, Sitting) or found.brand_id != brand_id:
        found = st.session_state[_STATE] = Sitting(brand_id)
    return found


def say(services: Services, actor: Actor, sitting: Sitting, label: Label | None) -> None:
    """Keeps what the tone of the mention at hand is, None skips it; and goes on to the next."""
    at_hand = sitting.next()
    if at_hand is None:
        return
    sitting.waiting.pop(0)
    sitting.words = ""
    if label is None:
        sitting.skipped.add(at_hand.mention_id)
        return

    def judge() -> str:
        services.judging.label(actor, [at_hand.mention_id], label, from_sample=True)
        sitting.done += 1
        return ""

    sitting.words = outcome(judge)


def _clicked(brand_id: int, mention_id: int, label: Label | None) -> None:
    sitting, services = _sitting(brand_id), current()
    at_hand = sitting.next()
    if at_hand is not None and at_hand.mention_id == mention_id:  # not a second click on the last
        say(services, signed_in(services), sitting, label)


def _again(brand_id: int) -> None:
    _sitting(brand_id).skipped.clear()


def _card(brand_id: int, row: Drawn) -> None:
    with st.container(border=True, key=f"card_sample_{row.mention_id}", gap="small"):
        with st.container(key=f"quiet_sample_{row.mention_id}", gap=None):
            stars = f" · {row.rating:g} stars" if row.rating is not None else ""
            st.text(f"{row.channel} · {row.happened_at:%d %b %Y}{stars}")
        if row.title:
            st.text(wire.shown(row.title))
        st.text(wire.shown(row.body[:_LONGEST]))
        with st.container(horizontal=True, key="sample_tones"):
            for label in Label:
                st.button(str(label).capitalize(), key=f"tone_{label}_{row.mention_id}",
                          on_click=_clicked, args=(brand_id, row.mention_id, label))  # fmt: skip
            st.button("Skip", key=f"tone_skip_{row.mention_id}", type="tertiary",
                      on_click=_clicked, args=(brand_id, row.mention_id, None))  # fmt: skip


def sampling(services: Services, actor: Actor, brand: BrandRow, labelled: int) -> None:
    """Shows the sample; *labelled* is how many of it are."""
    st.subheader("Label the blind sample", anchor=False)
    st.text(
        "One in fifty of what the queue passed by, drawn by number. What the machine says is not "
        "shown, so that it sways nobody. Skip only what cannot be understood."
    )
    if why := who_may(actor, Role.responder, "label the sample"):
        st.text(why)
    if services.learning is None or not may(actor, Role.responder):
        return
    sitting = _sitting(brand.id)
    if not sitting.waiting:
        drawn = services.learning.sample(actor, brand.id, BATCH + len(sitting.skipped))
        sitting.waiting = [row for row in drawn if row.mention_id not in sitting.skipped]
    left, more = len(sitting.waiting), "at least " if len(sitting.waiting) >= BATCH else ""
    st.text(f"{labelled:,} labelled, {sitting.done} in this sitting; {more}{left} wait.")
    if sitting.words:
        st.text(sitting.words)
    at_hand = sitting.next()
    if at_hand is not None:
        _card(brand.id, at_hand)
        return
    st.text("Nothing waits. One in fifty of what comes and is not queued joins the sample.")
    if sitting.skipped:
        st.button(f"Show the {len(sitting.skipped)} skipped again", on_click=_again,
                  args=(brand.id,))  # fmt: skip

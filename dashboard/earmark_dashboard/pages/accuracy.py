"""How right is it: labels by people against the machine's, on a brand's own mentions."""

import streamlit as st

from earmark_dashboard import lessons, rightness
from earmark_dashboard.pages.chosen import head
from earmark_dashboard.pages.sampling import sampling
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_sentiment.agreement import Agreement
from earmark_sentiment.reports import AgreementReport

BLIND, CHOSEN = "Blind sample", "All corrections"


def _figures(name: str, found: Agreement, note: str) -> None:
    slot = name.replace(" ", "_")
    with st.container(border=True, key=f"card_{slot}", gap="small"):
        st.subheader(name, anchor=False)
        with st.container(horizontal=True, gap="medium"):
            shown = (
                ("Right labels", rightness.percent(found.accuracy), rightness.basis(found)),
                ("Cohen’s κ", rightness.two(found.kappa),
                 f"beyond chance; 1 is all, 0 is luck · n {found.n:,}"),
            )  # fmt: skip
            for title, value, basis in shown:
                with st.container(key=f"quiet_{slot}_{title[:5]}", gap=None, width=230):
                    st.metric(title, value)
                    st.text(basis)
        st.text(" ".join(part for part in (note, rightness.firmness(found)) if part))


def _both(report: AgreementReport) -> None:
    left, right = st.columns(2)
    blind = (
        "Nothing of it is labelled yet. Label some below: only they tell how right it is where "
        "nobody chose."
        if report.is_biased
        else "Drawn by number from what the queue passed by; nobody chose them."
    )
    with left:
        _figures(BLIND, report.sample, blind)
    with right:
        _figures(CHOSEN, report.corrected, rightness.bias(report))


def _matrix(report: AgreementReport) -> None:
    found, name = report.best, BLIND
    if report.is_biased:
        name = CHOSEN
    else:
        name = st.segmented_control(
            "Of which labels", [BLIND, CHOSEN], default=BLIND, required=True, key="matrix_of"
        ) or BLIND  # fmt: skip
        found = report.sample if name == BLIND else report.corrected
    left, right = st.columns(2)
    with left.container(border=True):
        st.subheader(f"People and machine · {name.lower()}, n {found.n:,}", anchor=False)
        mode = st.context.theme.type or "light"
        st.altair_chart(
            rightness.heat_map(found, mode), width="stretch", alt=rightness.in_words(found)
        )
        if st.toggle("Show as table"):
            st.dataframe(rightness.matrix_rows(found), hide_index=True, width="stretch")
    with right.container(border=True):
        st.subheader(f"Each tone · {name.lower()}, n {found.n:,}", anchor=False)
        st.dataframe(rightness.label_rows(found), hide_index=True, width="stretch")
        st.text(
            "Precision: how many of the machine’s labels people confirm. Recall: how many of "
            "people’s labels the machine found. F1 is the harmonic mean of both."
        )


def _models(report: AgreementReport) -> None:
    with st.container(border=True):
        st.subheader(f"By model · all corrections, n {report.corrected.n:,}", anchor=False)
        st.dataframe(rightness.model_rows(report), hide_index=True, width="stretch")
        st.text("The label that counts is the one the model gave before anybody corrected it.")


def page() -> None:
    """Shows how right the scores of one brand are."""
    services = current()
    actor = signed_in(services)
    brand = head("How right is it", services, actor)
    if brand is None:
        return
    if services.learning is None:
        st.text(f"{lessons.NO_LEARNING} So nothing is counted against it, either.")
        return
    report = services.learning.agreement(actor, brand.id)
    if not report.corrected.n:
        st.text(
            "Nothing can be said yet: no scored mention has a label by a person. Label some of "
            "the blind sample here, or correct tones in the inbox."
        )
    else:
        _both(report)
        _matrix(report)
        _models(report)
    if report.unscored:
        st.text(f"{report.unscored:,} labelled mentions had no score; they are in no figure here.")
    sampling(services, actor, brand, report.sample.n)

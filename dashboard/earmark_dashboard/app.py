"""Who the visitor is, which pages there are, and the chosen one."""

import streamlit as st

from earmark_dashboard import theme
from earmark_dashboard.pages import (
    accuracy,
    entering,
    inbox,
    learning,
    mentions,
    monitors,
    outbox,
    sources,
    start,
    trends,
)
from earmark_dashboard.services import current
from earmark_dashboard.state import actor_now

PAGES = (
    (inbox.page, "Inbox", "inbox", "inbox"),
    (mentions.page, "Mentions", "forum", "mentions"),
    (outbox.page, "Outbox", "outbox", "outbox"),
    (trends.page, "Trends", "monitoring", "trends"),
    (accuracy.page, "How right is it", "fact_check", "accuracy"),
    (learning.page, "Learning", "school", "learning"),
    (entering.page, "Add mentions", "edit_note", "entering"),
    (monitors.page, "Monitors", "manage_search", "monitors"),
    (sources.page, "Sources", "rss_feed", "sources"),
    (start.page, "Your brand", "add_circle", "start"),
)


def show() -> None:
    """Shows the page the address names; without an own brand, how to begin stands first."""
    st.set_page_config(page_title="earmark", page_icon=theme.MARK, layout="wide")
    st.logo(theme.LOGO, size="large")
    st.html(theme.page_css())
    actor = actor_now(current())
    if actor is None:
        st.header("You are not signed in", anchor=False)
        st.text("Sign in to see the inbox.")
        return
    made = {
        path: st.Page(
            run, title=title, icon=f":material/{icon}:", url_path=path, default=path == "inbox"
        )
        for run, title, icon, path in PAGES
    }
    for path, page in made.items():
        st.session_state[f"{path}_page"] = page
    own = any(not brand.is_demo for brand in current().brands.list(actor))
    begin = made.pop("start")
    st.navigation([*made.values(), begin] if own else [begin, *made.values()]).run()

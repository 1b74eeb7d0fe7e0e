"""Who the visitor is, which pages there are, and the chosen one."""

import streamlit as st

from earmark_dashboard import theme
from earmark_dashboard.pages import inbox, outbox, sources, start, trends
from earmark_dashboard.services import current
from earmark_dashboard.state import actor_now


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
    own = any(not brand.is_demo for brand in current().brands.list(actor))
    begin = st.Page(start.page, title="Your brand", icon=":material/add_circle:", url_path="start")
    desk = st.Page(
        inbox.page, title="Inbox", icon=":material/inbox:", url_path="inbox", default=True
    )
    pages = [
        desk,
        st.Page(outbox.page, title="Outbox", icon=":material/outbox:", url_path="outbox"),
        st.Page(trends.page, title="Trends", icon=":material/monitoring:", url_path="trends"),
        st.Page(sources.page, title="Sources", icon=":material/rss_feed:", url_path="sources"),
    ]
    st.session_state["start_page"], st.session_state["inbox_page"] = begin, desk
    st.navigation([*pages, begin] if own else [begin, *pages]).run()

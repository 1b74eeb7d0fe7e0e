"""Copies in a real browser: counted in the list, folded in the thread, and each to be answered."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dashboard.browsing import DESKTOP, PHONE, Server, Visit, row, until, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CASE = 1008


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    made = {"plain": Server(), "hostile": Server("hostile")}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def opened(chromium: Any, servers: dict[str, Server]) -> Iterator[Callable[..., Any]]:
    """Opens the case with copies; nothing may have left the place or failed by the end."""
    made: list[Visit] = []

    def begin(kind: str = "plain", size: dict[str, int] = DESKTOP, mode: str = "light") -> Any:
        servers[kind].ask("/fake/reset")
        made.append(Visit(chromium, servers[kind], size, mode))
        made[-1].inbox(f"/?case={CASE}")
        made[-1].opened(CASE)
        return made[-1].page

    yield begin
    for one in made:
        one.context.close()
        assert (one.left, one.faults) == ([], [])


def test_copies_are_counted_in_the_list_and_folded_in_the_thread(opened: Any) -> None:
    page = opened()
    assert "+12 copies" in row(page, CASE).inner_text()
    folded = page.locator(".said.theirs").first.locator("details.copies")
    assert folded.locator("summary").inner_text().startswith("12 copies, 9 authors, first ")
    assert not folded.locator("li").first.is_visible()
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    assert "@copycat · bluesky" in folded.locator("li").first.inner_text()
    assert "Deleted by its author." in folded.locator("li").nth(2).inner_text()
    assert "9 more are on the page Mentions." in folded.inner_text()


def test_the_copy_that_is_chosen_is_answered_and_stays_unfolded(
    opened: Any, servers: dict[str, Server]
) -> None:
    page = opened()
    page.locator("details.copies summary").click()
    one = page.locator("details.copies li").first
    one.get_by_role("button", name="Answer this one").click()
    assert one.get_by_role("button", name="Being answered").get_attribute("aria-pressed") == "true"
    area = page.get_by_role("textbox", name="Reply to @copycat on bluesky")
    area.fill("So sorry, we are on it!")
    assert "/ 300" in page.locator(".composer .count").inner_text(), "as its channel counts"
    page.get_by_role("button", name="Answer the first instead").click()
    page.get_by_role("textbox", name="on mastodon").or_(
        page.get_by_role("textbox", name="on reddit")
    ).or_(page.locator(".composer textarea")).first.wait_for()
    assert page.get_by_role("button", name="Answer the first instead").count() == 0
    one.get_by_role("button", name="Answer this one").click()
    page.get_by_role("button", name="Send", exact=True).click()

    def sent() -> bool:
        log = servers["plain"].ask("/fake/log")
        return [entry for entry in log if entry[0] == "send"] == [
            ["send", str(CASE), "So sorry, we are on it!", str(CASE * 10), str(CASE * 100 + 1)]
        ]

    until(sent, page)


def test_a_viewer_reads_the_copies_and_answers_none(
    opened: Any, servers: dict[str, Server]
) -> None:
    page = opened()
    servers["plain"].ask("/fake/viewer")
    page.reload()
    page.locator(f'[data-ack-id="{CASE}"]').wait_for(state="attached", timeout=20_000)
    page.locator("details.copies summary").click()
    assert page.locator("details.copies").get_by_role("button").count() == 0


def test_what_others_wrote_in_copies_stays_text(opened: Any) -> None:
    page = opened("hostile")
    page.locator("details.copies summary").click()
    folded = page.locator("details.copies")
    assert folded.locator("script, img, svg, iframe, form, style").count() == 0
    assert page.locator(".body").evaluate("it => it.scrollWidth - it.clientWidth") <= 0


@pytest.mark.parametrize(
    ("size", "mode"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
def test_copies_keep_nobody_out(opened: Any, size: dict[str, int], mode: str) -> None:
    page = opened("plain", size, mode)
    page.locator("details.copies summary").click()
    page.get_by_role("button", name="Answer this one").first.click()
    assert violations(page) == []

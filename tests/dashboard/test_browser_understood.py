"""The thread in a real browser: receipt, status and correction for every mention."""

import re
from collections.abc import Callable, Iterator
from math import exp
from typing import Any

import pytest

from tests.dashboard.browsing import DESKTOP, PHONE, Server, Visit, row, until, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    made = Server("understood")
    yield made
    made.stop()


@pytest.fixture
def opened(chromium: Any, one_server: Server) -> Iterator[Callable[..., Any]]:
    """Opens a case anew for a visitor; nothing may have left the place or failed by the end."""
    one_server.ask("/fake/reset")
    made: list[Visit] = []

    def begin(case_id: int, size: dict[str, int] = DESKTOP, mode: str = "light") -> Any:
        if not made:
            made.append(Visit(chromium, one_server, size, mode))
        made[0].inbox(f"/?case={case_id}")
        made[0].opened(case_id)
        return made[0].page

    yield begin
    for one in made:
        one.context.close()
        assert (one.left, one.faults) == ([], [])


def words_of(page: Any) -> str:
    return str(page.locator(".said.theirs").first.locator(".under").first.inner_text())


def test_every_mention_says_how_it_stands_and_not_knowing_is_never_neutral(opened: Any) -> None:
    told = {
        1000: ["Negative", "78\u00a0% sure", "Why?"],
        1001: ["Not scored", "seems to be Spanish (93\u00a0%)"],
        1002: ["Negative", "by its stars, which outrank", "1 star, but the words are friendly"],
        1003: ["Negative", "corrected by a person (machine: neutral)", "Not about us",
               "Needs no answer"],
        1004: ["Not scored", "no words"],
        1005: ["Not scored", "could not be scored"],
        1006: ["Positive", "unsure (44\u00a0%)", "Needs an answer"],
        1008: ["Not scored", "the language is not clear"],
    }  # fmt: skip
    page = opened(1000)
    for case_id, wanted in told.items():
        row(page, case_id).click()
        page.locator(f'[data-ack-id="{case_id}"]').wait_for(state="attached")
        words = words_of(page)
        assert [part for part in wanted if part not in words] == [], words
        if "Not scored" in wanted:
            assert "Neutral" not in words
            assert "Why?" not in words


def test_the_receipt_shows_what_the_label_stands_on_and_it_adds_up(opened: Any) -> None:
    page = opened(1007)
    page.get_by_role("button", name="Why?").focus()
    page.keyboard.press("Enter")
    page.locator(".receipt mark.bad", has_text="died").wait_for()
    receipt = page.locator(".receipt")
    groups = [
        text.split("\n")[0].split("\t")[0] for text in receipt.locator("tr.group").all_inner_texts()
    ]
    assert groups == [
        "Words",
        "The text as a whole",
        "Learned for this brand",
        "Where every text starts",
    ]

    def figures(rows: str) -> list[float]:
        found = receipt.locator(f"{rows} .figure").all_inner_texts()
        return [round(100 * float(text.replace("−", "-"))) for text in found]

    assert figures("tfoot tr") == [sum(figures("tr.group"))]
    (base,) = figures("tr.group")[-1:]
    assert sum(figures("tbody tr:not(.group):not(.folded)")) + base == figures("tfoot tr")[0]
    shown = re.search(r"Probability of negative: (\d+)\u00a0%", receipt.inner_text())
    assert shown
    assert abs(int(shown[1]) - 100 / (1 + exp(-figures("tfoot tr")[0] / 100))) < 1
    assert "Mixed: one sentence praises" in receipt.locator(".hint").inner_text()
    assert "lowest is −0.56, the mean −0.08, the last −0.56" in receipt.inner_text()
    assert "−0.23 on a scale from −1 to +1 (VADER)" in receipt.inner_text()
    assert receipt.locator(".model").inner_text().startswith("Scored by head-1+brand-1-v3+")
    more = receipt.locator(".more button").first
    assert not receipt.locator("tr.folded").first.is_visible()
    more.focus()
    page.keyboard.press("Enter")
    assert receipt.locator("tr.folded").first.is_visible()
    hide = page.get_by_role("button", name="Hide the words")
    hide.focus()
    page.keyboard.press("Enter")
    receipt.wait_for(state="detached")
    why = page.get_by_role("button", name="Why?")
    assert why.evaluate("element => element.getRootNode().activeElement === element")


def test_a_receipt_that_opens_below_the_edge_of_a_phone_comes_into_sight(opened: Any) -> None:
    page = opened(1007, PHONE)
    page.get_by_role("button", name="Why?").first.click()
    page.locator(".receipt").wait_for()
    seen = "element => element.getBoundingClientRect().top + 60 < innerHeight"
    until(lambda: bool(page.locator(".receipt .words").evaluate(seen)), page)
    box, body = page.locator(".receipt").bounding_box(), page.locator(".body").bounding_box()
    assert body["y"] <= box["y"] < body["y"] + body["height"] - 100


def test_relevance_and_need_are_said_and_taken_back_by_the_opposite(opened: Any) -> None:
    page = opened(1000)
    for choice, shown in (("Not about us", True), ("About us", False)):
        page.get_by_role("button", name="Correct", exact=True).first.click()
        page.get_by_role("menuitem", name=choice, exact=True).click()
        until(lambda shown=shown: ("Not about us" in words_of(page)) is shown, page)
    for choice in ("Needs an answer", "Needs no answer"):
        page.get_by_role("button", name="Correct", exact=True).first.press("Enter")
        page.get_by_role("menuitem", name=choice, exact=True).press("Enter")
        until(lambda choice=choice: choice in words_of(page), page)


def test_topics_are_corrected_denied_and_added_with_the_keyboard(opened: Any) -> None:
    page = opened(1000)
    chips = page.locator(".aspects").first
    assert [text.strip() for text in chips.locator(".aspect").all_inner_texts()] == [
        "+ Screen", "− Battery", "− Support",
    ]  # fmt: skip
    chips.get_by_role("button", name="+ Screen").press("Enter")
    page.keyboard.press("Enter")
    chips.get_by_role("button", name="− Screen").wait_for()
    chips.get_by_role("button", name="− Battery").press("Enter")
    page.get_by_role("menuitem", name="Not about Battery").press("Enter")
    chips.locator(".denied", has_text="Battery").wait_for()
    chips.get_by_role("button", name="Battery", exact=True).click()
    page.get_by_role("menuitem", name="Neutral").click()
    chips.get_by_role("button", name="· Battery").wait_for()
    chips.get_by_role("button", name="Add a topic").press("Enter")
    page.get_by_role("menuitem", name="Delivery").press("Enter")
    page.get_by_role("menuitem", name="Positive").press("Enter")
    chips.get_by_role("button", name="+ Delivery").wait_for()


def test_a_viewer_sees_all_of_it_and_can_say_nothing(opened: Any, one_server: Server) -> None:
    one_server.ask("/fake/viewer")
    page = opened(1000)
    said = page.locator(".said.theirs").first
    assert "+ Screen" in said.inner_text()
    assert "78\u00a0% sure" in said.inner_text()
    assert said.get_by_role("button").all_inner_texts() == ["Why?"]
    said.get_by_role("button", name="Why?").click()
    page.locator(".receipt table").wait_for()


@pytest.mark.parametrize(
    ("size", "mode"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
def test_receipt_and_menus_keep_nobody_out(opened: Any, size: dict[str, int], mode: str) -> None:
    page = opened(1000, size, mode)
    page.get_by_role("button", name="Why?").first.click()
    page.locator(".receipt table").wait_for()
    assert violations(page) == []
    for name in ("Correct", "Add a topic", "+ Screen", "− Support"):
        page.get_by_role("button", name=name, exact=True).first.click()
        menu = page.locator(".menu:visible")
        box, pane = menu.bounding_box(), page.locator(".body").bounding_box()
        assert pane["x"] <= box["x"], name
        assert box["x"] + box["width"] <= pane["x"] + pane["width"], name
        assert violations(page) == [] if name == "Correct" else True
        page.keyboard.press("Escape")
    assert page.locator(".body").evaluate("it => it.scrollWidth - it.clientWidth") <= 0

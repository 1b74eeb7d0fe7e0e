"""The dashboard in a real browser: what a person sees, what their keys do, what never leaves."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.dashboard.browsing import DESKTOP, PHONE, Server, Visit, row, until, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = ("/", "/mentions", "/outbox", "/trends", "/accuracy", "/learning", "/monitors", "/sources",
         "/start")  # fmt: skip


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def server(one_server: Server) -> Server:
    """The dashboard as if it had just been started."""
    one_server.ask("/fake/reset")
    return one_server


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Visit]]:
    made: list[Visit] = []

    def begin(size: dict[str, int] = DESKTOP, mode: str = "light", at: Server = server) -> Visit:
        made.append(Visit(chromium, at, size, mode))
        return made[-1]

    yield begin
    for one in made:
        one.context.close()


def test_a_click_opens_the_thread_at_once_and_the_address_keeps_it(visit: Any) -> None:
    one = visit()
    page = one.inbox()
    row(page, 1005).click()
    name = row(page, 1005).locator(".name").inner_text()
    page.locator(".head h2", has_text=name).wait_for()
    one.opened(1005)
    assert page.get_by_text("Why it is here").is_visible()
    until(lambda: "case=1005" in page.url, page)
    page.reload()
    one.opened(1005)
    page.locator('.row.chosen[data-id="1005"]').wait_for()
    assert (one.left, one.faults) == ([], [])


def test_keys_move_claim_resolve_and_undo(visit: Any) -> None:
    one = visit()
    page = one.inbox()
    page.keyboard.press("j")
    one.opened(1000)
    page.keyboard.press("j")
    page.keyboard.press("j")
    one.opened(1002)
    page.keyboard.press("k")
    one.opened(1001)
    page.keyboard.press("j")
    one.opened(1002)
    page.keyboard.press("a")
    row(page, 1002).locator(".owner", has_text="@sam").wait_for()
    page.keyboard.press("e")
    one.opened(1003)
    row(page, 1002).wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    row(page, 1002).wait_for(state="attached")


def test_letters_typed_into_the_composer_are_letters(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.keyboard.press("r")
    area = page.locator("textarea")
    page.keyboard.type("eager jokers are nice")
    assert area.input_value() == "eager jokers are nice"
    area.evaluate("element => element.blur()")
    page.keyboard.press("e")
    page.wait_for_timeout(300)
    assert row(page, 1000).is_visible()
    assert "going" not in str(row(page, 1000).get_attribute("class"))


def test_a_draft_outlives_refresh_change_of_case_and_reload(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    area = page.locator("textarea")
    area.click()
    page.keyboard.type("Half a sent")
    area.evaluate("element => element.setSelectionRange(4, 4)")
    one.server.ask("/fake/another")
    page.wait_for_timeout(6000)
    assert area.evaluate("element => element.getRootNode().activeElement === element")
    assert area.evaluate("element => element.selectionStart") == 4
    assert ["draft", "1000", "Half a sent"] in one.server.ask("/fake/log")
    row(page, 1001).click()
    one.opened(1001)
    assert area.input_value() == ""
    row(page, 1000).click()
    one.opened(1000)
    assert area.input_value() == "Half a sent"
    page.reload()
    one.opened(1000)
    assert page.locator("textarea").input_value() == "Half a sent"


def test_a_draft_is_there_in_another_browser(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.locator("textarea").fill("Begun at the desk")
    until(lambda: ["draft", "1000", "Begun at the desk"] in one.server.ask("/fake/log"), page)
    two = visit(PHONE)
    two.inbox("/?case=1000")
    two.opened(1000)
    assert two.page.locator("textarea").input_value() == "Begun at the desk"


def test_a_reply_goes_out_once_and_the_composer_is_empty_after(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.locator("textarea").fill("So sorry, a new one is on its way.")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    page.locator(".said.ours", has_text="a new one").wait_for()
    assert page.locator(".said.ours .state").inner_text() == "on its way"
    until(lambda: page.locator("textarea").input_value() == "", page)
    sent = [entry for entry in one.server.ask("/fake/log") if entry[0] == "send"]
    assert len(sent) == 1


def test_an_answer_that_came_meanwhile_stops_the_send_and_keeps_the_words(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.locator("textarea").click()
    page.keyboard.type("We are on it.")
    one.server.ask("/fake/answer?case=1000")
    page.get_by_text("The customer wrote again while you were writing.").wait_for()
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".banner", has_text="wrote again").wait_for()
    assert page.locator("textarea").input_value() == "We are on it."
    assert not [entry for entry in one.server.ask("/fake/log") if entry[0] == "send"]
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".said.ours", has_text="We are on it.").wait_for()


def test_what_cannot_be_sent_says_why_and_does_not_go(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    send = page.get_by_role("button", name="Send", exact=True)
    page.locator("textarea").fill("x" * 501)
    page.get_by_text("Too long by 1 characters.").wait_for()
    assert send.is_disabled()
    page.locator("textarea").fill("")
    page.get_by_label("Saved replies").select_option(label="Ask for the order")
    assert page.locator("textarea").input_value().startswith("Hi Kaya, is it order {order number}")
    page.get_by_text("Fill in {order number} before it goes out.").wait_for()
    assert send.is_disabled()
    page.keyboard.type("4711")
    assert "is it order 4711 that" in page.locator("textarea").input_value()
    assert send.is_enabled()


def test_a_channel_without_replies_offers_copy_open_and_posted(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1005")
    one.opened(1005)
    page.locator("textarea").fill("Thank you for telling us.")
    assert page.get_by_role("link", name="Open social.example").is_visible()
    assert page.get_by_role("button", name="Copy").is_visible()
    page.get_by_label("Link to your answer").fill("https://social.example/1")
    page.get_by_role("button", name="Mark as posted").click()
    page.locator(".said.ours .state", has_text="delivered").wait_for()
    posted = ["posted", "1005", "Thank you for telling us.", "https://social.example/1"]
    assert posted in one.server.ask("/fake/log")


def test_a_failed_reply_stays_in_the_thread_with_the_way_on(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1005")
    one.opened(1005)
    failed = page.locator(".said.ours.bad")
    assert failed.locator(".state").inner_text() == "not sent"
    assert "The server refused the reply" in failed.inner_text()
    failed.get_by_role("button", name="Try again").click()
    page.locator(".said.ours .state", has_text="on its way").wait_for()


def test_a_case_taken_by_somebody_else_is_said(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    one.server.ask("/fake/steal?case=1000")
    page.get_by_role("button", name="Claim").click()
    page.locator(".banner.conflict").wait_for()


def test_new_rows_do_not_move_the_one_under_the_pointer(visit: Any) -> None:
    one = visit()
    page = one.inbox()
    row(page, 1001).hover()
    before = row(page, 1001).bounding_box()
    one.server.ask("/fake/another")
    page.get_by_role("button", name="1 new").wait_for()
    assert row(page, 1001).bounding_box() == before
    page.get_by_role("button", name="1 new").click()
    page.locator(".row", has_text="Newly Arrived").wait_for()


def test_the_words_that_moved_a_score_are_painted_on_demand(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.get_by_role("button", name="Why?").first.click()
    page.locator(".receipt mark.bad", has_text="terrible").wait_for()
    assert "−4.31" in page.locator(".receipt .sum").inner_text()
    page.get_by_role("button", name="Hide the words").click()
    page.locator(".receipt").wait_for(state="detached")


def test_a_tone_can_be_corrected(visit: Any) -> None:
    one = visit()
    page = one.inbox("/?case=1000")
    one.opened(1000)
    page.locator(".said .as-button").first.click()
    page.get_by_role("menuitem", name="Positive").click()
    page.locator(".said .as-button", has_text="Positive").wait_for()
    page.get_by_text("corrected by a person (machine: negative)").wait_for()


def test_a_view_a_filter_and_a_search_change_the_list(visit: Any) -> None:
    one = visit()
    page = one.inbox()
    page.locator(".view", has_text="Mine").click()
    page.locator(".head h2", has_text="Mine").wait_for()
    until(
        lambda: (
            page.locator(".row .owner").all_inner_texts() == ["@sam"] * page.locator(".row").count()
        ),
        page,
    )
    page.locator(".view", has_text="All").click()
    page.locator(".head h2", has_text="All").wait_for()
    page.get_by_role("button", name="Older").click()
    page.get_by_role("button", name="Newer").wait_for()
    page.get_by_label("Search cases").fill("courier")
    until(
        lambda: all("courier" in text for text in page.locator(".row .snippet").all_inner_texts()),
        page,
    )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_hostile_words_make_no_request_and_run_nothing(visit: Any, size: dict[str, int]) -> None:
    hostile = Server("hostile")
    try:
        one = visit(size, at=hostile)
        page = one.inbox()
        for case_id in range(1000, 1012):
            one.inbox(f"/?case={case_id}")
            one.opened(case_id)
        for path in PATHS[1:]:
            one.go(path)
            page.locator("h2").first.wait_for(timeout=30_000)
            page.wait_for_timeout(1500)
        assert (one.left, one.faults) == ([], [])
    finally:
        hostile.stop()


@pytest.mark.parametrize("path", PATHS)
def test_no_page_asks_another_host_or_is_stopped_by_the_policy(visit: Any, path: str) -> None:
    one = visit()
    page = one.go(path)
    page.locator("h2").first.wait_for(timeout=60_000)
    page.wait_for_timeout(2500)
    assert (one.left, one.faults) == ([], [])
    if path == "/trends":
        page.locator("svg.marks").nth(4).wait_for(timeout=20_000)
        assert page.locator("svg.marks").count() == 5


def test_on_a_phone_every_control_is_on_the_screen(visit: Any) -> None:
    one = visit(PHONE)
    page = one.inbox()
    assert not page.locator("textarea").is_visible()
    row(page, 1000).click()
    one.opened(1000)
    assert not row(page, 1000).is_visible()
    names = [
        "Claim",
        "Assign",
        "Priority",
        "Snooze",
        "Dismiss",
        "Resolve",
        "Send",
        "← Back to inbox",
    ]
    for name in names:
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= PHONE["width"], name
        assert box["y"] + box["height"] <= PHONE["height"], name
    page.get_by_role("button", name="← Back to inbox").click()
    row(page, 1000).wait_for()
    row(page, 1000).click()
    page.locator("textarea").wait_for()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("path", ["/?case=1005", *PATHS[1:]])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_keeps_anybody_out(visit: Any, path: str, mode: str, size: dict[str, int]) -> None:
    one = visit(size, mode)
    page = one.go(path)
    page.locator("h2").first.wait_for(state="attached", timeout=60_000)
    page.wait_for_timeout(2500)
    assert violations(page) == []


def test_health_says_how_the_worker_is(server: Server) -> None:
    assert server.ask("/health") == {"dashboard": "ok", "worker_heartbeat_age_seconds": 2.0}


@pytest.mark.parametrize(
    ("host", "origin", "let_in"),
    [
        (None, None, True),
        ("evil.example", None, False),
        (None, "http://evil.example", False),
        ("evil.example", "http://evil.example", False),
    ],
)
def test_the_socket_opens_for_our_own_page_only(
    server: Server, host: str | None, origin: str | None, let_in: bool
) -> None:
    own = f"127.0.0.1:{server.port}"
    request = (
        "GET /_stcore/stream HTTP/1.1\r\n"
        f"Host: {host or own}\r\nOrigin: {origin or 'http://' + own}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(request.encode())
        status = wire.recv(64).split(b" ")[1]
    assert (status == b"101") is let_in

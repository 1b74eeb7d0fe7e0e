"""What every channel does with every way in which a platform can say no.

How a recording is built: tests/fixtures/listeners/README.md.
"""

import base64
import json
import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from earmark_core.errors import ListenerError, Malformed, Rejected, Unavailable

PAGE = {"text": "<!doctype html><html><body>Log in</body></html>", "type": "text/html"}


@pytest.fixture(params=["first poll", "later poll"])
def since(request, over_http):
    """A poll must keep its promises from nothing and from a cursor."""
    return None if request.param == "first poll" else over_http.cursor()


def no(status: int, **more: Any) -> dict[str, Any]:
    return {"status": status, "text": '{"error": "no"}', **more}


def limited(now: datetime) -> dict[str, tuple[dict[str, Any], float | None]]:
    """Every form of "slower": what the platform answers, and the seconds it asks for."""
    then = now.astimezone(UTC) + timedelta(minutes=7)
    epoch = int(then.timestamp())
    google = {"error": {"code": 403, "message": "no", "errors": [{"reason": "quotaExceeded"}]}}
    meta = {"error": {"message": "no", "type": "OAuthException", "code": 4, "fbtrace_id": "A"}}
    usage = '{"1":[{"call_count":100,"estimated_time_to_regain_access":7}]}'
    day = datetime.fromisoformat("2026-03-03T08:00:00Z") - now.astimezone(UTC)
    return {
        "seconds": (no(429, headers={"Retry-After": "420"}), 420),
        "HTTP date": (
            no(429, headers={"Retry-After": then.strftime("%a, %d %b %Y %H:%M:%S GMT")}), 420),
        "ISO reset": (no(429, headers={"X-RateLimit-Reset": f"{then:%Y-%m-%dT%H:%M:%S.000000Z}"}),
                      420),
        "seconds left": (no(429, headers={"x-ratelimit-remaining": "0.0",
                                          "x-ratelimit-reset": "420"}), 420),
        "epoch": (no(429, headers={"x-rate-limit-reset": str(epoch)}), 420),
        "epoch in ms": (no(429, headers={"X-RateLimit-Reset": str(epoch * 1000)}), 420),
        "IETF": (no(429, headers={"ratelimit-remaining": "0", "ratelimit-reset": str(epoch)}), 420),
        "Apple": (no(429, headers={"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:0;"}), None),
        "Discord": ({"status": 429, "json": {"message": "slow", "retry_after": 420.0}}, 420),
        "Discourse": ({"status": 429, "json": {"errors": ["slow"],
                                               "extras": {"wait_seconds": 420}}}, 420),
        "GitHub": ({"status": 403, "json": {"message": "You have exceeded a secondary rate limit"},
                    "headers": {"retry-after": "420"}}, 420),
        "GitHub, no time": (
            {"status": 403, "json": {"message": "You have exceeded a secondary rate limit"}}, None),
        "Google's day": ({"status": 403, "json": google}, day.total_seconds()),
        "Meta": ({"status": 400, "json": meta, "headers": {"X-Business-Use-Case-Usage": usage}},
                 420),
        "Stack Exchange": ({"status": 400, "json": {"error_id": 502, "error_message": "x"}}, None),
        "a page": (no(429) | {"text": "<html>slow down</html>", "type": "text/html",
                              "headers": {"retry-after": "420"}}, 420),
        "nothing": (no(429), None),
    }  # fmt: skip


FORMS = list(limited(datetime(2026, 3, 2, 9, tzinfo=UTC)))


@pytest.mark.parametrize("form", FORMS)
def test_rate_limit_is_one_in_every_form_and_gives_the_wait(over_http, since, form):
    answer, seconds = limited(over_http.now)[form]
    if "json" in answer and not over_http.script.get("is_json", True):
        return  # such a body is no answer of a platform that speaks no JSON
    with pytest.raises(Unavailable) as caught:
        over_http.poll(over_http.faulty(answer), since)
    assert caught.value.rate_limited
    if seconds is None:
        assert caught.value.retry_after is None
    else:
        assert caught.value.retry_after == timedelta(seconds=min(seconds, 86_400))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusal_waits_for_a_person(over_http, since, status):
    over_http.differs(status)
    with pytest.raises(Rejected):
        over_http.poll(over_http.faulty(no(status)), since)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_over_there_is_tried_later(over_http, since, status):
    over_http.differs(status)
    with pytest.raises(Unavailable) as caught:
        over_http.poll(over_http.faulty(no(status)), since)
    assert not caught.value.rate_limited


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_broken_connection_is_tried_later(over_http, since, error):
    def broken(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    with pytest.raises(Unavailable):
        over_http.poll(broken, since)


def test_unreadable_answer_is_never_an_empty_poll(over_http, since):
    for body in over_http.malformed:
        with pytest.raises((Malformed, Unavailable)):
            over_http.poll(over_http.faulty({"status": 200, **body}), since)


def test_html_where_data_is_due_is_never_an_empty_poll(over_http, since):
    with pytest.raises((Malformed, Unavailable)):
        over_http.poll(over_http.faulty({"status": 200, **PAGE}), since)


def test_page_that_refuses_is_never_an_empty_poll(over_http, since):
    """Where JSON is due, a page with 403 is a protection before the API: it passes."""
    with pytest.raises(ListenerError) as caught:
        over_http.poll(over_http.faulty({"status": 403, **PAGE}), since)
    is_json = over_http.script.get("is_json", True)
    assert isinstance(caught.value, Unavailable) or not is_json


@pytest.mark.parametrize("turn", [1, 2, 10**6], ids=["same", "A, B, A", "endless"])
def test_platform_that_never_ends_is_left(over_http, since, turn):
    platform = over_http.always(over_http.script["endless"], turn)
    for batch in over_http.poll(platform, since):
        found = [item.external_id for item in batch.items]
        assert len(found) == len(set(found))


def test_secret_is_sent_and_never_shown(over_http, token, caplog):
    caplog.set_level(logging.DEBUG)
    if not over_http.uses_token:
        return  # nothing marked is in play: a platform's own words are not ours to hide
    platform = over_http.platform(0)
    batches = over_http.poll(platform)
    assert token in "".join(sent_in(r) for r in platform.requests), "no secret was sent"
    echo = {"text": json.dumps({"error": f"the token {token} is not valid"})}
    shown = []
    for status in (400, 401, 403, 422, 429, 500, 200):
        try:
            over_http.poll(over_http.faulty({"status": status, **echo}))
        except ListenerError as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error) + str(error))
    assert shown
    assert token not in "".join(shown)
    assert token not in repr(batches)
    assert token not in caplog.text


def sent_in(request: httpx.Request) -> str:
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    clear = base64.b64decode(pair).decode() if kind == "Basic" else ""
    return f"{request.url}{request.headers.raw}{clear}{request.content.decode('utf-8', 'replace')}"

"""Every form in which a platform says "slower" comes out as one signal."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Rejected, Unavailable
from earmark_core.rates import RateSignal, pause_after, signal_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)  # in California, in winter
EPOCH = int(NOW.timestamp())


def answer(status=200, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Answer(status, named, raw, "https://a.test/x", "GET", NOW)


def google(reason, status=403):
    return {"error": {"code": status, "message": "no", "errors": [{"reason": reason}]}}


def meta(code, status="OAuthException"):
    return {"error": {"message": "no", "type": status, "code": code, "fbtrace_id": "A1"}}


@pytest.mark.parametrize(
    ("one", "signal"),
    [
        (
            answer(x_ratelimit_remaining="299", x_ratelimit_reset="2026-03-02T09:05:00.212100Z"),
            RateSignal(299, NOW + timedelta(seconds=300.2121)),
        ),
        (
            answer(x_ratelimit_remaining="9324.0", x_ratelimit_reset="58"),
            RateSignal(9324, NOW + timedelta(seconds=58)),
        ),
        (
            answer(ratelimit_remaining="0", ratelimit_reset=str(EPOCH + 90)),
            RateSignal(0, NOW + timedelta(seconds=90)),
        ),
        (
            answer(x_rate_limit_remaining="3", x_rate_limit_reset=str(EPOCH + 900)),
            RateSignal(3, NOW + timedelta(minutes=15)),
        ),
        (
            answer(
                x_ratelimit_remaining="29",
                x_ratelimit_reset=str((EPOCH + 60) * 1000),
                x_ratelimit_resource="search",
            ),
            RateSignal(29, NOW + timedelta(minutes=1), scope="search"),
        ),
        (
            answer(x_rate_limit="user-hour-lim:3500;user-hour-rem:500;"),
            RateSignal(500, scope="user-hour"),
        ),
        (
            answer(x_app_usage='{"call_count":28,"total_time":95,"total_cputime":25}'),
            RateSignal(5, scope="percent"),
        ),
        (
            answer(
                x_business_use_case_usage='{"17": [{"type":"pages","call_count":100,'
                '"total_time":4,"estimated_time_to_regain_access":19}]}'
            ),
            RateSignal(0, retry_after_seconds=1140, scope="percent"),
        ),
        (answer(retry_after="30"), RateSignal(retry_after_seconds=30)),
        (answer(429, {"retry_after": 1.5}), RateSignal(retry_after_seconds=1.5)),
        (
            answer(429, {"ok": False, "parameters": {"retry_after": 8}}),
            RateSignal(retry_after_seconds=8),
        ),
        (
            answer(429, {"errors": ["slow"], "extras": {"wait_seconds": 17}}),
            RateSignal(retry_after_seconds=17),
        ),
        (answer(403, google("quotaExceeded")), RateSignal(0, MIDNIGHT, None, "daily quota")),
        (answer(403, google("rateLimitExceeded")), RateSignal(0, scope="rate")),
        (answer(), RateSignal()),
        (answer(x_app_usage="rubbish", x_ratelimit_reset="soon"), RateSignal()),
    ],
)
def test_one_signal_from_every_form(one, signal):
    assert signal_of(one) == signal


def test_what_a_good_answer_says_is_heard():
    said = {"items": [], "quota_remaining": 290, "backoff": 10}
    signal = signal_of(answer(200), said)
    assert signal.remaining == 290
    assert pause_after(signal, NOW) == timedelta(seconds=12)
    assert pause_after(signal_of(answer(x_ratelimit_remaining="1")), NOW) is None
    last = answer(x_ratelimit_remaining="0.0", x_ratelimit_reset="58")
    assert pause_after(signal_of(last), NOW) == timedelta(seconds=58)


SLOWER = {
    "google day": (answer(403, google("quotaExceeded")), timedelta(hours=23)),
    "google minute": (answer(403, google("userRateLimitExceeded")), None),
    "google 429": (
        answer(429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "x/RetryInfo", "retryDelay": "30s"}]}}),
        timedelta(seconds=30),
    ),
    "google 429 per day": (
        answer(429, {"error": {"status": "RESOURCE_EXHAUSTED", "details": [
            {"metadata": {"quota_limit": "RequestsPerDay"}}]}}),
        timedelta(hours=23),
    ),
    "meta app": (answer(400, meta(4)), None),
    "meta page": (answer(403, meta(32)), None),
    "meta business": (
        answer(400, meta(80001), x_business_use_case_usage='{"1":[{"call_count":100,'
               '"estimated_time_to_regain_access":5}]}'),
        timedelta(minutes=5),
    ),
    "github secondary": (
        answer(403, {"message": "You have exceeded a secondary rate limit."}), None
    ),
    "github primary": (
        answer(403, {"message": "no"}, x_ratelimit_remaining="0",
               x_ratelimit_reset=str(EPOCH + 60)),
        timedelta(minutes=1),
    ),
    "stack 400": (answer(400, {"error_id": 502, "error_name": "throttle_violation",
                               "error_message": "too many requests from this IP, more requests "
                               "available in 70 seconds"}), timedelta(seconds=72)),
    "stack 502": (answer(502, {"error_id": 502}), None),
    "reddit page": (answer(429, b"<html>slow</html>", retry_after="4"), timedelta(seconds=4)),
    "lemmy": (answer(400, {"error": "rate_limit_error"}), None),
    "x old": (answer(429, {"errors": [{"code": 88}]}), None),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOWER)
def test_slower_is_never_taken_for_no(name):
    one, wait = SLOWER[name]
    with pytest.raises(Unavailable) as raised:
        one.checked()
    assert raised.value.rate_limited
    assert raised.value.retry_after == wait
    assert one.fault() is Fault.rate


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (answer(401), Fault.auth),
        (answer(400, meta(190)), Fault.auth),
        (answer(400, {"error": "ExpiredToken", "message": "Token has expired"}), Fault.auth),
        (answer(400, {"error": "invalid_grant"}), Fault.auth),
        (answer(400, {"error": "not_logged_in"}), Fault.auth),  # Lemmy
        (answer(403, google("commentsDisabled")), Fault.forbidden),
        (answer(403, {"message": "Resource not accessible"}), Fault.forbidden),
        (answer(400, meta(100)), Fault.invalid),
        (answer(400, {"error_id": 400, "quota_remaining": 12}), Fault.invalid),
        (answer(404), Fault.not_found),
        (answer(410), Fault.not_found),
        (answer(422), Fault.invalid),
    ],
)
def test_a_no_says_what_kind_it_is(one, fault):
    with pytest.raises(Rejected) as raised:
        one.checked()
    assert raised.value.fault is fault
    assert one.fault() is fault


def test_only_a_day_s_quota_may_ask_for_more_than_six_hours():
    far = NOW + timedelta(days=9)
    assert RateSignal(reset_at=far).wait(NOW) == timedelta(hours=6)
    assert RateSignal(reset_at=far, scope="daily quota").wait(NOW) == timedelta(hours=24)
    assert RateSignal(reset_at=NOW - timedelta(days=9)).wait(NOW) == timedelta(seconds=1)
    assert RateSignal(retry_after_seconds=1e300).wait(NOW) == timedelta(hours=6)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "code", "type", "errors", "details", "reason", "backoff",
                         "retry_after", "extras", "wait_seconds", "parameters", "error_id",
                         "metadata", "retryDelay", "message", "status"]) | st.text(), inner),
)  # fmt: skip


@given(ANYTHING, st.sampled_from([200, 400, 403, 429, 503]), st.text())
def test_no_body_and_no_header_breaks_the_reading(body, status, header):
    headers = {"x-app-usage": header, "x-rate-limit": header, "retry-after": header}
    raw = json.dumps(body).encode()
    one = Answer(status, headers, raw, "https://a.test", "GET", NOW)
    wait = signal_of(one, body).wait(NOW)
    assert wait is None or timedelta(seconds=1) <= wait <= timedelta(hours=24)
    one.fault()

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.answer import Answer
from earmark_core.errors import Interrupted, ListenerError, Malformed, Rejected, Unavailable

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def answer(status=200, body=b"{}", method="GET", wants_json=False, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status, named, body, "https://a.test/x?token=sesame", method, NOW, wants_json=wants_json
    )


def error(*args, **headers) -> ListenerError:
    with pytest.raises(ListenerError) as raised:
        answer(*args, **headers).checked("the source")
    return raised.value


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299, 304])
def test_a_success_is_given_back(status):
    one = answer(status)
    assert one.checked() is one


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, Rejected, "moved"),
        (400, Rejected, "refuses"),
        (401, Rejected, "credentials"),
        (403, Rejected, "forbids"),
        (404, Rejected, "gone"),
        (410, Rejected, "gone for good"),
        (422, Rejected, "refuses"),
        (408, Unavailable, "cannot answer"),
        (429, Unavailable, "fewer requests"),
        (500, Unavailable, "cannot answer"),
        (503, Unavailable, "cannot answer"),
        (599, Unavailable, "cannot answer"),
    ],
)
def test_each_status_says_what_is_to_be_done(status, kind, words):
    raised = error(status)
    assert type(raised) is kind
    assert words in str(raised)
    assert str(raised).startswith("the source: ")
    assert getattr(raised, "rate_limited", False) is (status == 429)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_server_error_leaves_open_whether_a_change_was_made(status):
    assert type(error(status, b"", "POST")) is Interrupted
    assert type(error(status, b"", "GET")) is Unavailable
    assert type(error(429, b"", "POST")) is Unavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"Retry_After": " 7 "}, 7),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "Mon, 02 Mar 2026 09:05:00 GMT"}, 300),
        ({"retry_after": "Mon, 02 Mar 2026 10:05:00 +0100"}, 300),
        ({"retry_after": "Sun, 01 Mar 2026 09:05:00 GMT"}, 1),
        ({"retry_after": "Mon, 02 Mar 2036 09:05:00 GMT"}, 21_600),
        ({"retry_after": "315360000"}, 21_600),
        ({"retry_after": "999999999999999999"}, 21_600),
        ({"retry_after": "abc"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
        ({}, None),
        ({"x_ratelimit_reset": "2026-03-02T09:01:00.212100Z"}, 60.2121),
        ({"x_ratelimit_reset": "2026-03-02T08:01:00Z"}, 1),
        ({"x_ratelimit_reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"x_ratelimit_reset": str((int(NOW.timestamp()) + 90) * 1000)}, 90),
        ({"x_rate_limit_reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"ratelimit_reset": "58"}, 58),
        ({"x_ratelimit_reset": "240.0"}, 240),
        ({"x_ratelimit_reset": "soon"}, None),
        ({"retry_after": "9", "x_ratelimit_reset": "240"}, 9),
        ({"retry_after": "abc", "x_ratelimit_reset": "240"}, 240),
    ],
)
def test_the_wait_that_was_asked_for_is_obeyed_within_reason(headers, seconds):
    wait = None if seconds is None else timedelta(seconds=seconds)
    for status in (429, 503):
        assert error(status, **headers).retry_after == wait


@given(st.text(), st.text())
def test_no_header_breaks_the_reading_of_a_wait(first, second):
    headers = {"retry-after": first, "x-ratelimit-reset": second, "x-any": second}
    one = Answer(429, headers, b"", "https://a.test", "GET", NOW)
    assert timedelta(seconds=1) <= (one.retry_after() or timedelta(seconds=1)) <= timedelta(hours=6)


def test_a_limit_that_is_used_up_is_no_refusal():
    raised = error(403, x_ratelimit_remaining="0", x_ratelimit_reset="60")
    assert isinstance(raised, Unavailable)
    assert raised.rate_limited
    assert raised.retry_after == timedelta(seconds=60)
    assert isinstance(error(403, x_ratelimit_remaining="12"), Rejected)


PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.mark.parametrize(
    "one",
    [
        answer(body=PAGE, content_type="text/html; charset=utf-8"),
        answer(body=b"  \n" + PAGE, content_type="application/json"),
        answer(body=b"\xef\xbb\xbf" + PAGE),
        answer(body=b"", content_type="text/html"),
    ],
)
def test_a_web_page_is_not_the_api(one):
    with pytest.raises(Unavailable, match="this is not the API") as raised:
        one.json()
    assert raised.value.retry_after == timedelta(minutes=10)
    assert "sesame" not in str(raised.value)


def test_a_page_that_refuses_where_json_is_due_is_not_the_api_either():
    assert isinstance(error(403, PAGE, wants_json=True, content_type="text/html"), Unavailable)
    assert isinstance(error(403, PAGE, content_type="text/html"), Rejected)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1 column 2"),
        (b"{} trailing", "Extra data"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "too long"),
        (b"[" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b'["\xff\xfe"]', "no text"),
        (b"\x00\x01\x02", "JSON"),
    ],
)
def test_what_is_no_json_is_malformed(body, words):
    with pytest.raises(Malformed, match=words) as raised:
        answer(body=body).json()
    assert "sesame" not in str(raised.value)


def test_json_is_read_in_every_encoding_it_comes_in():
    value = {"a": ["é", 1, 2.5, None, 2**70]}
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert answer(body=json.dumps(value, ensure_ascii=False).encode(encoding)).json() == value
    assert answer(body=b'"\\ud83d"').json() == "\ud83d"


@given(st.binary())
def test_no_body_makes_reading_fail_otherwise(body):
    with suppress(Malformed, Unavailable):
        answer(body=body).json()


def test_what_the_source_says_is_shown_short_and_without_secrets():
    body = json.dumps({"error": "bad\u001b[31m query", "access_token": "sesame"}).encode()
    said = str(error(400, body))
    assert "bad" in said
    assert "sesame" not in said
    assert len(str(error(400, b"x" * 100_000))) < 400


def test_a_repr_shows_no_secret():
    shown = repr(answer(set_cookie="sesame", body=b"sesame"))
    assert "sesame" not in shown
    assert "a.test" in shown

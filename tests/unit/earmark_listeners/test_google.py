"""What Google's refusals say, whatever form they have."""

import json

import pytest

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Rejected
from earmark_listeners.google import details, judge, reasons


def answer(said, status=403):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Answer(status, {"content-type": "application/json"}, body, "https://api.example/x")


def test_reasons_stand_in_errors_and_in_details():
    error = {"errors": [{"reason": "old"}, "odd", {"reason": None}], "details": [{"reason": "new"}]}
    assert reasons(answer({"error": error})) == {"old", "new"}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>",
        b"{",
        b"null",
        [],
        {"error": "no"},
        {"error": {"errors": "no"}},
        {"error": {}},
    ],
)
def test_what_names_no_reason_has_none(said):
    assert reasons(answer(said)) == frozenset()
    judge(answer(said), "x")


def test_a_success_is_no_refusal():
    assert details(answer({"error": {"errors": [{"reason": "keyInvalid"}]}}, 200)) == []


@pytest.mark.parametrize(
    ("reason", "fault"),
    [("keyInvalid", Fault.auth), ("API_KEY_INVALID", Fault.auth),
     ("SERVICE_DISABLED", Fault.forbidden), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", Fault.auth)],
)  # fmt: skip
def test_what_a_person_must_mend_is_said_in_words(reason, fault):
    with pytest.raises(Rejected) as caught:
        judge(answer({"error": {"details": [{"reason": reason}]}}), "my source")
    assert caught.value.fault is fault
    assert caught.value.hint
    assert caught.value.subject == "my source"


@pytest.mark.parametrize("reason", ["quotaExceeded", "rateLimitExceeded", "forbidden"])
def test_the_rest_is_left_to_the_status(reason):
    judge(answer({"error": {"errors": [{"reason": reason}]}}), "x")

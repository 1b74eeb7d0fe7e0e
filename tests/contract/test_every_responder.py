"""What every channel that answers promises; see tests/fixtures/listeners/README.md, "reply"."""

import traceback

import httpx
import pytest

from earmark_core.errors import (
    EarmarkError,
    ListenerError,
    Rejected,
    ReplyError,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_listeners.contract import Gone, Sent, Target
from earmark_listeners.registry import channel

PAGE = {"text": "<!doctype html><html><body>Log in</body></html>", "type": "text/html"}


def handed_over(answering, platform):
    return [request for request in platform.requests if answering.hits(request)]


def on_send(answering, answer):
    """The platform of `send`, where the reply itself meets *answer*."""
    return answering.platform("send", answering.script["send"]["on"] | answer)


def test_the_target_is_read_again(any_answering):
    found = any_answering.target(any_answering.platform("target"))
    assert isinstance(found, Target)
    assert found.text == any_answering.script["target"]["text"]


def test_a_target_that_is_gone_is_told(any_answering):
    if "refused" in any_answering.script["gone"]:  # it is missing, yet nobody took it back
        with pytest.raises(ReplyRefused):
            any_answering.target(any_answering.platform("gone"))
        return
    assert isinstance(any_answering.target(any_answering.platform("gone")), Gone)


def test_a_target_that_cannot_be_read_now_is_not_gone(answering):
    for status in (429, 500, 503):
        platform = answering.platform("target", {"status": status, "text": '{"error": "no"}'})
        with pytest.raises(Unavailable):
            answering.target(platform)


def test_a_reply_is_sent_once(any_answering):
    platform = any_answering.platform("send")
    sent = any_answering.send(platform)
    assert sent == Sent(**any_answering.script["send"]["sent"])
    if "on" in any_answering.script["send"]:
        assert len(handed_over(any_answering, platform)) == 1


def test_our_own_reply_is_found_and_nothing_is_sent(any_answering):
    if "unsure" in any_answering.script["find"]:  # it cannot be looked for: a person has to
        with pytest.raises(ReplyUnknown):
            any_answering.find(any_answering.platform("find"))
        return
    platform = any_answering.platform("find")
    found = any_answering.find(platform)
    assert isinstance(found, Sent)
    assert found.remote_id == any_answering.script["send"]["sent"]["remote_id"]
    if "on" in any_answering.script["send"]:
        assert handed_over(any_answering, platform) == []


def test_what_is_not_there_is_not_found(any_answering):
    if "unsure" in any_answering.script["find"]:
        assert "absent" not in any_answering.script
        return
    assert any_answering.find(any_answering.platform("absent")) is None


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_look_that_fails_is_never_a_reply_that_is_not_there(answering, status):
    answer = {"status": status, "text": '{"error": "no"}'}
    with pytest.raises(EarmarkError):
        answering.find(answering.platform("find", answer))


def test_a_page_in_place_of_an_answer_is_never_a_reply_that_is_not_there(answering):
    with pytest.raises(EarmarkError):
        answering.find(answering.platform("find", PAGE))


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_no_to_the_reply_goes_back_to_a_person(answering, status):
    answering.recording.differs(f"reply {status}")
    with pytest.raises(ReplyRefused):
        answering.send(on_send(answering, {"status": status, "text": '{"error": "no"}'}))


def test_the_platform_s_own_refusals_go_back_to_a_person(answering):
    for answer in answering.script.get("refusals", {}).values():
        with pytest.raises(ReplyRefused):
            answering.send(on_send(answering, answer))


def test_a_login_that_ran_out_is_the_source_s_fault_not_the_reply_s(answering):
    with pytest.raises(Rejected):
        answering.send(on_send(answering, {"status": 401, "text": '{"error": "no"}'}))


def test_a_limit_is_waited_for(answering):
    answer = {"status": 429, "text": '{"error": "no"}', "headers": {"Retry-After": "420"}}
    with pytest.raises(Unavailable) as caught:
        answering.send(on_send(answering, answer))
    assert caught.value.rate_limited
    assert caught.value.retry_after is not None


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failure_over_there_leaves_open_whether_it_was_taken(answering, status):
    with pytest.raises(doubt(answering)):
        answering.send(on_send(answering, {"status": status, "text": '{"error": "no"}'}))


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_a_line_that_breaks_leaves_open_whether_it_was_taken(answering, error):
    platform = answering.platform("send")

    def breaking(request: httpx.Request) -> httpx.Response:
        if answering.hits(request):
            raise error("broken", request=request)
        return platform(request)

    with pytest.raises(doubt(answering)):
        answering.send(breaking)


@pytest.mark.parametrize(
    "answer", [PAGE, {"text": '{"half": '}, {"text": "null"}], ids=["page", "cut off", "null"]
)
def test_an_answer_that_cannot_be_read_leaves_open_whether_it_was_taken(answering, answer):
    try:
        sent = answering.send(on_send(answering, {"status": 200, **answer}))
    except ReplyUnknown:
        return
    except Unavailable:
        assert answering.script.get("is_idempotent"), "it may have been taken"
        return
    assert isinstance(sent, Sent)
    assert answer is not PAGE, "a page is no proof that it was taken"


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError])
def test_a_look_before_sending_that_breaks_proves_that_nothing_was_sent(answering, error):
    platform = answering.platform("send")
    seen = []

    def breaking(request: httpx.Request) -> httpx.Response:
        if not answering.hits(request):
            seen.append(request)
            raise error("broken", request=request)
        return platform(request)

    raised = None
    try:
        answering.send(breaking)
    except EarmarkError as error:
        raised = error
    if not handed_over(answering, platform):
        assert isinstance(raised, Unavailable)
        assert not isinstance(raised, ReplyError)
    assert len(seen) <= 10


def test_no_error_of_a_reply_shows_the_secret(answering, token):
    if not answering.recording.uses_token:
        return  # nothing marked is in play
    echo = {"text": f'{{"error": "the token {token} is not valid", "message": "{token}"}}'}
    shown = []
    for status in (400, 401, 403, 422, 429, 500):
        try:
            answering.send(on_send(answering, {"status": status, **echo}))
        except (ListenerError, ReplyError) as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error))
    assert shown
    assert token not in "".join(shown)


def test_the_recorded_reply_fits_the_channel_s_own_rules(any_answering):
    rules = channel(any_answering.recording.channel).rules
    assert rules.misfit(any_answering.script["text"]) == ""
    if rules.max_length is not None:
        assert rules.misfit("x" * rules.max_length) == ""
        assert rules.misfit("x" * (rules.max_length + 1))


def doubt(answering):
    """What may have been taken is unknown; what can be sent again safely may be tried later."""
    is_safe = answering.script.get("is_idempotent", False)
    return (ReplyUnknown, Unavailable) if is_safe else ReplyUnknown

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.logs import ConsoleFormatter, JsonFormatter, register_secret, setup
from earmark_core.redact import redact

LOGGER = logging.getLogger("earmark.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def heard():
    """Gives a function that says what the log holds after it was used."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    streams: list[io.StringIO] = []

    def start(stream=None, level="DEBUG"):
        streams.append(stream or io.StringIO())
        setup(level, streams[-1])
        return streams[-1]

    yield start
    root.setLevel(level)
    root.handlers = handlers


def test_a_record_is_one_json_line(heard):
    stream = heard()
    LOGGER.info("polled %s", "feed 3", extra={"source_id": 3, "items": [1, 2]})
    line = json.loads(stream.getvalue())
    assert line["level"] == "info"
    assert line["logger"] == "earmark.test"
    assert line["message"] == "polled feed 3"
    assert line["source_id"] == 3
    assert line["items"] == [1, 2]
    assert line["time"].endswith("+00:00")


NASTY = 'x\n{"level": "critical"}\r\x1b[31m\x9b\u2028\u202e\x00\ud800"'


def only_ours() -> None:
    """Keeps half characters from pytest's own record, which cannot be sent to another process."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if handler.get_name() == "earmark"]


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_nothing_a_stranger_wrote_forges_a_line(heard, stream):
    out = heard(stream())
    only_ours()
    LOGGER.warning("handle %s", NASTY, extra={"handle": NASTY})
    text = out.getvalue()
    assert len(text.splitlines()) == 1
    assert text.endswith("\n")
    assert not set(text[:-1]) & set("\n\r\x1b\x9b\u2028\u202e\x00\ud800")


@given(st.text(st.characters(exclude_categories=())))
def test_every_string_can_be_logged(text):
    kept = logging.getLogger().handlers
    for stream in (io.StringIO(), Terminal()):
        setup("INFO", stream)
        only_ours()
        LOGGER.info("%s", text)
        LOGGER.info(text)
        assert len(stream.getvalue().splitlines()) == 2
    logging.getLogger().handlers = [each for each in kept if each.get_name() != "earmark"]


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter()])
def test_arguments_that_do_not_fit_are_still_heard(formatter):
    record = logging.makeLogRecord({"msg": "%d items of %s", "args": ("three",)})
    assert "three" in formatter.format(record)


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_traceback_is_kept_and_its_secrets_are_not(heard, stream):
    register_secret('sesame-"9"\\x')
    out = heard(stream())
    said = 'https://a.test/?token=sesame-1 sesame-"9"\\x\nERROR forged'
    try:
        raise ValueError(said)
    except ValueError:
        LOGGER.exception("failed")
    text = out.getvalue()
    assert "Traceback" in text
    assert "ValueError" in text
    assert "sesame" not in text
    assert not [row for row in text.split("\n") if row.startswith("ERROR")]


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_secrets_are_gone_wherever_they_stand(heard, stream):
    register_secret("sesame-2/+ x")
    out = heard(stream())
    LOGGER.info("token is sesame-2/+ x, quoted sesame-2%2F%2B%20x")
    LOGGER.info("GET https://ann:sesame@a.test/x?a=1&access_token=sesame&b=2#key=sesame")
    LOGGER.info("sent %s", {"Authorization": "Bearer sesame-abcdef"})
    LOGGER.info(
        "x",
        extra={"api_key": "sesame", "deep": {"client_secret": "sesame", "all": ["sesame-2/+ x"]}},
    )
    text = out.getvalue()
    assert "sesame" not in text
    assert "a=1" in text
    assert "b=2" in text
    assert "a.test/x" in text


def test_http_clients_are_silent_about_the_urls_they_ask(heard):
    stream = heard(level="DEBUG")
    for name in ("httpx", "httpcore.connection", "aiohttp.client"):
        logging.getLogger(name).info("HTTP Request: GET https://a.test/?q=private")
        logging.getLogger(name).warning("trouble")
    assert "private" not in stream.getvalue()
    assert stream.getvalue().count("trouble") == 3


def test_the_last_setup_counts(heard):
    first, second = heard(), heard(level="WARNING")
    LOGGER.info("quiet")
    LOGGER.warning("loud")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://a.test/?page=2&author=ann&keyword=x&country=de",
        "a poll of 3 sources took 2.5 s; see docs/basic.md",
        "mail ann@a.test about 10:30",
        '{"title": "no secret here", "count": 3}',
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://a.test/?token=sesame",
        "https://a.test/?X-Amz-Signature=sesame",
        "https://a.test/?%74oken=sesame",
        "https://a.test/cb?code=sesame&state=1",
        "https://api.a.test/bot123:sesame/getUpdates",
        "postgresql://ann:sesame@db.test/earmark",
        "Authorization: Basic sesame==",
        '{"refresh_token": "sesame"}',
        "{'password': 'sesame'}",
    ],
)
def test_what_looks_like_a_secret_goes(text):
    assert "sesame" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize("weak", ["pass", "token", "signature"])
def test_a_secret_that_is_an_ordinary_word_does_not_hide_the_others(weak, monkeypatch):
    monkeypatch.setattr("earmark_core.redact._known", {})
    register_secret(weak)
    said = redact("{'password': 'sesame', 'token': 'sesame', 'signature': 'sesame'}")
    assert "sesame" not in said
    assert weak not in redact(f"logged in with {weak}")


@given(st.text(st.characters(exclude_categories=())))
def test_redacting_never_fails(text):
    redact(text)


def test_a_scheduler_that_ticks_each_second_is_not_heard_unless_it_fails(heard):
    stream = heard(level="INFO")
    ticks = logging.getLogger("apscheduler.executors.default")
    ticks.info('Job "understand" executed successfully')
    logging.getLogger("apscheduler.scheduler").warning("skipped: maximum number of instances")
    assert stream.getvalue() == ""
    ticks.error('Job "understand" raised an exception')
    assert "raised an exception" in stream.getvalue()

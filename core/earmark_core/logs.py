"""What the product tells whoever runs it: JSON lines, or plain lines on a terminal.

Nothing that a stranger wrote can forge a line or colour a terminal, and no known or token-like
secret gets through, tracebacks included.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from earmark_core.redact import redact, register_secret

__all__ = ["ConsoleFormatter", "JsonFormatter", "register_secret", "setup"]

_HANDLER: Final = "earmark"
# From which level libraries are heard: clients write whole URLs at INFO, and the scheduler two
# lines for every tick, and a warning for each that is left out while the last one still runs.
_CHATTY: Final = {
    **dict.fromkeys(("httpx", "httpcore", "aiohttp", "urllib3", "hpack"), logging.WARNING),
    "alembic": logging.WARNING,
    "apscheduler": logging.ERROR,
}
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
}
# Controls, line separators, bidi controls and surrogates: all that could pass for more than text.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class _Redacting(logging.Formatter):
    """Reads a record; whatever it yields is already without secrets."""

    def said(self, record: logging.LogRecord) -> str:
        try:
            return redact(record.getMessage())
        except (TypeError, ValueError, KeyError):  # arguments that do not fit their format
            return redact(f"{record.msg} {record.args!r}")

    def trace(self, record: logging.LogRecord) -> str:
        parts = []
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return redact("\n".join(parts))

    @staticmethod
    def extras(record: logging.LogRecord) -> dict[str, Any]:
        return {
            key: _redacted(value, key)
            for key, value in record.__dict__.items()
            if key not in _STANDARD and not key.startswith("_")
        }


class JsonFormatter(_Redacting):
    """One JSON object a line: time (UTC), level, logger, message, what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Gives the line, without its newline; everything but ASCII is escaped."""
        line: dict[str, Any] = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.said(record),
        }
        line.update({k: v for k, v in self.extras(record).items() if k not in line})
        trace = self.trace(record)
        if trace:
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=True, allow_nan=True)


class ConsoleFormatter(_Redacting):
    """One readable line; control characters are shown escaped, a traceback stands indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Gives the line, with the lines of a traceback after it."""
        extras = " ".join(f"{k}={v}" for k, v in self.extras(record).items())
        parts = (
            f"{_moment(record):%H:%M:%S}",
            f"{record.levelname.lower():<8}",
            _visible(f"{record.name}: {self.said(record)}"),
            _visible(extras),
        )
        lines = [" ".join(parts).rstrip()]
        lines += [f"    | {_visible(row)}" for row in self.trace(record).split("\n") if row]
        return "\n".join(lines)


def setup(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends the product's log to *stream*, standard error unless given.

    Readable lines on a terminal, else JSON lines. May be called again: the last call counts.
    HTTP clients are heard from WARNING up, since they write whole URLs at INFO; the scheduler of
    the ticks from ERROR up, since it speaks several times a second.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.set_name(_HANDLER)
    handler.setFormatter(ConsoleFormatter() if target.isatty() else JsonFormatter())
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(max(root.level, least))


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _visible(text: str) -> str:
    return _UNSAFE.sub(lambda found: ascii(found.group(0))[1:-1], text)


def _redacted(value: Any, key: str = "") -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {redact(str(k)): _redacted(v, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(one) for one in value]
    # Read as a URL parameter, so that a field named like one is hidden like one.
    return redact(f"?{key}={value}")[len(key) + 2 :] if key else redact(str(value))

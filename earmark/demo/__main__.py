"""`python -m earmark.demo`: the fake platform in a process of its own."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from earmark.demo.script import load_script
from earmark.demo.server import Story, create_app
from earmark_core.clock import system_clock

_GRACE_SECONDS = 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m earmark.demo",
        description="A fake platform with invented people, on loopback, for demo and tests.",
    )
    parser.add_argument("--port", type=int, default=8511, help="0 takes any free one")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tells the same story")
    parser.add_argument("--speed", type=_speed, default=1.0, help="2 is twice as fast")
    parser.add_argument("--state", type=Path, help="file that keeps the posts across restarts")
    parser.add_argument("--burst", type=int, default=8, help="posts right after the first poll")
    parser.add_argument(
        "--burst-after", type=float, default=8.0, help="seconds after the first poll"
    )
    parser.add_argument("--no-history", action="store_true", help="begin with nothing")
    parser.add_argument("--no-live", action="store_true", help="nobody speaks by himself")
    return parser


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1_000:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1000")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is told to stop (SIGTERM, Ctrl-C); then saves and ends."""
    asked = _parser().parse_args(argv)
    story = Story(
        seed=asked.seed, speed=asked.speed, burst=asked.burst, burst_after=asked.burst_after,
        history=not asked.no_history, live=not asked.no_live,
    )  # fmt: skip
    app = create_app(load_script(), system_clock, story=story, state=asked.state)
    uvicorn.run(
        app, host="127.0.0.1", port=asked.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())

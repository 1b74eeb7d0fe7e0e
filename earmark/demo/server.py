"""The fake platform as one ASGI app."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from earmark.demo import control, feeds, hackernews, pages, reading, writing
from earmark.demo.faults import Faults, Trouble
from earmark.demo.history import write_history
from earmark.demo.keeping import StateFile
from earmark.demo.life import People
from earmark.demo.script import Script
from earmark.demo.seat import Seat, refused
from earmark.demo.world import World
from earmark_core.clock import Clock

BRAND_TOKEN = "demo-brand-token"  # noqa: S105 - opens nothing but the fake platform on loopback
TOKENS: Mapping[str, str] = {BRAND_TOKEN: "brightcup"}
_SAVE_EVERY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Story:
    """How a platform behaves.

    *speed* 2 halves every wait. *burst* posts that need an answer come from *burst_after* seconds
    after the first listener. *history* fills the two weeks before the start; without *live*
    nobody speaks by himself. *limit* is the number of API requests in five minutes.
    """

    seed: int = 1
    speed: float = 1.0
    burst: int = 8
    burst_after: float = 8.0
    history: bool = True
    live: bool = True
    limit: int = 7_500


class _Keeper:
    """ASGI middleware: saves the world now and then after an answer."""

    def __init__(self, app: ASGIApp, *, seat: Seat) -> None:
        self.app = app
        self.seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, then saves if the last time is long enough ago."""
        await self.app(scope, receive, send)
        if scope["type"] == "http":
            self.seat.keep(at_most_every=_SAVE_EVERY_SECONDS)


def create_app(
    script: Script,
    clock: Clock,
    *,
    story: Story | None = None,
    tokens: Mapping[str, str] | None = None,
    state: Path | None = None,
) -> Starlette:
    """Gives the fake platform, as *state* has it or from the beginning.

    *tokens* maps bearer tokens to handles. The same script, story, clock and requests give the
    same answers.
    """
    story = story or Story()
    file = StateFile(state) if state is not None else None
    world = file.load(script) if file is not None else None
    if world is None:
        world = World(script, clock())
        if story.history:
            write_history(world, story.seed)
    people = People(
        script, story.seed, speed=story.speed, burst=story.burst,
        burst_after=story.burst_after, live=story.live,
    )  # fmt: skip
    seat = Seat(world, people, clock, TOKENS if tokens is None else tokens, file)
    faults = Faults()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        seat.keep()
        yield
        seat.keep()

    rooms = (control, reading, writing, feeds, hackernews, pages)
    app = Starlette(
        routes=[route for room in rooms for route in room.ROUTES],
        middleware=[
            Middleware(_Keeper, seat=seat),
            Middleware(Trouble, faults=faults, clock=clock, limit=story.limit),
        ],
        exception_handlers={HTTPException: refused},
        lifespan=lifespan,
    )
    app.state.seat, app.state.faults = seat, faults
    return app

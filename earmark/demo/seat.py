"""What every address of the fake platform needs: the world as it is now, and who is asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from earmark.demo.keeping import StateFile
from earmark.demo.life import People
from earmark.demo.script import Person
from earmark.demo.world import World
from earmark_core.clock import Clock


@dataclass(frozen=True)
class Seat:
    """The one platform behind an app; `tokens` maps a bearer token to a handle."""

    world: World
    people: People
    clock: Clock
    tokens: Mapping[str, str]
    state: StateFile | None = None

    def look(self, *, listening: bool = False) -> World:
        """Brings the world up to now and gives it; *listening* starts the live story."""
        now = self.clock()
        if listening:
            self.people.awake(self.world, now)
        self.world.advance(now, self.people)
        return self.world

    def keep(self, *, at_most_every: float = 0) -> None:
        """Saves the world where there is a file to save it to."""
        if self.state is not None:
            self.state.save(self.world, at_most_every=at_most_every)


def seat_of(request: Request) -> Seat:
    """Gives the platform that a request came to."""
    seat: Seat = request.app.state.seat
    return seat


def home_of(request: Request) -> str:
    """Gives the address the client used, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def who(request: Request, *, needed: bool = True) -> Person | None:
    """Gives whose token a request carries.

    Raises:
        HTTPException: 401 if the token is unknown, or missing where it is *needed*.
    """
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    seat = seat_of(request)
    handle = seat.tokens.get(token) if kind.casefold() == "bearer" else None
    person = seat.world.script.person(handle) if handle else None
    if person is None and (needed or token):
        raise HTTPException(401, "The access token is invalid")
    return person


def number(value: Any, default: int, highest: int) -> int:
    """Reads a count from a query: *default* where it is missing or no number."""
    try:
        return max(1, min(int(value), highest))
    except (TypeError, ValueError):
        return default


def refused(_: Request, error: Exception) -> JSONResponse:
    """Says no in Mastodon's shape."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse(
        {"error": error.detail}, status_code=error.status_code, headers=error.headers
    )

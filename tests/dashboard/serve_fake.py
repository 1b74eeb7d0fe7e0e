"""Serves the dashboard over the fakes, for tests that drive a browser; run as a program.

`/fake/<what>` lets a test change something behind the page's back.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from earmark_core.model import Actor, Role
from earmark_dashboard.server import create_app
from earmark_queue.rows import Entry
from tests.dashboard import understood
from tests.dashboard.fakes import FakeDesk, fake_services, system_now


def routes(desk: FakeDesk, begin: Callable[[], None]) -> list[Route]:
    async def reset(_request: Request) -> JSONResponse:
        begin()
        return JSONResponse("ok")

    async def log(_request: Request) -> JSONResponse:
        return JSONResponse([[str(part) for part in one] for one in desk.log])

    async def answer(request: Request) -> JSONResponse:
        case_id = int(request.query_params["case"])
        words = "And another thing: still broken."
        number = case_id * 10 + 7
        desk.add(
            case_id,
            Entry(
                "mention",
                number,
                desk.clock(),
                "They",
                words,
                label="negative",
                score_status="scored",
                compound=-0.4,
            ),
        )
        return JSONResponse("ok")

    async def another(_request: Request) -> JSONResponse:
        first = desk.cases[1000]
        number = 2000 + desk.counter
        row = replace(
            first.case,
            id=number,
            version=1,
            due_at=desk.clock() - timedelta(hours=3),
            name="Newly Arrived",
        )
        desk.cases[number] = replace(first, case=row)
        desk.counter += 1
        return JSONResponse(number)

    async def steal(request: Request) -> JSONResponse:
        desk.change(int(request.query_params["case"]), None, "Claimed by noor", owner="noor")
        return JSONResponse("ok")

    async def viewer(_request: Request) -> JSONResponse:
        desk.actor = Actor("vera", Role.viewer, 4)
        return JSONResponse("ok")

    table = (reset, log, answer, another, steal, viewer)
    return [Route(f"/fake/{run.__name__}", run) for run in table]


def main(port: int, *flags: str) -> None:
    told = {"hostile": "hostile" in flags, "own": "new" not in flags}
    desk = FakeDesk(system_now, **told)
    plain = fake_services(desk)
    app = create_app(understood.services(plain, desk) if "understood" in flags else plain)

    def begin() -> None:
        vars(desk).clear()
        vars(desk).update(vars(FakeDesk(system_now, **told)))
        if "understood" in flags:
            understood.tell(desk)

    begin()
    app._user_routes.extend(routes(desk, begin))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws="websockets-sansio")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

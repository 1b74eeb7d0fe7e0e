"""`earmark run`, and the processes it keeps alive."""

import asyncio
import os
import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from earmark import demo_access
from earmark.app import Parts, assemble
from earmark.cli.context import Config, Data, settings_file, settings_for
from earmark.engine import Embedded
from earmark.installation import free_port, note_address, only_one
from earmark.people import local_actor
from earmark.supervisor import Child, Supervisor
from earmark.worker import Worker, heartbeat_age
from earmark_config.settings import Settings
from earmark_core import logs
from earmark_core.errors import ListenerError
from earmark_core.fetch import make_fetcher
from earmark_core.model import Text

DEMO_PORT = 8590
Port = Annotated[int | None, typer.Option("--port", help="Port of the dashboard.")]
Parent = Annotated[int, typer.Option("--parent", hidden=True)]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("run")(run)
    app.command("worker", hidden=True)(worker)
    app.command("dashboard", hidden=True)(dashboard)


def run(
    data: Data = None,
    config: Config = None,
    port: Port = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Start without the demo.")] = False,
) -> None:
    """Starts pollers and dashboard, and says where the dashboard answers."""
    settings = settings_for(data, config, port=port, demo=False if no_demo else None)
    with only_one(settings.data_dir) as held:
        say("Opening the database …")
        parts = assemble(settings, create=True)
        local_actor(parts.store, parts.clock, settings.person)
        demo_port = _prepare_demo(parts)
        at = free_port(settings.host, settings.port, exactly=port is not None)
        address = f"http://{_shown(settings.host)}:{at}"
        note_address(held, address)
        children = _children(parts, settings_file(data, config), at, demo_port)
        say("Starting pollers and dashboard …")

        def ready() -> None:
            say(f"earmark is ready: {address}")
            if demo_port:
                say("It shows a demo: invented people, an invented brand. --no-demo leaves it out.")
            say("Press Ctrl-C to stop.")

        supervisor = Supervisor(children, settings.data_dir / "logs", say)
        asyncio.run(_supervise(supervisor, ready, parts))
        say("Stopped.")


async def _supervise(supervisor: Supervisor, ready: Callable[[], None], parts: Parts) -> None:
    try:
        await supervisor.run(ready)
    finally:
        await parts.aclose()


def say(line: str) -> None:
    """Tells the person at the terminal, at once even where standard output is a file."""
    typer.echo(line)
    sys.stdout.flush()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _prepare_demo(parts: Parts) -> int | None:
    """Sets the demo up on a first start; gives its port, None where there is no demo."""
    settings, store = parts.settings, parts.store
    last = demo_access.last_port(settings.data_dir)
    if not settings.demo:
        if demo_access.has_demo(store) and last:
            demo_access.point_at(store, last, on=False)
        return None
    port = free_port("127.0.0.1", last or DEMO_PORT, exactly=False)
    if demo_access.is_fresh(store):
        say("Setting up the demo …")
        demo_access.add(store, parts.clock, port)
    if not demo_access.has_demo(store):
        return None
    demo_access.note_port(settings.data_dir, port)
    demo_access.point_at(store, port, on=True)
    return port


def _children(parts: Parts, config: Path | None, port: int, demo_port: int | None) -> list[Child]:
    settings = parts.settings
    common = ["--data", str(settings.data_dir), "--parent", str(os.getpid())]
    common += ["--config", str(config)] if config else []
    children = []
    if demo_port:
        state = str(settings.data_dir / "demo-platform.json")
        children.append(
            Child(
                "demo",
                ["-m", "earmark.demo", "--port", str(demo_port), "--state", state],
                ready=lambda: answers(parts, "127.0.0.1", demo_port, "/api/v2/instance"),
            )
        )
    children.append(
        Child("worker", ["-m", "earmark", "worker", *common], ready=lambda: _beats(parts))
    )
    children.append(
        Child(
            "dashboard",
            ["-m", "earmark", "dashboard", "--port", str(port), *common],
            ready=lambda: answers(parts, settings.host, port, "/health"),
        )
    )
    return children


async def answers(parts: Parts, host: str, port: int, path: str) -> bool:
    """Tells whether an address of our own answers with success."""
    where = f"{_shown(host)}:{port}"
    door = make_fetcher(
        allow=(where,), user_agent=parts.settings.user_agent, clock=parts.clock, deadline_seconds=2
    )
    try:
        return (await door.get(f"http://{where}{path}")).status == HTTPStatus.OK
    except ListenerError:
        return False
    finally:
        await door.aclose()


async def _beats(parts: Parts) -> bool:
    age = await asyncio.to_thread(heartbeat_age, parts)
    return age is not None and age.total_seconds() < 3


def _parts_of_child(settings: Settings) -> Parts:
    logs.setup(settings.log_level, sys.stderr)
    access = demo_access.read(settings.data_dir)
    return assemble(settings, allow=access.allow, secrets=dict(access.secrets))


def worker(data: Data = None, config: Config = None, parent: Parent = 0) -> None:
    """Polls, scores, decides and delivers until told to stop."""
    parts = _parts_of_child(settings_for(data, config))

    async def body() -> None:
        try:
            work = Worker(parts, Embedded(), parent=parent)
            await work.heartbeat()  # whoever started us waits for it
            # Loading the models takes more memory for a moment than keeping them: while there is
            # nothing else, that moment is cheapest.
            parts.scorer.score_batch([Text("Is it ready?")])
            await work.run()
        finally:
            await parts.aclose()

    asyncio.run(body())


def dashboard(
    data: Data = None, config: Config = None, port: Port = None, parent: Parent = 0
) -> None:
    """Serves the pages until told to stop."""
    from earmark import serve  # Streamlit takes a second that no other command should wait for

    settings = settings_for(data, config, port=port)
    serve.dashboard(_parts_of_child(settings), parent=parent)

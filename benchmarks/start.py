"""Start: how long until a command answers, and until `earmark run` shows its first page.

Each start is a new process on an empty folder. The page counts as shown when the address that
was printed answers: first `/health`, then `/` itself.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from benchmarks.report import Print, Table, spread

_IMPORTS = (
    ("python -c pass", ("-c", "pass")),
    ("earmark version", ("-m", "earmark", "version")),
    ("import earmark.app (all parts)", ("-c", "import earmark.app")),
    ("import earmark.serve (with Streamlit)", ("-c", "import earmark.serve")),
)


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--runs", type=int, default=5, help="starts of each command")
    parser.add_argument("--pages", type=int, default=2, help="starts of `earmark run`, each way")
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for a page")


def run(chosen: Namespace, say: Print) -> None:
    """Prints a table of commands and one of first pages."""
    table = Table("Start of a command", ("command", "wall s (median)", "least", "CPU s (median)"))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in _IMPORTS}
    for _ in range(chosen.runs):
        for name, arguments in _IMPORTS:
            found[name].append(_command(arguments))
    for name, times in found.items():
        walls, cpus = zip(*times, strict=True)
        table.add(name, spread(walls)[1], min(walls), spread(cpus)[1])
    table.notes = [f"{chosen.runs} starts of each, in turns, with compiled modules."]
    say(table.text())
    if chosen.pages:
        say(_pages(chosen).text())


def _command(arguments: Sequence[str]) -> tuple[float, float]:
    began, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system
    return time.perf_counter() - began, used - before.children_user - before.children_system


def _pages(chosen: Namespace) -> Table:
    steps = ("address printed", "/health answers", "first page", "a second page", "stopped in")
    table = Table("`earmark run` on an empty folder", ("how", *steps))
    for how, extra in (("--no-demo", ["--no-demo"]), ("with the demo", [])):
        starts = [_first_page(extra, chosen.patience) for _ in range(chosen.pages)]
        table.add(
            how,
            *(statistics.median([start[step] for start in starts]) for step in range(len(steps))),
        )
    table.notes = [f"Seconds, median of {chosen.pages} starts; a page is the answer to GET /."]
    return table


def _first_page(extra: Sequence[str], patience: float) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        port = _free_port()
        command = [sys.executable, "-m", "earmark", "run", "--data", folder, "--port", str(port)]
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, *extra], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            printed: list[float] = []
            reader = threading.Thread(target=_watch, args=(process, printed, began), daemon=True)
            reader.start()
            try:
                address = f"http://127.0.0.1:{port}"
                health = _answers(f"{address}/health", process, began, patience)
                page = _answers(f"{address}/", process, began, patience)
                again = time.perf_counter()
                second = _answers(f"{address}/", process, again, patience)
                reader.join(patience)
            finally:
                ending = time.perf_counter()
                process.send_signal(signal.SIGINT)
                process.wait(timeout=30)
        stopped = time.perf_counter() - ending
        return printed[0] if printed else float("nan"), health, page, second, stopped


def _watch(process: "subprocess.Popen[str]", printed: list[float], began: float) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if "ready" in line and not printed:
            printed.append(time.perf_counter() - began)
            return


def _answers(
    address: str, process: "subprocess.Popen[str]", began: float, patience: float
) -> float:
    while process.poll() is None and time.perf_counter() - began < patience:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                answer.read()
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.02)  # another process is waited for: nothing tells when it listens
    return float("nan")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

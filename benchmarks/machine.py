"""What a figure depends on: the machine, its load, and the CPU time of a process."""

import os
import platform
import resource
import sqlite3
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def facts(extra: str = "") -> str:
    """Gives one line that tells the machine and its load of the last minute apart from others."""
    parts = [
        f"{os.cpu_count()} cores ({_processor()})",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *([extra] if extra else []),
    ]
    return ", ".join(parts)


def load() -> str:
    """Gives the load average of the last 1 and 5 minutes."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} / {five:.1f}"


def cpu() -> float:
    """Gives the CPU seconds of this process, all threads, user and system."""
    return time.process_time()


def cpu_of(pid: int) -> float:
    """Gives the CPU seconds of another process; 0 where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_megabytes() -> float:
    """Gives the most memory this process has held (resident)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_of(pid: int) -> float:
    """Gives the most memory in MB that another process has held; 0 where the system does not tell.

    What it shared with its parent before it became a program of its own does not count.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    lines = [line.split() for line in text.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) / 1024 if lines else 0.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

"""What the machine is, and what processes take of it: read from /proc, so Linux only."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

TICK: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")
LIBRARIES: Final = (
    *("starlette", "uvicorn", "uvloop", "httptools", "psycopg", "SQLAlchemy", "msgspec"),
    *("dramatiq", "stripe", "cryptography"),
)


def processor_seconds(pid: int) -> float:
    """What a process and those of its children that ended have used, in user and kernel mode."""
    return sum(map(int, _stat(pid)[11:15])) / TICK


def family(pid: int) -> list[int]:
    """A process and its living children."""
    below = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [pid, *(each for each in below if _parent(each) == pid)]


def family_seconds(pid: int) -> float:
    """What a process and all its children, living or not, have used."""
    return sum(processor_seconds(each) for each in family(pid) if _parent(each))


def seconds_of(processes: Mapping[str, int]) -> dict[str, float]:
    """The same for several, by name."""
    return {name: family_seconds(pid) for name, pid in processes.items()}


def resident_mb(pid: int) -> tuple[float, float]:
    """Memory that a process holds now and has held at most, in MB."""
    lines = dict(
        line.split(":", 1)
        for line in (PROC / str(pid) / "status").read_text().splitlines()
        if ":" in line
    )
    now, most = (int(lines[name].split()[0]) / 1000 for name in ("VmRSS", "VmHWM"))
    return now, most


def load_average() -> float:
    """How many processes wanted a core over the last minute."""
    return os.getloadavg()[0]


def description(servers: Iterable[str]) -> dict[str, str]:
    """The machine, the interpreter and the versions, by name."""
    return {
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "Memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB",
        "System": f"{platform.system()} {platform.release()}, {_grouping()}",
        "Interpreter": f"{platform.python_implementation()} {sys.version.split()[0]}, "
        f"{platform.python_compiler()}, {_build()}",
        "Servers": ", ".join(servers),
        "Libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _stat(pid: int) -> list[str]:
    try:
        # The name in parentheses may hold anything; what follows it is numbers.
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ["0"] * 44


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _processor() -> str:
    lines = (PROC / "cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _grouping() -> str:
    # A kernel that shares the cores out between sessions first lets web wait longer.
    setting = PROC / "sys/kernel/sched_autogroup_enabled"
    value = setting.read_text().strip() if setting.exists() else "not known"
    return f"kernel.sched_autogroup_enabled {value}"


def _build() -> str:
    import sysconfig

    options = str(sysconfig.get_config_var("CONFIG_ARGS"))
    return "with PGO" if "--enable-optimizations" in options else "a plain build"

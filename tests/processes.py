"""Billhook's processes as an operator runs them: started, killed, restarted, and waited for.

Each runs under a keeper (``tests/servers/keeper.py``), so that none outlives the tests.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import urllib3

from tests.servers.process import KEEPER

ROOT: Final = Path(__file__).parents[1]
PATIENCE_S: Final = 40.0
"""For whatever should happen soon: a busy machine takes its time."""
COMMAND: Final = (sys.executable, "-m", "workers.cli")
BARRED: Final = ("stripe", "paypalcheckoutsdk", "paypalhttp")
"""The providers' libraries, which only workers may need."""


class Process:
    """One process and everything it wrote."""

    def __init__(
        self, name: str, directory: Path, environ: Mapping[str, str], *arguments: str
    ) -> None:
        """Start the command that ``name`` begins with: ``worker``, ``worker-2``, …"""
        self.name = name
        self.log = directory / f"{name}.log"
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        order = {
            "command": [*COMMAND, name.partition("-")[0], *arguments],
            "directory": str(directory),
            "user": None,
            "farewell": int(signal.SIGKILL),
        }
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(KEEPER), json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environ),
                start_new_session=True,
            )
        assert self._keeper.stdout is not None
        with self._keeper.stdout as answer:
            self.pid = int(answer.readline() or 0)

    def alive(self) -> bool:
        """Whether it runs."""
        return self._keeper.poll() is None

    def send(self, number: int) -> None:
        """Send a signal to it, if it still runs."""
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, patience: float = PATIENCE_S) -> int:
        """Wait for the end; gives the exit status, 128 + n after signal n.

        Fails the test when it takes longer.
        """
        try:
            status = self._keeper.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} did not end in {patience} s\n{self.tail()}"
            ) from None
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        return status

    def kill(self) -> None:
        """End it as a crash would."""
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self, patience: float = PATIENCE_S) -> int:
        """Ask it to end; gives the exit status."""
        self.send(signal.SIGTERM)
        return self.wait(patience)

    def output(self) -> str:
        """What it and its predecessors of the same name wrote, on both streams."""
        return self.log.read_text(errors="replace")

    def said(self, text: str) -> bool:
        """Whether it wrote this since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._begin)
            return text.encode() in log.read()

    def tail(self) -> str:
        """The end of its output, for messages."""
        return self.output()[-3000:]


class Installation:
    """One directory, one environment, and the processes that run in it."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.environ = {**_surroundings(directory), "PORT": str(self.port), **environ}
        self.processes: dict[str, Process] = {}
        self._http = urllib3.PoolManager(timeout=10, retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """Where web serves."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; ``environ`` is added to the installation's."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.directory,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def start(self, *names: str, **environ: str) -> None:
        """Start processes and return when each is ready; those that run already are left alone."""
        for name in names:
            if name not in self.processes or not self.processes[name].alive():
                self.begin(name, **environ)
        for name in names:
            self.await_ready(name)

    def begin(self, name: str, *arguments: str, **environ: str) -> Process:
        """Start a process and do not wait for it."""
        process = Process(name, self.directory, {**self.environ, **environ}, *arguments)
        self.processes[name] = process
        return process

    def await_ready(self, name: str) -> None:
        """Wait until a process does its work; fails the test when it ends instead."""
        process, seen = self.processes[name], f'"{name.partition("-")[0]}_started"'

        def ready() -> bool:
            assert process.alive(), f"{name} ended\n{process.tail()}"
            if name == "web":
                return self.get("/readyz")[0] == 200
            return process.said(seen)

        wait_until(ready, f"{name} is ready", process.tail)

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        self.processes[name].kill()

    def restart(self, name: str) -> None:
        """Kill a process and start it again."""
        self.kill(name)
        self.start(name)

    def get(self, path: str) -> tuple[int, str]:
        """GET from web: status and text; status 0 when nobody answers."""
        try:
            answer = self._http.request("GET", self.base_url + path)
        except urllib3.exceptions.HTTPError:
            return 0, ""
        return answer.status, answer.data.decode(errors="replace")

    def output(self) -> str:
        """Everything that all processes wrote."""
        return "".join(process.output() for process in self.processes.values())

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.processes.values():
            process.send(signal.SIGCONT)
            process.kill()


def wait_until(
    condition: Callable[[], Any],
    what: str,
    explain: Callable[[], object] = lambda: "",
    patience: float = PATIENCE_S,
) -> None:
    """Wait for a condition; fails the test after ``patience`` seconds and says why."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} s: {what}\n{explain()}"
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_libraries(directory: Path) -> dict[str, str]:
    """Settings under which a Python process cannot import the providers' libraries."""
    barrier = directory / "barrier"
    barrier.mkdir(parents=True, exist_ok=True)
    (barrier / "sitecustomize.py").write_text(
        "import sys\n"
        "class Barred:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {BARRED!r}:\n"
        "            raise ImportError(f'{name} is not installed')\n"
        "sys.meta_path.insert(0, Barred())\n"
    )
    return {"PYTHONPATH": os.pathsep.join([str(barrier), *_python_path(directory)])}


def _surroundings(directory: Path) -> dict[str, str]:
    """An environment in which no setting of the person's own takes part."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(_python_path(directory)),
        "PYTHONUNBUFFERED": "1",
        "BILLHOOK_STATE_DIR": str(directory / "var"),
    }


def _python_path(directory: Path) -> list[str]:
    """Where the project is found, also when it was not installed: the command line asks the
    installed distribution for its version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    metadata = directory / "installed" / f"billhook-{version}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: billhook\nVersion: {version}\n"
    (metadata / "METADATA").write_text(text)
    return [str(ROOT), str(metadata.parent)]

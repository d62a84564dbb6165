"""One server process with its directory and its log, kept by a keeper (see `keeper`)."""

import contextlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
LONGEST_DIRECTORY = 80
"""Characters; a Unix socket's whole path may have 103 (macOS) or 107 (Linux)."""


class ServerUnavailable(Exception):
    """No such server can be had here; the message says why and what would help."""


def service_user() -> int | None:
    """Return the user id servers run as: nobody's when we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return 65534


def reachable(path: Path, user: int | None) -> bool:
    """Tell whether a service user can read or enter `path`; anyone else is taken to be able to."""
    if user is None:
        return True
    resolved = path.resolve()
    parents_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in resolved.parents)
    return parents_open and bool(resolved.stat().st_mode & stat.S_IROTH)


def new_directory(prefix: str, user: int | None) -> Path:
    """Make a private directory, short enough for sockets and owned by the service user."""
    # The system's choice first. It can be closed to the service user (a private TMPDIR of root)
    # or too long (macOS), then the two places that every Unix has.
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes it private
        room = Path(place)
        if (
            len(place) + len(prefix) <= LONGEST_DIRECTORY
            and room.is_dir()
            and reachable(room, user)
        ):
            directory = Path(tempfile.mkdtemp(prefix=prefix, dir=room))
            if user is not None:
                os.chown(directory, user, user)
            return directory
    message = f"no temporary directory is open to user {user}; set TMPDIR to one that is"
    raise ServerUnavailable(message)


def run(command: Sequence[str | Path], directory: Path, user: int | None) -> None:
    """Run a command to its end as the service user; raises ServerUnavailable with its output."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if done.returncode:
        message = f"{command[0]} ended with status {done.returncode}:\n{done.stdout[-2000:]}"
        raise ServerUnavailable(message)


def environment() -> Mapping[str, str]:
    """Return an environment in which no setting of the person's own PostgreSQL takes part."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


class ServerProcess:
    """A server that is running, ends with us, and can be stopped or killed."""

    def __init__(
        self, command: Sequence[str | Path], directory: Path, *, farewell: int, user: int | None
    ) -> None:
        """Start `command` in `directory`; `farewell` is the signal sent when we are gone."""
        self.log = directory / "log"
        order = {
            "command": list(map(str, command)),
            "directory": str(directory),
            "farewell": int(farewell),
            "user": user,
        }
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(KEEPER), json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(),
                # Ctrl-C in a terminal is for the tests, which then stop their servers in order.
                start_new_session=True,
            )
        assert self._keeper.stdout is not None
        with self._keeper.stdout as answer:
            self.pid = int(answer.readline() or 0)

    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._keeper.poll() is None

    def end(self, signal: int, patience: float = 10.0) -> None:
        """Send a signal and wait for the end; after `patience` seconds the server is killed."""
        if self.alive() and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal)
        try:
            self._keeper.wait(patience)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, 9)
            self._keeper.wait(patience)
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()

    def last_words(self) -> str:
        """Return the end of the log, for error messages."""
        return self.log.read_text(errors="replace")[-2000:]


def remove(directory: Path) -> None:
    """Remove a server's directory with all it kept."""
    shutil.rmtree(directory, ignore_errors=True)

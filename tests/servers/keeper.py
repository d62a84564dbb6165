"""Runs one server as its child and ends it when whoever asked for it is gone.

Started by path with a bare interpreter. Standard input is the lifeline: the asking process holds
the other end and the kernel closes it, even on SIGKILL. Unlike PR_SET_PDEATHSIG this also works
when the asking thread ends, on macOS, and it can clear the directory away afterwards.

Argument: a JSON object {command, directory, user, farewell}; answer: the server's process id on
standard output. The exit status is the server's.
"""

import json
import os
import shutil
import subprocess
import sys
import threading

PATIENCE = 5.0
"""Seconds that a server gets to follow the farewell signal before it is killed."""


def _end_when_alone(
    server: "subprocess.Popen[bytes]", farewell: int, alone: threading.Event
) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    alone.set()
    server.send_signal(farewell)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


def main() -> int:
    """Keep the server described by the first argument; returns its exit status."""
    order = json.loads(sys.argv[1])
    user = order["user"]
    server = subprocess.Popen(
        order["command"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        cwd=order["directory"],
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    os.write(sys.stdout.fileno(), b"%d\n" % server.pid)
    alone = threading.Event()
    threading.Thread(
        target=_end_when_alone, args=(server, order["farewell"], alone), daemon=True
    ).start()
    status = server.wait()
    if alone.is_set():
        shutil.rmtree(order["directory"], ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())

"""``up``, ``web``, ``worker``, ``clock``, ``sandbox``: the long-running commands."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from domain import settings as environment
from workers import processes


def add_to(commands: Any) -> None:
    """Add the parsers."""
    up = commands.add_parser("up", help="everything in one process, with a sandbox and a story")
    up.add_argument("--no-story", action="store_true", help="do not play the story")
    up.add_argument("--sandbox-port", type=int, default=8001, metavar="PORT")
    up.set_defaults(run=_up)
    for name, text in (
        ("web", "serve webhooks, API and console"),
        ("worker", "work events and perform effects"),
        ("clock", "do what is due; a second one is a standby"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=_process(name))
    _add_sandbox(commands)


def _add_sandbox(commands: Any) -> None:
    sandbox = commands.add_parser("sandbox", help="play Stripe and PayPal over HTTP")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=8001)
    sandbox.add_argument("--deliver-to", default="http://127.0.0.1:8000", metavar="URL")
    sandbox.add_argument("--seed", type=int, help="reproducible ids")
    sandbox.set_defaults(run=_sandbox)


def _up(chosen: argparse.Namespace) -> int:
    from workers.commands.up import run

    return run(environment.read(), story=not chosen.no_story, sandbox_port=chosen.sandbox_port)


def _process(name: str) -> Any:
    def run(_chosen: argparse.Namespace) -> int:
        getattr(processes, f"run_{name}")(environment.read())
        return 0

    return run


def _sandbox(chosen: argparse.Namespace) -> int:
    import uvicorn

    from webhooks.sandbox.app import create_sandbox

    directory = Path(os.environ.get("BILLHOOK_STATE_DIR", "var")) / "sandbox"
    directory.mkdir(parents=True, exist_ok=True)
    base_url = f"http://{chosen.host}:{chosen.port}"
    app = create_sandbox(directory, chosen.deliver_to, base_url, chosen.seed)
    print("# The sandbox plays Stripe and PayPal. Give Billhook these settings:")
    for setting, value in app.state.world.credentials.environment(base_url).items():
        print(f"{setting}={value}")
    print(f"# Webhooks go to {chosen.deliver_to}; Ctrl-C stops the sandbox.", flush=True)
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning", access_log=False)
    return 0

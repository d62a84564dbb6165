"""``sandbox``: play both providers over HTTP, and make things go wrong in the one that runs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3

from domain import settings as environment
from domain.errors import BillhookError
from workers.commands.tables import show

EMBEDDED: Final = "http://127.0.0.1:8001"
"""Where ``billhook up`` plays the providers."""
VERIFY: Final = "/v1/notifications/verify-webhook-signature"
NARROWING: Final = ("provider", "type", "path", "method", "count", "probability", "seconds", "code")

Fault = dict[str, Any]
FAULTS: Final[dict[str, tuple[str, tuple[Fault, ...]]]] = {
    # Calls that Billhook makes
    "api-errors": ("the API answers 500; it is tried again", ({"kind": "error"},)),
    "api-refuses": ("the API answers 400; what needs it gives up", ({"kind": "refuse"},)),
    "api-limits": ("the API answers 429", ({"kind": "rate_limit"},)),
    "api-slow": ("the API takes its time", ({"kind": "slow", "seconds": 5.0},)),
    "no-answer": ("the API works, and the answer gets lost", ({"kind": "timeout"},)),
    "declines": ("charges are declined", ({"kind": "decline"},)),
    # Webhooks that it gets
    "lost-webhooks": ("webhooks are never sent", ({"kind": "drop"},)),
    "late-webhooks": ("webhooks come late", ({"kind": "delay", "seconds": 30.0},)),
    "duplicates": ("webhooks come twice", ({"kind": "duplicate"},)),
    "reordering": ("webhooks overtake each other", ({"kind": "reorder"},)),
    "bad-signatures": ("webhooks are signed wrong", ({"kind": "bad_signature"},)),
    "gone-certificates": (
        "PayPal's certificates cannot be had, nor can PayPal be asked",
        (
            {"kind": "gone_certificate", "provider": "paypal"},
            {"kind": "error", "provider": "paypal", "path": VERIFY},
        ),
    ),
}
"""What can be made to go wrong: what happens then, and the faults of the sandbox that do it."""


def add_to(commands: Any) -> None:
    """Add the parsers."""
    sandbox = commands.add_parser("sandbox", help="play Stripe and PayPal over HTTP")
    sandbox.add_argument("--host", default="127.0.0.1")
    sandbox.add_argument("--port", type=int, default=8001)
    sandbox.add_argument("--deliver-to", default="http://127.0.0.1:8000", metavar="URL")
    sandbox.add_argument("--seed", type=int, help="reproducible ids")
    sandbox.set_defaults(run=_serve)
    parts = sandbox.add_subparsers(dest="part", metavar="fault")
    fault = parts.add_parser("fault", help="make things go wrong in the sandbox that runs")
    verbs = fault.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="what goes wrong now, and what could")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)
    _add_set(verbs)
    clearing = verbs.add_parser("clear", help="mend one fault, or all")
    clearing.add_argument("id", nargs="?")
    clearing.set_defaults(run=_clear)
    for verb in verbs.choices.values():
        verb.add_argument("--sandbox", metavar="URL", help=f"default: BILLHOOK_SANDBOX, {EMBEDDED}")


def _add_set(verbs: Any) -> None:
    setting = verbs.add_parser("set", help="begin a fault; it lasts until it is cleared")
    setting.add_argument("name", choices=FAULTS, metavar="NAME", help=", ".join(FAULTS))
    setting.add_argument("--provider", choices=("stripe", "paypal", "vies"))
    setting.add_argument("--type", help="only events of this type; * is allowed")
    setting.add_argument("--path", help="only calls of this path; * is allowed")
    setting.add_argument("--method", help="only calls with this method")
    setting.add_argument("--count", type=int, help="so often, then no more")
    setting.add_argument("--probability", type=float, help="0 to 1")
    setting.add_argument("--seconds", type=float, help="how slow, or how late")
    setting.add_argument("--code", help="why a charge is declined")
    setting.set_defaults(run=_set)


def _serve(chosen: argparse.Namespace) -> int:
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


def _list(chosen: argparse.Namespace) -> int:
    waiting = _ask(chosen, "GET")["items"]
    if waiting or chosen.json:
        show(waiting, ("id", "kind", *NARROWING), chosen.json)
    else:
        print("Nothing goes wrong now. What can be made to:")
        rows = [{"name": name, "what happens": text} for name, (text, _) in FAULTS.items()]
        show(rows, ("name", "what happens"), False)
    return 0


def _set(chosen: argparse.Namespace) -> int:
    given = {name: getattr(chosen, name) for name in NARROWING}
    narrowed = {name: value for name, value in given.items() if value is not None}
    text, faults = FAULTS[chosen.name]
    for fault in faults:
        # What a fault is made of cannot be changed: it would be another one.
        added = _ask(chosen, "POST", {**narrowed, **fault, **_its_own(fault, narrowed)})
        print(f"{added['id']}: {text}, until `billhook sandbox fault clear {added['id']}`")
    return 0


def _its_own(fault: Fault, narrowed: Fault) -> Fault:
    return {name: value for name, value in narrowed.items() if name == "seconds" and name in fault}


def _clear(chosen: argparse.Namespace) -> int:
    gone = _ask(chosen, "DELETE", part=f"/{chosen.id}" if chosen.id else "")["cleared"]
    if not gone and chosen.id:
        raise BillhookError(f"there is no fault {chosen.id}; billhook sandbox fault list shows all")
    print(f"{gone} mended")
    return 0


def _ask(
    chosen: argparse.Namespace, method: str, body: Fault | None = None, part: str = ""
) -> dict[str, Any]:
    """Ask the sandbox that runs. Raises ``BillhookError`` when there is none, or it refuses."""
    base = (chosen.sandbox or environment.read().sandbox or EMBEDDED).rstrip("/")
    try:
        answer = urllib3.request(
            method, f"{base}/sandbox/faults{part}", json=body, timeout=5.0, retries=False
        )
        said: dict[str, Any] = msgspec.json.decode(answer.data)
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
        raise BillhookError(
            f"no sandbox answers at {base}: start one with `make run` or `billhook sandbox`, or "
            "name another in BILLHOOK_SANDBOX or --sandbox"
        ) from error
    if answer.status >= 400:
        raise BillhookError(str(said.get("error", answer.status)))
    return said

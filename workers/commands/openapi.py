"""``openapi``: the API's description, as served at ``/openapi.json``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec


def add_to(commands: Any) -> None:
    """Add the parser."""
    commands.add_parser("openapi", help="print the OpenAPI document").set_defaults(run=_run)


def _run(_chosen: argparse.Namespace) -> int:
    from webhooks.api import OPERATIONS, openapi

    document = msgspec.json.encode(openapi.document(OPERATIONS))
    sys.stdout.write(msgspec.json.format(document).decode() + "\n")
    return 0

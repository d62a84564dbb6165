"""The filters of events on the command line, and who gives commands."""

from __future__ import annotations

import argparse
import getpass
from typing import Final

from domain.audit import Decider
from domain.event_search import Filter
from workers.commands.instants import instant

TEXTS: Final = {
    "status": "received, processed, ignored, waiting, unmatched, parked, dismissed",
    "provider": "who sent it",
    "type": "in the provider's words",
    "account": "the app's ref",
    "order": "its id",
    "error": "the fingerprint of the failure, or its beginning",
    "origin": "webhook, backfill, replay",
    "q": "an event, a payment, an order or an account",
}


def add_filters(command: argparse.ArgumentParser) -> None:
    """Add an option per filter."""
    for name, text in TEXTS.items():
        command.add_argument(f"--{name}", metavar="TEXT", help=text)
    for name, text in (("from", "received then or later"), ("to", "received before")):
        command.add_argument(
            f"--{name}",
            dest=f"received_{name}",
            type=instant,
            metavar="WHEN",
            help=f"{text}: 2026-11-01, 2026-11-01T08:00, 7d or 12h",
        )


def chosen_filter(chosen: argparse.Namespace) -> Filter:
    """What the options ask for."""
    return Filter(**{name: getattr(chosen, name) for name in Filter.__struct_fields__})


def decider(reason: str) -> Decider:
    """Whoever is at the terminal, as the audit log names them."""
    return Decider(actor=f"cli:{getpass.getuser()}", reason=reason)

"""``events list|show|retry|dismiss``: look into the inbox and mend what is stuck."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from domain import event_search, event_view, interventions
from workers.commands.filters import add_filters, chosen_filter, decider
from workers.commands.store import transaction
from workers.commands.tables import show

COLUMNS = ("id", "received_at", "type", "status", "account", "note")


def add_to(commands: Any) -> None:
    """Add the parsers."""
    events = commands.add_parser("events", help="look into the inbox")
    verbs = events.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="events, newest first")
    add_filters(listing)
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)
    one = verbs.add_parser("show", help="one event with its deliveries, attempts and effects")
    one.add_argument("id", type=int)
    one.set_defaults(run=_show)
    for verb, run in (("retry", _retry), ("dismiss", _dismiss)):
        action = verbs.add_parser(verb, help=f"{verb} an event that is not finished")
        action.add_argument("id", type=int)
        action.add_argument("--reason", required=verb == "dismiss", default="")
        action.set_defaults(run=run)


def _list(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        found = event_search.page(session, chosen_filter(chosen), chosen.limit)
    rows = [_document(one.event) | {"account": one.account} for one in found]
    show(rows, COLUMNS, chosen.json)
    return 0


def _show(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        seen = event_view.view(session, chosen.id, unmasked=True)
    document = _document(seen.event) | {
        "account": seen.account,
        "payload": seen.payload,
        "payload_erased_at": seen.erased_at,
        "deliveries": [_document(each) for each in seen.deliveries],
        "attempts_made": [_document(each) for each in seen.attempts],
        "effects": [_document(each) for each in seen.effects],
    }
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    return 0


def _retry(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        event = interventions.retry_event(session, chosen.id, decider(chosen.reason))
    print(f"event {event.id} is due now")
    return 0


def _dismiss(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        event = interventions.dismiss_event(session, chosen.id, decider(chosen.reason))
    print(f"event {event.id} is dismissed")
    return 0


def _document(row: Any) -> dict[str, Any]:
    names = [column.name for column in row.__table__.columns]
    values = {name: getattr(row, name) for name in names}
    return {n: v.hex() if isinstance(v, bytes) else v for n, v in values.items()}

"""``events list|show|retry|dismiss``: look into the inbox and mend what is stuck."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

import msgspec
from sqlalchemy import select

from domain import inbox
from domain.accounts import Account
from domain.effects import Effect
from domain.inbox import Attempt, Delivery, Event, Payload
from workers.commands.store import transaction
from workers.commands.tables import show

COLUMNS = ("id", "received_at", "type", "status", "account", "note")


def add_to(commands: Any) -> None:
    """Add the parsers."""
    events = commands.add_parser("events", help="look into the inbox")
    verbs = events.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="events, newest first")
    listing.add_argument("--status")
    listing.add_argument("--provider")
    listing.add_argument("--type")
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
    statement = select(Event, Account.ref).outerjoin(Account, Account.id == Event.account_id)
    statement = statement.order_by(Event.id.desc()).limit(chosen.limit)
    for name in ("status", "provider", "type"):
        if getattr(chosen, name):
            statement = statement.where(getattr(Event, name) == getattr(chosen, name))
    with transaction() as session:
        found = session.execute(statement).all()
    rows = [_document(event) | {"account": ref} for event, ref in found]
    show(rows, COLUMNS, chosen.json)
    return 0


def _show(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        event = inbox.find(session, chosen.id)
        payload = session.get(Payload, event.id)
        document = _document(event) | {
            "payload": _readable(payload.body if payload else b""),
            "deliveries": _rows(session, Delivery, Delivery.provider_event_id, event),
            "attempts_made": [_document(a) for a in _related(session, Attempt, event.id)],
            "effects": [_document(e) for e in _related(session, Effect, event.id)],
        }
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    return 0


def _retry(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        event = inbox.retry(session, chosen.id, actor=getpass.getuser(), reason=chosen.reason)
    print(f"event {event.id} is due now")
    return 0


def _dismiss(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        event = inbox.dismiss(session, chosen.id, actor=getpass.getuser(), reason=chosen.reason)
    print(f"event {event.id} is dismissed")
    return 0


def _document(row: Any) -> dict[str, Any]:
    names = [column.name for column in row.__table__.columns]
    values = {name: getattr(row, name) for name in names}
    return {n: v.hex() if isinstance(v, bytes) else v for n, v in values.items()}


def _rows(session: Any, table: Any, key: Any, event: Event) -> list[dict[str, Any]]:
    statement = select(table).where(
        table.provider == event.provider, key == event.provider_event_id
    )
    return [_document(row) for row in session.scalars(statement)]


def _related(session: Any, table: Any, event_id: int) -> list[Any]:
    return list(session.scalars(select(table).where(table.event_id == event_id)))


def _readable(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")

"""``effects list|retry``: what must happen outside the database, and what is stuck there."""

from __future__ import annotations

import argparse
from typing import Any

from sqlalchemy import select

from domain import interventions
from domain.accounts import Account
from domain.effects import Effect
from workers.commands.filters import decider
from workers.commands.store import transaction
from workers.commands.tables import show

COLUMNS = ("id", "created_at", "kind", "target", "status", "account", "note")
FIELDS = ("id", "created_at", "kind", "target", "cause", "status", "attempts", "note", "event_id")


def add_to(commands: Any) -> None:
    """Add the parsers."""
    top = commands.add_parser("effects", help="charges, mails, readings and what became of them")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="effects, newest first")
    listing.add_argument("--status")
    listing.add_argument("--kind")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)
    again = verbs.add_parser("retry", help="have a parked or waiting effect tried now")
    again.add_argument("id", type=int)
    again.add_argument("--reason", default="")
    again.set_defaults(run=_retry)


def _list(chosen: argparse.Namespace) -> int:
    statement = select(Effect, Account.ref).outerjoin(Account, Account.id == Effect.account_id)
    for name in ("status", "kind"):
        if getattr(chosen, name):
            statement = statement.where(getattr(Effect, name) == getattr(chosen, name))
    with transaction() as session:
        found = session.execute(statement.order_by(Effect.id.desc()).limit(chosen.limit)).all()
    rows = [{n: getattr(e, n) for n in FIELDS} | {"account": ref} for e, ref in found]
    show(rows, COLUMNS, chosen.json)
    return 0


def _retry(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        effect = interventions.retry_effect(session, chosen.id, decider(chosen.reason))
    print(f"effect {effect.id} ({effect.kind}) is due now")
    return 0

"""``token create|list|revoke``: bearer tokens of the API."""

from __future__ import annotations

import argparse
from typing import Any

from domain import tokens
from workers.commands.store import transaction
from workers.commands.tables import show


def add_to(commands: Any) -> None:
    """Add the parsers."""
    token = commands.add_parser("token", help="bearer tokens of the API")
    verbs = token.add_subparsers(dest="verb", required=True, metavar="VERB")
    create = verbs.add_parser("create", help="make a token; it is shown once")
    create.add_argument("--role", required=True, choices=tokens.ROLES)
    create.add_argument("--name", default="", help="what it is for")
    create.set_defaults(run=_create)
    listing = verbs.add_parser("list", help="every token, without its secret")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)
    revoke = verbs.add_parser("revoke", help="end a token at once")
    revoke.add_argument("id", type=int)
    revoke.set_defaults(run=_revoke)


def _create(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        _, secret = tokens.create(session, chosen.role, chosen.name)
    print(secret)
    return 0


def _list(chosen: argparse.Namespace) -> int:
    columns = ("id", "role", "name", "created_at", "revoked_at")
    with transaction() as session:
        rows = [{c: getattr(t, c) for c in columns} for t in tokens.all_tokens(session)]
    show(rows, columns, chosen.json)
    return 0


def _revoke(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        token = tokens.revoke(session, chosen.id)
    print(f"token {token.id} ({token.role}) is revoked")
    return 0

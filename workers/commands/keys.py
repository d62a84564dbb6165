"""``keys …``: the master keys of personal data: make one, see what hangs on which, rotate."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from domain import clock, keyring, rotation
from domain.database import Database
from domain.errors import Misconfigured, Refused
from domain.keyring import SETTING, KeyRing
from workers.commands.store import opened
from workers.commands.tables import show

COLUMNS = ("name", "place", "since", *rotation.KINDS)


def add_to(commands: Any) -> None:
    """Add the parsers."""
    keys = commands.add_parser("keys", help="master keys of personal data")
    verbs = keys.add_subparsers(dest="verb", required=True, metavar="VERB")
    make = verbs.add_parser("make", help=f"print a new key for {SETTING}")
    make.add_argument("--name", help="what it is called there (the day of today)")
    make.set_defaults(run=_make)
    listing = verbs.add_parser("list", help="the keys, and what hangs on which")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)
    rotate = verbs.add_parser("rotate", help="have everything hang on the first key")
    rotate.set_defaults(run=_rotate)


def _make(chosen: argparse.Namespace) -> int:
    print(keyring.make(chosen.name or f"{clock.now():%Y-%m-%d}"))
    return 0


def _list(chosen: argparse.Namespace) -> int:
    with opened() as store, store.transaction() as session:
        found = rotation.holdings(session, store.ring)
    show([msgspec.structs.asdict(each) for each in found], COLUMNS, chosen.json)
    return 0


def _rotate(_: argparse.Namespace) -> int:
    with opened() as store:
        if store.ring is None:
            raise Misconfigured(f"{SETTING} is not set; `billhook keys make` prints a key for it")
        unreadable = sum(_wrap_all(store, store.ring, kind) for kind in rotation.KINDS)
        with store.transaction() as session:
            retired = rotation.retire(session, store.ring)
    if retired:
        print(f"not needed any more: {', '.join(retired)}; take them out of {SETTING}")
    if unreadable:
        raise Refused(
            "keys_unreadable",
            f"{unreadable} keys do not open: their rows were changed. They stay as they are, and "
            "so do the master keys that they hang on.",
        )
    return 0


def _wrap_all(store: Database, ring: KeyRing, kind: str) -> int:
    """Returns how many cannot be opened."""
    wrapped, unreadable, after = 0, 0, 0
    while True:
        with store.transaction() as session:
            step = rotation.step(session, ring, kind, after)
        wrapped, unreadable = wrapped + step.wrapped, unreadable + step.unreadable
        if step.after is None:
            break
        after = step.after
        print(f"{kind}: {wrapped} …", file=sys.stderr)
    print(f"{kind}: {wrapped} wrapped anew under {ring.first}")
    return unreadable

"""``audit``: prove that what must hold whatever happens does hold (BILLING 10)."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from domain import catalogue as catalogues
from domain import invariants, invariants_of_money
from domain import settings as environment
from domain.catalogue import Catalogue
from domain.database import Database
from domain.invariants import INVARIANTS
from workers.commands.store import opened
from workers.commands.tables import show

Row = dict[str, Any]
SERIES = ("series", "papers", "first", "last", "gapless")


def add_to(commands: Any) -> None:
    """Add the parser."""
    audit = commands.add_parser("audit", help="check everything that must always hold")
    audit.add_argument("--json", action="store_true")
    audit.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = environment.read()
    catalogue = catalogues.load(settings.catalogue or catalogues.BUNDLED)
    with opened() as store:
        found = audit(store, catalogue)
    _print(found, as_json=chosen.json)
    return 0 if found["holds"] else 1


def audit(store: Database, catalogue: Catalogue) -> Row:
    """Check every invariant, and count every number series.

    ``{"holds": bool, "invariants": [{number, invariant, holds, violations}], "series": […]}``
    """
    with store.transaction() as session:
        rows = [_examined(session, name, catalogue) for name in INVARIANTS]
        series = [_proved(row) for row in session.execute(invariants_of_money.series())]
    return {"holds": all(row["holds"] for row in rows), "invariants": rows, "series": series}


def _examined(session: Session, name: str, catalogue: Catalogue) -> Row:
    found = invariants.violations(session, name, catalogue)
    return {
        "number": INVARIANTS[name].number,
        "invariant": name,
        "sentence": INVARIANTS[name].sentence,
        "holds": not found,
        "violations": [{"subject": each.subject, "detail": each.detail} for each in found],
    }


def _proved(row: Any) -> Row:
    gapless = row.papers == row.different == row.counter == (row.last or 0)
    return {
        "series": row.series,
        "papers": row.papers,
        "first": row.first,
        "last": row.last,
        "gapless": gapless and row.first in {1, None},
    }


def _print(found: Row, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    show([_line(row) for row in found["invariants"]], ("number", "invariant", "result"), False)
    if found["series"]:
        show(found["series"], SERIES, False)


def _line(row: Row) -> Row:
    said = [f"{each['subject']}: {each['detail']}" for each in row["violations"]]
    return {
        "number": row["number"],
        "invariant": row["sentence"],
        "result": "\n".join([f"broken ({len(said)})", *said]) if said else "ok",
    }

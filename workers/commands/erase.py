"""``erase ACCOUNT``: erase the personal data of a customer, on request."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from domain import accounts, erasure
from domain import catalogue as catalogues
from domain import settings as environment
from domain.audit import Decider
from domain.errors import Refused
from domain.work import Work
from workers.commands.store import transaction


def add_to(commands: Any) -> None:
    """Add the parser."""
    erase = commands.add_parser("erase", help="erase the personal data of an account, on request")
    erase.add_argument("account", metavar="ACCOUNT", help="the reference that the app gave it")
    erase.add_argument("--reason", required=True, help="why; kept in the audit log")
    erase.add_argument(
        "--end-now", action="store_true", help="end a subscription that runs, without a refund"
    )
    erase.add_argument("--yes", action="store_true", help="do not ask for the account again")
    erase.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    if not chosen.yes:
        _confirm(chosen.account)
    settings = environment.read()
    catalogue = catalogues.load(settings.catalogue or catalogues.BUNDLED)
    by = Decider(actor=f"cli:{getpass.getuser()}", reason=chosen.reason)
    with transaction() as session:
        account = accounts.lock(session, chosen.account)
        work = Work(session, catalogue, account, actor=by.actor)
        done = erasure.erase(work, by, end_now=chosen.end_now)
    print(f"the personal data of {chosen.account} are erased:")
    for what, count in done.items():
        print(f"  {what.replace('_', ' ')}: {count}")
    return 0


def _confirm(account: str) -> None:
    """Raises ``Refused`` unless the account is written once more."""
    sys.stderr.write("Nothing brings them back. Write the account once more: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != account:
        raise Refused("not_confirmed", "That is not the account; nothing was erased.")

"""``operator …``: who may sign in to the console, and who is signed in."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from domain import audit, operator_sessions, operators
from domain.audit import Decider
from domain.errors import Refused
from workers.commands.store import transaction
from workers.commands.tables import show

COLUMNS = ("name", "role", "created_at", "password_changed_at", "disabled_at", "sessions")
SESSION_COLUMNS = ("id", "created_at", "last_seen_at", "source", "agent")


def add_to(commands: Any) -> None:
    """Add the parsers."""
    operator = commands.add_parser("operator", help="people who may sign in to the console")
    verbs = operator.add_subparsers(dest="verb", required=True, metavar="VERB")
    add = _verb(verbs, "add", _add, "let somebody in")
    add.add_argument("--role", required=True, choices=operators.ROLES)
    _add_password(add)
    _add_password(_verb(verbs, "password", _password, "give a new password; ends every session"))
    _verb(verbs, "disable", _disable, "let somebody in no more, at once")
    _verb(verbs, "enable", _enable, "let somebody in again")
    sessions = _verb(verbs, "sessions", _sessions, "where somebody is signed in")
    sessions.add_argument("--json", action="store_true")
    out = _verb(verbs, "sign-out", _sign_out, "end somebody's sessions")
    out.add_argument("--session", type=int, metavar="ID", help="only this one")
    listing = verbs.add_parser("list", help="everybody who may sign in")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)


def _verb(verbs: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text)
    parser.add_argument("name", metavar="NAME")
    parser.set_defaults(run=run)
    return parser


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the standard input; otherwise it is asked for, and made when "
        "none is given",
    )


def _add(chosen: argparse.Namespace) -> int:
    password, is_made = _chosen_password(chosen)
    with transaction() as session:
        operator = operators.add(session, _by(), chosen.name, chosen.role, password)
    print(f"{operator.name} may sign in to the console with the role {operator.role}")
    _tell(password, is_made)
    return 0


def _password(chosen: argparse.Namespace) -> int:
    password, is_made = _chosen_password(chosen)
    with transaction() as session:
        operator = operators.find(session, chosen.name)
        operators.change_password(session, _by(), operator, password)
        ended = operator_sessions.end(session, operator.id)
    print(f"{operator.name} has a new password; sessions ended: {ended}")
    _tell(password, is_made)
    return 0


def _disable(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        operator = operators.find(session, chosen.name)
        operators.disable(session, _by(), operator)
        operator_sessions.end(session, operator.id)
    print(f"{operator.name} may not sign in any more; every session has ended")
    return 0


def _enable(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        operators.enable(session, _by(), operators.find(session, chosen.name))
    print(f"{operators.clean_name(chosen.name)} may sign in again")
    return 0


def _sessions(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        operator = operators.find(session, chosen.name)
        running = operator_sessions.running(session, operator.id)
    rows = [{column: getattr(one, column) for column in SESSION_COLUMNS} for one in running]
    show(rows, SESSION_COLUMNS, chosen.json)
    return 0


def _sign_out(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        operator = operators.find(session, chosen.name)
        ended = operator_sessions.end(session, operator.id, only=chosen.session)
        if ended:
            audit.record(session, _by(), "end_sessions", "operator", operator.name, ended=ended)
    if not ended:
        raise Refused("session_unknown", f"{operator.name} has no such session that runs.")
    print(f"sessions of {operator.name} ended: {ended}")
    return 0


def _list(chosen: argparse.Namespace) -> int:
    with transaction() as session:
        rows = [
            {
                **{column: getattr(each, column) for column in COLUMNS[:-1]},
                "sessions": len(operator_sessions.running(session, each.id)),
            }
            for each in operators.all_operators(session)
        ]
    show(rows, COLUMNS, chosen.json)
    return 0


def _by() -> Decider:
    return Decider(actor=f"cli:{getpass.getuser()}")


def _chosen_password(chosen: argparse.Namespace) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    if chosen.password_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if not sys.stdin.isatty():
        return operators.new_password(), True
    given = getpass.getpass("Password (empty: one is made): ")
    if not given:
        return operators.new_password(), True
    if getpass.getpass("Again: ") != given:
        raise Refused("password_differs", "the password was not repeated the same")
    return given, False


def _tell(password: str, is_made: bool) -> None:
    if is_made:
        print(f"The password is shown this once: {password}")

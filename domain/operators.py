"""Operators: the people who may sign in to the console, with their role and their password.

Passwords are kept as Argon2id hashes. Sessions are in ``domain/operator_sessions.py``, the way in
and its limits in ``domain/sign_in.py``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import audit, clock
from domain.audit import Decider
from domain.database import Base, BigId, insert_once
from domain.errors import Refused

if TYPE_CHECKING:
    from pwdlib import PasswordHash

ROLES: Final = ("viewer", "operator")
"""A viewer reads and sees no personal data; an operator reads everything and acts."""
LANGUAGES: Final = ("en", "fr", "cs")
THEMES: Final = ("auto", "light", "dark")
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Operator(Base):
    """A person who may sign in. ``name`` is in lower case."""

    __tablename__ = "operators"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    language: Mapped[str | None]
    """One of ``LANGUAGES``; None follows the browser."""
    theme: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


def add(session: Session, by: Decider, name: str, role: str, password: str) -> Operator:
    """Let a person in. Raises ``Refused`` for a name that is taken or not one, an unknown role, or
    a password that is too short."""
    name = clean_name(name)
    if not _NAME.fullmatch(name):
        raise Refused(
            "operator_name",
            "The name of an operator has 1 to 64 letters, digits and . _ @ -, beginning with a "
            "letter or digit.",
            status=422,
        )
    if role not in ROLES:
        raise Refused("role_unknown", f"role must be one of {', '.join(ROLES)}, not {role!r}")
    now = clock.wall()
    made = {"password_hash": hashed(password), "password_changed_at": now, "created_at": now}
    if not insert_once(session, Operator, name=name, role=role, theme="auto", **made):
        raise Refused("operator_exists", f"There is an operator {name} already.")
    audit.record(session, by, "add", "operator", name, role=role)
    return find(session, name)


def find(session: Session, name: str) -> Operator:
    """The operator of that name. Raises ``Refused`` (404)."""
    operator = session.scalar(select(Operator).where(Operator.name == clean_name(name)))
    if operator is None:
        said = f"There is no operator {name[:64]}."
        raise Refused("operator_unknown", said, status=404, name=name[:64])
    return operator


def all_operators(session: Session) -> Sequence[Operator]:
    """Everybody, disabled ones too, by name."""
    return session.scalars(select(Operator).order_by(Operator.name)).all()


def change_password(session: Session, by: Decider, operator: Operator, password: str) -> None:
    """Give a new password. The sessions go on: ending them is the caller's decision.

    Raises ``Refused`` for one that is too short.
    """
    keep_hash(session, by, operator, hashed(password))


def keep_hash(session: Session, by: Decider, operator: Operator, password_hash: str) -> None:
    """Give a new password that is ``hashed`` already: that takes long for a transaction."""
    operator.password_hash, operator.password_changed_at = password_hash, clock.wall()
    audit.record(session, by, "change_password", "operator", operator.name)


def disable(session: Session, by: Decider, operator: Operator) -> None:
    """Let a person in no more; open sessions end with that at once."""
    operator.disabled_at = operator.disabled_at or clock.wall()
    audit.record(session, by, "disable", "operator", operator.name)


def enable(session: Session, by: Decider, operator: Operator) -> None:
    """Let a person in again."""
    operator.disabled_at = None
    audit.record(session, by, "enable", "operator", operator.name)


def clean_name(name: str) -> str:
    """A name as it is kept and compared."""
    return name.strip().lower()


def new_password() -> str:
    """A random password that can be read out and typed: four groups, 96 bits."""
    text = secrets.token_hex(12)
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


def hashed(password: str) -> str:
    """The Argon2id hash of a password; takes some 0.2 s and 64 MB, so call it in a thread.

    Raises ``Refused`` (422) for a password that is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refused(
            "password_length",
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            status=422,
            least=SHORTEST_PASSWORD,
            most=LONGEST_PASSWORD,
        )
    return _hasher().hash(password)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one of the hash; for None it takes as long and says no, so that
    the time tells nobody which names exist."""
    fits = _hasher().verify(password[:LONGEST_PASSWORD], password_hash or _hash_of_nobody())
    return fits and password_hash is not None and len(password) <= LONGEST_PASSWORD


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    return PasswordHash((Argon2Hasher(),))


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))

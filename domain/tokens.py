"""Bearer tokens of the API: made once, shown once, kept as a hash, scoped by role."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId
from domain.errors import Refused

ROLES: Final = ("viewer", "operator", "app")


class ApiToken(Base):
    """A bearer token; only its SHA-256 is kept (the token itself has 256 random bits)."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    revoked_at: Mapped[datetime | None]


def create(session: Session, role: str, name: str) -> tuple[ApiToken, str]:
    """Make a token; the second value is the secret, which is never shown again."""
    if role not in ROLES:
        raise Refused("role_unknown", f"role must be one of {', '.join(ROLES)}, not {role!r}")
    secret = f"bh_{role}_{secrets.token_urlsafe(32)}"
    token = ApiToken(name=name, role=role, digest=digest(secret), created_at=clock.now())
    session.add(token)
    session.flush()
    return token, secret


def authenticate(session: Session, secret: str) -> ApiToken | None:
    """The token of that secret, or None when it is unknown or revoked."""
    statement = select(ApiToken).where(
        ApiToken.digest == digest(secret), ApiToken.revoked_at.is_(None)
    )
    return session.scalar(statement)


def revoke(session: Session, token_id: int) -> ApiToken:
    """End a token. Raises ``Refused`` (404) when there is none of that id."""
    token = session.get(ApiToken, token_id)
    if token is None:
        raise Refused("token_unknown", f"There is no token {token_id}.", status=404)
    token.revoked_at = token.revoked_at or clock.now()
    return token


def all_tokens(session: Session) -> Sequence[ApiToken]:
    """Every token, revoked ones too, oldest first."""
    return session.scalars(select(ApiToken).order_by(ApiToken.id)).all()


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()

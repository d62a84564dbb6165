"""Transmission ids that are known, each with the body that came under it first.

A table of its own beside the deliveries: these lie in a partition a month, and no key is unique
across partitions. A second body under a known id is a forgery, in whatever month it comes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.database import Base, insert_once
from domain.inbox import Delivery


class Transmission(Base):
    """One transmission id of a provider, and the delivery that it came with first."""

    __tablename__ = "transmissions"
    __table_args__ = (Index("ix_transmissions_received", "received_at"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    delivery_key: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str]
    body_sha256: Mapped[bytes]
    received_at: Mapped[datetime]


def first_body(session: Session, provider: str, key: str) -> bytes | None:
    """The digest of the body that came under the id first; None when the id is not known."""
    digest = session.scalar(
        select(Transmission.body_sha256).where(
            Transmission.provider == provider, Transmission.delivery_key == key
        )
    )
    return bytes(digest) if digest is not None else None


def remember(session: Session, delivery: Delivery, key: str) -> bool:
    """Keep the id as that of a stored delivery; False when it is known already."""
    return insert_once(
        session,
        Transmission,
        provider=delivery.provider,
        delivery_key=key,
        delivery_id=delivery.id,
        body_sha256=delivery.body_sha256,
        received_at=delivery.received_at,
    )

"""VAT numbers: their form, what VIES said of them, and for how long that counts (BILLING 9).

VIES is the register of the European Commission; it names Greece ``EL`` and Northern Ireland ``XI``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column
from stdnum.eu import vat as european

from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.database import Base

UNCHECKED: Final = "unchecked"
"""There is no number, or none that VIES is asked about (the seller's country, outside the EU)."""
CHECKING: Final = "checking"
VALID: Final = "valid"
INVALID: Final = "invalid"
UNAVAILABLE: Final = "unavailable"
MALFORMED: Final = "malformed"
REFUSED: Final = frozenset({INVALID, MALFORMED})
_PREFIXES: Final = {"GR": "EL", "GB": "XI"}
_DUE: Final = text("next_check_at IS NOT NULL")


class VatCheck(Base):
    """The current check of an account's number; one that is gone is forgotten.

    ``checked_at`` is VIES's last answer, ``valid_at`` its last ``valid``, with the consultation
    number that it gave. ``round`` counts what was begun, so that each is asked and told once.
    """

    __tablename__ = "vat_checks"
    __table_args__ = (
        Index(
            "ix_vat_checks_due",
            "next_check_at",
            "account_id",
            postgresql_where=_DUE,
            sqlite_where=_DUE,
        ),
    )

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[str | None]
    """With the prefix that VIES uses; None when the account has no number to check."""
    status: Mapped[str] = mapped_column(default=UNCHECKED)
    round: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    valid_at: Mapped[datetime | None]
    consultation: Mapped[str | None]
    next_check_at: Mapped[datetime | None]


class Presented(msgspec.Struct, frozen=True):
    """A number as an account shows it: normalised when it has the form of one."""

    number: str
    well_formed: bool


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why a sale is without VAT: the number, VIES's consultation number, and when it was asked."""

    number: str
    consultation: str | None
    at: datetime


def normalised(number: str, country: str) -> str | None:
    """The number of a country (ISO 3166) as VIES writes it; None if it cannot be one.

    The prefix may be missing; Greek numbers may begin with ``GR``.
    """
    prefix = _PREFIXES.get(country, country)
    bare = _bare(number)
    if country == "GR" and bare.startswith("GR"):
        bare = prefix + bare[2:]
    candidates = (bare, prefix + bare)
    return next((c for c in candidates if c.startswith(prefix) and european.is_valid(c)), None)


def format_is_valid(number: str, country: str) -> bool:
    """Whether the number has the form, and the check digits, of one of that country."""
    return normalised(number, country) is not None


def presented(catalogue: Catalogue, account: Account) -> Presented | None:
    """The number that is to be looked at; None when there is none or its country is outside."""
    number, country = account.billing.get("vat_number"), account.billing.get("country")
    if not number or not country:
        return None
    northern_irish = country == "GB" and _bare(number).startswith("XI")
    if country not in catalogue.vat_countries() and not northern_irish:
        return None
    known = normalised(number, country)
    if known is not None and country == catalogue.seller.country:
        return None
    return Presented(known or _bare(number), known is not None)


def of_account(session: Session, account_id: int) -> VatCheck | None:
    """The row of the account, if it ever had a number."""
    return session.get(VatCheck, account_id)


def counts(catalogue: Catalogue, check: VatCheck, now: datetime) -> bool:
    """Whether VIES said ``valid`` not too long ago, and not the contrary since."""
    if check.valid_at is None or check.status in REFUSED:
        return False
    return now - check.valid_at < timedelta(days=catalogue.vat.number_valid_days)


def evidence(
    session: Session, catalogue: Catalogue, account: Account, now: datetime
) -> Evidence | None:
    """The valid answer for exactly the number that the account has now, if it still counts."""
    shown = presented(catalogue, account)
    check = of_account(session, account.id) if shown is not None else None
    if shown is None or check is None or check.number != shown.number:
        return None
    if check.valid_at is None or not counts(catalogue, check, now):
        return None
    return Evidence(number=shown.number, consultation=check.consultation, at=check.valid_at)


def number_is_valid(
    session: Session, catalogue: Catalogue, account: Account, now: datetime
) -> bool:
    """Whether the account's number is confirmed, so that a sale may be a reverse charge."""
    return evidence(session, catalogue, account, now) is not None


def _bare(number: str) -> str:
    # Irish numbers of the old form hold + or *; the rest of the punctuation is for the eye.
    return re.sub(r"[\s./-]", "", number).upper()

"""The kinds of mail and what each is told: typed parameters that travel as JSON in an effect.

Money is in minor units with its currency, instants are timezone-aware; a ``url`` is where the
customer can do what the mail asks for, and makes the button.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from domain.money import Money

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s<>\"]+$")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """A means of payment as a person knows it: kind, brand and the last four digits."""

    kind: str
    brand: str | None = None
    last4: str | None = None


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mail is told; a field that is not of its kind is a mistake."""


class Receipt(Parameters, frozen=True, kw_only=True):
    """A payment arrived, the invoice is attached (BILLING 4). ``total`` is the invoice's,
    ``paid`` what was charged: the rest was covered by credit. ``number`` comes from the paper."""

    total: Money
    paid: Money
    plan: str
    interval: Literal["month", "year"]
    agents: Count
    period_end: Instant
    auto_renew: bool = True
    means: Means | None = None
    number: str | None = None
    url: Url | None = None


class RenewalAhead(Parameters, frozen=True, kw_only=True):
    """The subscription will renew itself ``on`` that day (BILLING 5). ``amount`` is what will be
    charged; nothing when credit covers it. Without a ``method`` one has to be added."""

    on: Instant
    amount: Money
    plan: str
    method: Means | None = None
    url: Url | None = None


class RenewalFailed(Parameters, frozen=True, kw_only=True):
    """A renewal was declined (BILLING 5). ``reason_code`` is the decline's code, or
    ``no_saved_method``; ``next_try_at`` None when the same method will not be tried again."""

    reason_code: str
    amount: Money
    access_until: Instant
    next_try_at: Instant | None = None
    update_url: Url | None = None


class AutoRenewOff(Parameters, frozen=True, kw_only=True):
    """Auto-renew was switched off: ``customer``, ``renewal_failed``, ``no_saved_method``,
    ``provider`` (ended where it is paid), or another reason."""

    reason: str
    ends_at: Instant
    url: Url | None = None


class ExpiryWarning(Parameters, frozen=True, kw_only=True):
    """The subscription ends in ``days`` and will not renew itself (BILLING 6)."""

    days: Count
    ends_at: Instant
    url: Url | None = None


class Blocked(Parameters, frozen=True, kw_only=True):
    """The account was blocked (BILLING 6, 7): ``subscription_expired``, ``refunded``,
    ``dispute_lost``, or another reason, which is not told."""

    reason: str
    url: Url | None = None


class Unblocked(Parameters, frozen=True, kw_only=True):
    """The account works again."""

    url: Url | None = None


class RefundDone(Parameters, frozen=True, kw_only=True):
    """Money went back (BILLING 7); ``ended`` when the subscription ended with it. With a
    ``number`` the credit note is attached."""

    amount: Money
    ended: bool = False
    means: Means | None = None
    number: str | None = None


class CreditNoteIssued(Parameters, frozen=True, kw_only=True):
    """A credit note without a refund of ours: a lost dispute, a correction. ``invoice`` is the
    number of the invoice that it corrects."""

    amount: Money
    invoice: str | None = None
    number: str | None = None


class MethodRejected(Parameters, frozen=True, kw_only=True):
    """A card of a brand that is not taken was offered, and was not stored (BILLING 4)."""

    brand: str | None = None
    url: Url | None = None


class VatNumberRefused(Parameters, frozen=True, kw_only=True):
    """A VAT number does not count (BILLING 9): ``format`` (cannot be one), ``invalid`` (not
    valid for trade between EU countries), or another reason."""

    number: str
    reason: str
    url: Url | None = None


KINDS: Final[dict[str, type[Parameters]]] = {
    "receipt": Receipt,
    "renewal_ahead": RenewalAhead,
    "renewal_failed": RenewalFailed,
    "auto_renew_off": AutoRenewOff,
    "expiry_warning": ExpiryWarning,
    "blocked": Blocked,
    "unblocked": Unblocked,
    "refund_done": RefundDone,
    "credit_note_issued": CreditNoteIssued,
    "method_rejected": MethodRejected,
    "vat_number_refused": VatNumberRefused,
}
"""Every kind of mail and its parameters."""

TO_BILLING: Final = frozenset({"receipt", "refund_done", "credit_note_issued"})
"""Kinds that come with a paper and go to the billing e-mail (BILLING 8)."""
NEED_PAPER: Final = frozenset({"receipt", "credit_note_issued"})
"""Kinds that are nothing without their paper."""
_URLS: Final = ("url", "update_url")
"""Fields that make the button."""


def read(
    kind: str, parameters: Mapping[str, Any], number: str | None = None, url: str | None = None
) -> Parameters:
    """Read parameters from JSON; ``number`` is that of the attached paper, if there is one, and
    ``url`` where the button leads unless the parameters say it.

    Raises ValueError for an unknown kind, ``msgspec.ValidationError`` for parameters that are not
    of that kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no mail {kind!r}; there are {', '.join(KINDS)}")
    values = dict(parameters)
    if number is not None:
        values["number"] = number
    for field in _URLS:
        if field in KINDS[kind].__struct_fields__:
            values[field] = values.get(field) or url
    return msgspec.convert(values, KINDS[kind])


def write(parameters: Parameters) -> dict[str, Any]:
    """The parameters as JSON for an effect's payload."""
    document: dict[str, Any] = msgspec.to_builtins(parameters)
    return document

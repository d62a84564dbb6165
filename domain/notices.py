"""How a rule tells a customer something by mail: by wanting the effect that sends it, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.accounts import Account
from domain.mails import kinds
from domain.mails.kinds import Parameters
from domain.work import Work

EFFECT: Final = "send_mail"


def notify(
    work: Work,
    kind: str,
    cause: str,
    parameters: Parameters | Mapping[str, Any],
    *,
    invoice_id: int | None = None,
    at: datetime | None = None,
) -> bool:
    """Want a mail of ``kind`` to the account, from ``at`` on; False when it was wanted already.

    ``cause`` names what it is about (``order:ord_…``, ``period_end:17:2026-05-12:3``): the same
    kind for the same cause is sent once, whatever happens. A paper's number is filled in when the
    mail is sent, since a rule knows only the row (``invoice_id``, flushed) of the paper.

    Raises ValueError or ``msgspec.ValidationError`` for parameters that are not the kind's, and
    ValueError for a paper's mail without its paper, or a paper with a mail that has none.
    """
    if kind in kinds.NEED_PAPER and invoice_id is None:
        raise ValueError(f"a mail {kind} needs the id of its paper")
    if kind not in kinds.TO_BILLING and invoice_id is not None:
        raise ValueError(f"a mail {kind} comes without a paper")
    given = kinds.write(parameters) if isinstance(parameters, Parameters) else parameters
    return work.want(
        EFFECT,
        kind,
        cause,
        at=at,
        to=recipient(work.account, kind),
        locale=work.account.locale,
        parameters=kinds.write(kinds.read(kind, given)),
        **({"attach": {"invoice": invoice_id}} if invoice_id is not None else {}),
    )


def recipient(account: Account, kind: str) -> str:
    """Papers go to the billing e-mail where there is one (BILLING 8), the rest to the account."""
    billing = account.billing.get("email") if kind in kinds.TO_BILLING else None
    return billing or account.email

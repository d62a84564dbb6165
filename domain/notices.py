"""Mails that are wanted: one effect per cause and kind, in the language of the account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.work import Work

PAPERS: Final = frozenset({"receipt", "refund_done"})
"""Kinds that go to the billing address where there is one: they carry an invoice or credit note."""


def notify(
    work: Work,
    kind: str,
    cause: str,
    parameters: Mapping[str, Any],
    *,
    invoice_id: int | None = None,
    order_id: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Want a mail of ``kind`` once per ``cause``; ``parameters`` are those of ``domain.mails``.

    ``invoice_id`` names the paper to attach; ``order_id`` the order whose invoice is attached.
    """
    account = work.account
    billing = account.billing.get("email") if kind in PAPERS else None
    attach = {"invoice": invoice_id, "order": order_id}
    return work.want(
        "send_mail",
        kind,
        cause,
        at=at,
        to=billing or account.email,
        locale=account.locale,
        parameters=msgspec.to_builtins(dict(parameters)),
        attach={name: value for name, value in attach.items() if value is not None},
    )

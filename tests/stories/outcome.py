"""What a life came to, in a form in which the order of what happened leaves no trace.

Row numbers, numbers of papers and moments within a minute are left out. Where the same amount
came twice for one order, it is not said which of the two payments paid it: that is decided by the
one that is reported first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import methods
from domain.accounts import Account
from domain.alerts import Alert
from domain.credit import CreditEntry
from domain.database import Base
from domain.disputes import Dispute
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment
from domain.refunds import Refund
from domain.subscriptions import Subscription

Outcome = dict[str, list[str]]
TWIN: Final = "twin"


def outcome(session: Session) -> Outcome:
    """What stands in the database, by subject, as sorted lines."""
    who = dict(session.execute(select(Account.id, Account.ref)).all())
    names = _names(session)
    return {
        "accounts": _lines(session, Account, "ref status blocked_reason blocked_at"),
        "orders": _orders(session),
        "subscriptions": _subscriptions(session, who),
        "payments": _payments(session, names),
        "refunds": _refunds(session, names),
        "disputes": _lines(session, Dispute, "provider reference state amount currency reason"),
        "credit": _credit(session, who),
        "papers": _papers(session, names),
        "methods": _methods(session, who),
        "alerts": _alerts(session, names),
    }


def _names(session: Session) -> dict[int, str]:
    """What each payment is called: twins have one name."""
    rows = list(session.scalars(select(Payment)))
    alike = Counter((p.order_id, p.amount, p.currency) for p in rows if p.state == "succeeded")
    return {
        p.id: TWIN if alike[(p.order_id, p.amount, p.currency)] > 1 else p.reference for p in rows
    }


def _lines(session: Session, table: type[Base], columns: str) -> list[str]:
    return sorted(_line(row, columns) for row in session.scalars(select(table)))


def _line(row: Any, columns: str) -> str:
    return " ".join(f"{name}={_told(getattr(row, name))}" for name in columns.split())


def _told(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _orders(session: Session) -> list[str]:
    """An order that was not paid may have ended for two reasons; the first one stays."""
    rows = session.scalars(select(Order))
    ends = {"failed": "unpaid", "expired": "unpaid"}
    return sorted(
        f"{ends.get(row.state, row.state)} {_line(row, 'id kind total due closed_at')}"
        for row in rows
    )


def _alerts(session: Session, names: dict[int, str]) -> list[str]:
    twins = [p for p in session.scalars(select(Payment)) if names[p.id] == TWIN]
    known = {f"{p.provider}:{p.reference}": f"{TWIN} {p.order_id}" for p in twins}
    told = set()
    for row in session.scalars(select(Alert)):
        subject = known.get(row.subject, row.subject)
        spent = row.rule == "refund_of_spent_credit"
        told.add(f"{row.rule} {row.details['account'] if spent else subject} {row.state}")
    return sorted(told)


def _subscriptions(session: Session, who: dict[int, str]) -> list[str]:
    columns = (
        "plan interval agents conversations currency period_start period_end period_net anchor_day "
        "state auto_renew auto_renew_off_reason managed_by order_id ended_at next_due_at "
        "renewal_failures renewal_charges renewal_in_flight renewals_suspended declined_token"
    )
    rows = session.scalars(select(Subscription))
    return sorted(f"{who[row.account_id]} {_line(row, columns)}" for row in rows)


def _payments(session: Session, names: dict[int, str]) -> list[str]:
    # Why a payment failed is not compared: of several tries the one reported first is kept.
    columns = "provider reference order_id state amount currency refunded method"
    told = []
    for row in session.scalars(select(Payment)):
        told.append(_line(row, f"{columns} paid_at"))
        told.append(f"{names[row.id]} {_line(row, 'order_id state use')}")
    return sorted(told)


def _refunds(session: Session, names: dict[int, str]) -> list[str]:
    columns = "provider reference amount currency state origin reversal returned"
    rows = session.scalars(select(Refund))
    return sorted(f"{names[row.payment_id]} {_line(row, columns)}" for row in rows)


def _credit(session: Session, who: dict[int, str]) -> list[str]:
    """Balances, and what came in. What an order and a refund both claim goes to the first."""
    sums: dict[str, int] = defaultdict(int)
    for row in session.scalars(select(CreditEntry)):
        sums[f"{who[row.account_id]} {row.currency} balance"] += row.amount
        if row.amount > 0:
            sums[f"{who[row.account_id]} {row.currency} {row.kind} {row.order_id}"] += row.amount
    return sorted(f"{key} {amount}" for key, amount in sums.items())


def _papers(session: Session, names: dict[int, str]) -> list[str]:
    """Invoices one by one. Credit notes per invoice: in how many steps the money went back is
    decided by what is reported first, what they come to is not."""
    rows = {row.id: row for row in session.scalars(select(Invoice))}
    notes: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    told = []
    for row in rows.values():
        if row.corrects_id is None:
            told.append(_invoice(row, names))
            continue
        sums = notes[rows[row.corrects_id].cause]
        notes[rows[row.corrects_id].cause] = [
            a + b for a, b in zip(sums, (row.net, row.vat, row.total), strict=True)
        ]
    return sorted([*told, *(f"credit notes on {cause}: {s}" for cause, s in notes.items())])


def _invoice(row: Invoice, names: dict[int, str]) -> str:
    paid = dict(row.content["paid"])
    # Printed at the moment of issue, from the event that came first; the payment knows it in full.
    for name in ("at", "reference", "method"):
        paid.pop(name)
    content = {**row.content, "paid": paid}
    payment = names.get(row.payment_id or 0)
    columns = "kind series cause order_id currency net vat total locale issued_at"
    return f"{payment} {_line(row, columns)} {content}"


def _methods(session: Session, who: dict[int, str]) -> list[str]:
    rows = session.scalars(select(PaymentMethod))
    kept = [
        f"{who[row.account_id]} {_line(row, 'provider token kind brand last4')} "
        f"{'removed' if row.removed_at else 'kept'}"
        for row in rows
    ]
    current = {ref: methods.current(session, number) for number, ref in who.items()}
    charged = [f"{ref} is charged {method and method.token}" for ref, method in current.items()]
    return sorted([*kept, *charged])


def differences(one: Outcome, other: Outcome) -> list[str]:
    """What is in only one of two outcomes, with the side that it is on."""
    told: list[str] = []
    for subject in one:
        left, right = Counter(one[subject]), Counter(other[subject])
        told += _only(f"- {subject}", left - right) + _only(f"+ {subject}", right - left)
    return told


def _only(side: str, lines: Iterable[str]) -> list[str]:
    return [f"{side}: {line}" for line in lines]

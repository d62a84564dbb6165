"""What an account's life came to, here and at the providers, without ids and without seconds.

Two runs of the same life must come to equal lines. Amounts of lives that count unused time by the
second may differ by a little, which is less than what any thing bought costs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import methods
from domain.accounts import Account
from domain.credit import CreditEntry
from domain.disputes import Dispute
from domain.effects import Effect
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment
from domain.refunds import Refund
from domain.subscriptions import Subscription
from tests.chaos.outside import Outside
from webhooks.sandbox.state import Store

NEAR: Final = 400
"""Minor units by which prorated amounts may differ: some minutes of a month."""
COLUMNS: Final[tuple[tuple[Any, str], ...]] = (
    (Account, "status blocked_reason locale currency"),
    (Order, "kind state total due closed_at"),
    (Subscription, "plan interval agents conversations currency period_start period_end state"),
    (Subscription, "auto_renew auto_renew_off_reason managed_by renewal_failures"),
    (Subscription, "renewal_in_flight renewals_suspended"),
    (Payment, "provider state amount currency refunded use paid_at"),
    (Dispute, "provider state amount currency"),
    (CreditEntry, "kind amount currency"),
    (Invoice, "kind series currency net vat total issued_at"),
    (PaymentMethod, "provider kind brand last4"),
)
_AMOUNT: Final = re.compile(r"=(-?\d{3,})\b")


def ledger(session: Session, ref: str, outside: Outside) -> list[str]:
    """What stands in the database about an account, and what reached others, as sorted lines."""
    account = session.scalars(select(Account).where(Account.ref == ref)).one()
    told = [_line(account, "accounts", COLUMNS[0][1])]
    for table, columns in COLUMNS[1:]:
        rows = session.scalars(select(table).where(table.account_id == account.id))
        told += [_line(row, table.__tablename__, columns) for row in rows]
    told += _refunds(session, account.id)
    method = methods.current(session, account.id)
    told.append(f"is charged: {method and (method.provider, method.brand)}")
    told += _outgoing(session, account.id, outside)
    told += _providers_view(session, account.id, outside)
    return sorted(told)


def differences(expected: Sequence[str], found: Sequence[str], *, prorated: bool) -> list[str]:
    """What differs between two ledgers of one life, line by line."""
    if not prorated:
        missing, more = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
        return [*(f"- {line}" for line in missing), *(f"+ {line}" for line in more)]
    left, missing_lines = list(found), []
    for line in expected:
        twin = next((other for other in left if _alike(line, other)), None)
        if twin is None:
            missing_lines.append(f"- {line}")
        else:
            left.remove(twin)
    return [*missing_lines, *(f"+ {line}" for line in left)]


def _alike(one: str, other: str) -> bool:
    if _AMOUNT.sub("=#", one) != _AMOUNT.sub("=#", other):
        return False
    pairs = zip(_AMOUNT.findall(one), _AMOUNT.findall(other), strict=True)
    return all(abs(int(a) - int(b)) <= NEAR for a, b in pairs)


def _line(row: Any, name: str, columns: str) -> str:
    told = " ".join(f"{column}={_told(getattr(row, column))}" for column in columns.split())
    return f"{name}: {told}"


def _told(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def _refunds(session: Session, account_id: int) -> Iterable[str]:
    statement = select(Refund).join(Payment, Payment.id == Refund.payment_id)
    for refund in session.scalars(statement.where(Payment.account_id == account_id)):
        yield _line(refund, "refunds", "provider amount currency state origin reversal")


def _outgoing(session: Session, account_id: int, outside: Outside) -> Iterable[str]:
    """Mails and messages that arrived, each counted once by its id, and what moved money."""
    effects = session.scalars(select(Effect).where(Effect.account_id == account_id)).all()
    ids = {key.partition("@")[0].removeprefix("<"): key for key in outside.post_office.taken}
    counted: Counter[str] = Counter()
    for effect in effects:
        if effect.kind == "send_mail":
            arrived = effect.key in ids
            counted[f"mail {effect.target} {effect.status} arrived={arrived}"] += 1
        elif effect.kind == "tell_app":
            arrived = effect.key in outside.app.taken
            counted[f"message {effect.target} {effect.status} arrived={arrived}"] += 1
        elif effect.kind in {"charge_order", "refund_payment", "cancel_subscription"}:
            # Skipped: the provider's event was heard before the answer was recorded.
            settled = "settled" if effect.status in {"done", "skipped"} else effect.status
            counted[f"{effect.kind} {settled}"] += 1
    return [f"{number} × {what}" for what, number in counted.items()]


def _providers_view(session: Session, account_id: int, outside: Outside) -> Iterable[str]:
    """How often each order and each period was really paid at its provider, and what was really
    given back."""
    own = {order.id: order for order in session.scalars(_of(Order, account_id))}
    ref = session.get_one(Account, account_id).ref
    taken = Counter([*_at_stripe(outside.world.store, own, ref)])
    taken.update(_at_paypal(outside.world.store, own, ref))
    return [f"{number} × {what}" for what, number in taken.items()]


def _at_stripe(store: Store, own: Mapping[str, Order], ref: str) -> Iterable[str]:
    numbers = set()
    for each in store.all("stripe.payment_intent"):
        order = own.get(each["metadata"].get("order_id"))
        if order is not None:
            numbers.add(each["id"])
            if each["status"] == "succeeded":
                yield f"stripe took {order.kind} amount={each['amount']}"
    for invoice in store.all("stripe.invoice"):
        if _runs_for(invoice).get("account") == ref:
            numbers.add(invoice["_payment_intent"])
            yield f"stripe's invoice {invoice['status']} amount={invoice['amount_paid']}"
            if invoice["status"] == "paid":
                yield f"stripe took a period amount={invoice['amount_paid']}"
    for each in store.all("stripe.refund"):
        if each["payment_intent"] in numbers and each["status"] == "succeeded":
            yield f"stripe gave back amount={each['amount']}"
    for each in store.all("stripe.subscription"):
        if each["metadata"].get("account") == ref:
            yield f"stripe's subscription {each['status']}"


def _runs_for(invoice: Any) -> Mapping[str, str]:
    """The metadata of the subscription that an invoice belongs to."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found: Mapping[str, str] = details.get("metadata") or {}
    return found


def _at_paypal(store: Store, own: Mapping[str, Order], ref: str) -> Iterable[str]:
    for each in store.all("paypal_capture"):
        order = own.get(each.get("custom_id", ""))
        if order is not None and each["status"] in {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}:
            yield f"paypal took {order.kind} amount={_minor(each['amount']['value'])}"
    for each in store.all("paypal_refund"):
        if each.get("custom_id") in own:
            yield f"paypal gave back amount={_minor(each['amount']['value'])}"
    for each in store.all("paypal_sale"):
        if parse_qs(each["custom"]).get("account") == [ref]:
            yield f"paypal took a period {each['state']} amount={_minor(each['amount']['total'])}"
    for each in store.all("paypal_subscription"):
        if parse_qs(each.get("custom_id", "")).get("account") == [ref]:
            yield f"paypal's subscription {each['status']}"


def _minor(decimal: str) -> str:
    return decimal.replace(".", "")


def _of(table: Any, account_id: int) -> Any:
    return select(table).where(table.account_id == account_id)

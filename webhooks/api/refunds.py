"""``/api/accounts/{ref}/refund`` and ``/api/payments/{id}/refund``: money given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, interventions, refunds
from domain.accounts import Account
from domain.errors import Refused
from domain.money import Money
from domain.payments import Payment
from domain.refunds import Refund
from domain.work import Work
from webhooks.api.accounts import ACCOUNT_UNKNOWN, AccountPath
from webhooks.api.fields import Line
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.orders import OrderHeaders


class PaymentPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which payment."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
            description="The payment's number here (digits alone), or its id at the provider.",
            examples=["1042"],
        ),
    ]


class RefundBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be given back, and why."""

    reason: Line
    amount: Annotated[
        Money | None, Meta(description="A part of the payment; left out: all that is left of it.")
    ] = None


class RefundState(msgspec.Struct, frozen=True, kw_only=True):
    """One refund."""

    id: int
    account: str
    payment: Annotated[str, Meta(description="The payment's id at the provider.")]
    provider: str
    amount: Money
    state: Annotated[
        str,
        Meta(
            description="`wanted`: the provider is being asked; `pending`: the money is on its "
            "way; `succeeded`; `failed`: operators know."
        ),
    ]
    origin: Annotated[str, Meta(description="`customer` or `operator`.")]
    reason: str | None
    requested_at: datetime
    settled_at: datetime | None


def post_refund(call: Call, path: AccountPath) -> Reply:
    """The customer's refund of the first payment."""
    services = call.services
    with services.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        work = Work(session, services.catalogue, account, actor=call.principal.actor)
        state = _shown(session, refunds.request_full(work))
    services.bell.ring("perform_effects")
    return Reply(state, 202)


def post_payment_refund(
    call: Call, path: PaymentPath, body: RefundBody, headers: OrderHeaders
) -> Reply:
    """An operator's refund, whole or in part."""
    services = call.services
    with services.database.transaction() as session:
        work, payment = _locked(call, session, path.id)
        key = headers.idempotency_key
        refund = refunds.request(work, payment, body.amount, body.reason, key)
        state = _shown(session, refund)
        subject = ("payment", str(payment.id))
        told = {"refund": refund.id, "amount": str(refund.money)}
        by = call.decider(body.reason)
        interventions.record_once(session, by, "refund", subject, work.account.id, **told)
    services.bell.ring("perform_effects")
    return Reply(state, 202)


def _locked(call: Call, session: Session, named: str) -> tuple[Work, Payment]:
    """The payment, with its account locked. Raises ``Refused`` (404)."""
    payment = _find(session, named)
    account = accounts.lock(session, session.get_one(Account, payment.account_id).ref)
    session.refresh(payment)
    work = Work(session, call.services.catalogue, account, actor=call.principal.actor)
    return work, payment


def _find(session: Session, named: str) -> Payment:
    by = Payment.id == int(named) if _is_number(named) else Payment.reference == named
    found = session.scalars(select(Payment).where(by)).all()
    if len(found) != 1:
        raise Refused("payment_unknown", f"There is no payment {named!r}.", status=404)
    return found[0]


def _is_number(named: str) -> bool:
    # Longer ones are no numbers of ours: the store counts to 2^63.
    return named.isdigit() and len(named) < 19


def _shown(session: Session, refund: Refund) -> RefundState:
    payment = session.get_one(Payment, refund.payment_id)
    return RefundState(
        id=refund.id,
        account=session.get_one(Account, payment.account_id).ref,
        payment=payment.reference,
        provider=refund.provider,
        amount=refund.money,
        state=refund.state,
        origin=refund.origin,
        reason=refund.reason,
        requested_at=refund.requested_at,
        settled_at=refund.settled_at,
    )


_DISPUTED: Final = Refusal(409, "dispute_open", "A dispute about the payment is open.")
_GONE: Final = Refusal(409, "already_refunded", "The money went back already, or is on its way.")
_EXAMPLE: Final[dict[str, Any]] = {
    "id": 17,
    "account": "shop-4711",
    "payment": "pay_3kQ9xT2b",
    "provider": "example",
    "amount": {"amount": 208120, "currency": "CZK"},
    "state": "wanted",
    "origin": "customer",
    "reason": "asked for by the customer",
    "requested_at": "2026-03-09T10:00:00Z",
    "settled_at": None,
}
_BY_OPERATOR: Final[dict[str, Any]] = {
    **_EXAMPLE,
    "amount": {"amount": 50000, "currency": "CZK"},
    "origin": "operator",
    "reason": "two days without service",
}

OPERATIONS: Final = (
    Operation(
        name="postRefund",
        method="POST",
        path="/api/accounts/{ref}/refund",
        tag="refunds",
        summary="Refund the first payment",
        description="The full refund that an account may ask for, for any reason, within the days "
        "of the catalogue (15) after its first payment, and of that payment only. The provider is "
        "asked at once. When the money is on its way back, the credit note is issued, the "
        "subscription ends, the account is blocked with the reason `refunded`, and the customer "
        "and the app are told. While the refund is under way, repeating the call gives the same "
        "refund.",
        roles=frozenset({"app"}),
        handler=post_refund,
        answers={202: Answer(RefundState, "The refund is under way.", _EXAMPLE)},
        refusals=(
            ACCOUNT_UNKNOWN,
            Refusal(409, "nothing_to_refund", "The account has paid nothing."),
            Refusal(409, "refund_window_over", "The days after the first payment are over."),
            Refusal(409, "refund_not_first_payment", "Only a later payment is that young."),
            _GONE,
            _DISPUTED,
        ),
    ),
    Operation(
        name="postPaymentRefund",
        method="POST",
        path="/api/payments/{id}/refund",
        tag="refunds",
        summary="Refund any payment, whole or in part",
        description="An operator's decision. A credit note is issued when the money is on its way "
        "back; the subscription goes on, also after a full refund: an alert "
        "(`refund_without_end`) then asks a person to decide about it. Send an `Idempotency-Key` "
        "and repeat the call with it when no answer came: there will be one refund.",
        roles=frozenset({"operator"}),
        handler=post_payment_refund,
        example={
            "amount": {"amount": 50000, "currency": "CZK"},
            "reason": "two days without service",
        },
        answers={202: Answer(RefundState, "The refund is under way.", _BY_OPERATOR)},
        refusals=(
            Refusal(404, "payment_unknown", "There is no payment of that number or id."),
            Refusal(409, "payment_not_succeeded", "Its money has not arrived."),
            _GONE,
            _DISPUTED,
            Refusal(409, "credit_spent", "The money became credit, and that was spent."),
            Refusal(422, "refund_amount", "Not above zero, or in another currency."),
            Refusal(422, "refund_above_left", "More than what is left of the payment."),
            Refusal(422, "idempotency_key_reused", "The key came with another request before."),
        ),
    ),
)

"""Operators' decisions about one account: block, unblock, order a change, send a paper again."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from domain import accounts, audit, decisions, erasure, interventions, revisions
from domain.accounts import Account
from domain.work import Work
from webhooks.api import order_docs, orders
from webhooks.api.account_state import AccountState, state_of
from webhooks.api.accounts import ACCOUNT_UNKNOWN, STATE, AccountPath
from webhooks.api.event_states import ReasonBody
from webhooks.api.fields import Reason
from webhooks.api.invoices import InvoicePath
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.orders import OrderHeaders, OrderState
from webhooks.api.quotes import TARGET, TARGET_REFUSALS, TargetBody


class ChangeBody(TargetBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the account shall have, and why."""

    reason: Reason


class ErasureBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and whether a subscription that runs is to end with it."""

    reason: Reason
    end_now: bool = False


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased: how much of what."""

    account: str
    payment_methods: int
    effects: int
    payloads: int
    readings: int
    other_rows: int


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that is mailed again."""

    number: str
    account: str
    state: Annotated[str, Meta(description="`wanted`: the mail goes out in a moment.")]


def post_block(call: Call, path: AccountPath, body: ReasonBody) -> Reply:
    """Block."""
    return _decided(call, path.ref, "block", decisions.block, body.reason)


def post_unblock(call: Call, path: AccountPath, body: ReasonBody) -> Reply:
    """Lift the block."""
    return _decided(call, path.ref, "unblock", decisions.unblock, body.reason)


def post_erasure(call: Call, path: AccountPath, body: ErasureBody) -> Reply:
    """Erase the personal data."""
    services, by = call.services, call.decider(body.reason)
    with services.database.transaction() as session:
        done = erasure.erase(_work(call, session, path.ref), by, end_now=body.end_now)
    services.bell.ring("perform_effects")
    return Reply(Erasure(account=path.ref, **done))


def post_change(call: Call, path: AccountPath, body: ChangeBody, headers: OrderHeaders) -> Reply:
    """Order a change for the account."""
    services, by = call.services, call.decider(body.reason)
    key = headers.idempotency_key
    with services.database.transaction() as session:
        work = _work(call, session, path.ref)
        repeats = (key, orders.digest(body)) if key is not None else None
        order = decisions.change(work, body.target, body.reason, idempotency=repeats)
        session.flush()
        is_new = interventions.record_once(
            session, by, "order", ("order", order.id), work.account.id
        )
        state = orders.shown(session, order)
    services.bell.ring("perform_effects")
    headers_of_answer = {"Location": f"/api/orders/{state.id}"}
    return Reply(state, 201 if is_new else 200, headers_of_answer)


def post_resend(call: Call, path: InvoicePath, body: ReasonBody, headers: OrderHeaders) -> Reply:
    """Mail a paper again."""
    services, by = call.services, call.decider(body.reason)
    with services.database.transaction() as session:
        owner = session.get_one(Account, revisions.find(session, path.number).account_id)
        work = _work(call, session, owner.ref)
        request = headers.idempotency_key or uuid4().hex
        decisions.resend_invoice(work, revisions.find(session, path.number), request)
        subject = ("invoice", path.number)
        interventions.record_once(session, by, "resend", subject, work.account.id, request=request)
    services.bell.ring("perform_effects")
    return Reply(Resent(number=path.number, account=owner.ref, state="wanted"), 202)


def _decided(call: Call, ref: str, action: str, decide: Any, reason: str) -> Reply:
    services = call.services
    with services.database.transaction() as session:
        work = _work(call, session, ref)
        decide(work, reason)
        audit.record(
            session, call.decider(reason), action, "account", ref, account_id=work.account.id
        )
        session.flush()
        state = state_of(session, services.catalogue, work.account)
    services.bell.ring("perform_effects")
    return Reply(state)


def _work(call: Call, session: Session, ref: str) -> Work:
    account = accounts.lock(session, ref)
    return Work(session, call.services.catalogue, account, actor=call.principal.actor)


_BLOCKED: Final[dict[str, Any]] = {
    **STATE,
    "status": "blocked",
    "blocked": {"reason": "operator", "at": "2026-03-09T10:00:00Z"},
}
_WHY: Final = {"reason": "the customer asked for it on the phone"}
_KEY_REUSED: Final = Refusal(
    422, "idempotency_key_reused", "The key came with another request before."
)

OPERATIONS: Final = (
    Operation(
        name="postBlock",
        method="POST",
        path="/api/accounts/{ref}/block",
        tag="decisions",
        summary="Block an account",
        description="Until an operator lifts the block; no payment does. The subscription runs "
        "on, but is not renewed meanwhile; an open purchase is withdrawn.",
        roles=frozenset({"operator"}),
        handler=post_block,
        example={"reason": "stolen cards"},
        answers={200: Answer(AccountState, "The account, blocked.", _BLOCKED)},
        refusals=(
            ACCOUNT_UNKNOWN,
            Refusal(409, "already_blocked", "An operator blocked it before."),
        ),
    ),
    Operation(
        name="postUnblock",
        method="POST",
        path="/api/accounts/{ref}/unblock",
        tag="decisions",
        summary="Lift a block",
        description="Whatever its reason. An account whose subscription expired while an operator "
        "had it blocked is then blocked for expiry, which a payment lifts.",
        roles=frozenset({"operator"}),
        handler=post_unblock,
        example=_WHY,
        answers={200: Answer(AccountState, "The account, as it is without the block.", STATE)},
        refusals=(ACCOUNT_UNKNOWN, Refusal(409, "not_blocked", "It is not blocked.")),
    ),
    Operation(
        name="postChange",
        method="POST",
        path="/api/accounts/{ref}/order",
        tag="decisions",
        summary="Order a change for an account",
        description="Any target, also from a year to a month, which a customer cannot order. What "
        "is due is charged to the saved method; when nothing is due, the change is made at once, "
        "and unused time becomes credit. Send an `Idempotency-Key` and repeat the call with it "
        "when no answer came: there will be one order.",
        roles=frozenset({"operator"}),
        handler=post_change,
        example={**TARGET, **_WHY},
        answers={
            200: Answer(
                OrderState, "The order that the same request placed before.", order_docs.CHANGE
            ),
            201: Answer(OrderState, "The order was placed.", order_docs.CHANGE),
        },
        refusals=(
            *(each for each in TARGET_REFUSALS if each.code != "year_to_month"),
            Refusal(409, "account_blocked", "The block is not one that a payment lifts."),
            Refusal(422, "method_not_saved", "Something is due and no method is saved."),
            _KEY_REUSED,
        ),
    ),
    Operation(
        name="postErasure",
        method="POST",
        path="/api/accounts/{ref}/erasure",
        tag="decisions",
        summary="Erase the personal data of an account",
        description="On request of the customer, and for good: the key that opens the payloads is "
        "destroyed, and what is not sealed is overwritten. Ids, amounts, invoices and the audit "
        "log stay. A subscription that runs is ended with `end_now`, without a refund. Repeat the "
        "call for what came since.",
        roles=frozenset({"operator"}),
        handler=post_erasure,
        example={"reason": "the customer asked for it in writing", "end_now": False},
        answers={
            200: Answer(
                Erasure,
                "What was erased.",
                {
                    "account": "shop-4711",
                    "payment_methods": 1,
                    "effects": 7,
                    "payloads": 12,
                    "readings": 3,
                    "other_rows": 4,
                },
            )
        },
        refusals=(
            ACCOUNT_UNKNOWN,
            Refusal(409, "erasure_too_early", "Something is on its way; the message says what."),
            Refusal(409, "subscription_runs", "It is paid for; say `end_now` to end it."),
        ),
    ),
    Operation(
        name="postInvoiceResend",
        method="POST",
        path="/api/invoices/{number}/resend",
        tag="decisions",
        summary="Mail an invoice or credit note again",
        description="The mail that went out with it goes out again, to the address that the "
        "account has now. Send an `Idempotency-Key` and repeat the call with it when no answer "
        "came: there will be one mail.",
        roles=frozenset({"operator"}),
        handler=post_resend,
        example=_WHY,
        answers={
            202: Answer(
                Resent,
                "The mail is on its way.",
                {"number": "2026-000118", "account": "shop-4711", "state": "wanted"},
            )
        },
        refusals=(
            Refusal(404, "invoice_unknown", "There is no paper of that number."),
            Refusal(409, "invoice_not_mailed", "No mail went out with it."),
        ),
    ),
)

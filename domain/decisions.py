"""What operators decide about an account: block it, lift a block, order a change (BILLING 3, 6).

Every decision is made under the account's lock by the ``actor`` of the ``Work``, and says why in
the account's history. The caller writes the line of the audit log in the same transaction.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from domain import access, accounts, announcements, orders, purchasing
from domain.accounts import BLOCKED_FOR_EXPIRY
from domain.effects import Effect
from domain.errors import Refused
from domain.following import TERMINATED
from domain.invoices import Invoice
from domain.methods import current
from domain.notices import EFFECT as MAIL
from domain.notices import notify
from domain.orders import Order
from domain.purchasing import Means, Wish
from domain.subscriptions import OURS, Target
from domain.work import Work

OPERATOR: Final = "operator"
"""Why an account is blocked that an operator blocked; what moved them stands in the history."""


def block(work: Work, reason: str) -> None:
    """Block the account until an operator lifts it; no payment does (BILLING 6).

    The subscription runs on, but is not renewed meanwhile; an open purchase is withdrawn, and money
    that comes for it all the same becomes credit. A less grave block gives way. Raises ``Refused``
    when an operator blocked the account before.
    """
    _check_actor(work)
    if not accounts.block_firmly(work.account, OPERATOR, work.now):
        raise Refused(
            "already_blocked",
            f"Account {work.account.ref!r} was blocked by an operator on "
            f"{work.account.blocked_at:%Y-%m-%d %H:%M} UTC; it stays so until it is unblocked.",
            ref=work.account.ref,
            at=work.account.blocked_at,
        )
    access.copy_block(work)
    work.note("account_blocked", reason=reason)
    _withdraw_purchase(work)
    announcements.blocked(work, OPERATOR, _cause(work, "block"))


def unblock(work: Work, reason: str) -> None:
    """Lift the block, whatever its reason.

    Lifting an operator's block restores what would be without it: an account whose subscription
    expired meanwhile is then blocked for expiry, which a payment lifts. Any other block is lifted
    even though nothing is paid: the account is active by this decision, and may buy again. Raises
    ``Refused`` when the account is not blocked.
    """
    _check_actor(work)
    lifted = work.account.blocked_reason
    if lifted is None or not accounts.unblock(work.account, lifted):
        raise Refused(
            "not_blocked",
            f"Account {work.account.ref!r} is not blocked: there is nothing to lift.",
            ref=work.account.ref,
        )
    access.copy_block(work)
    work.note("account_unblocked", reason=reason, block=lifted)
    cause = _cause(work, "unblock")
    if lifted not in accounts.GRAVITY and _has_expired(work):
        access.block(work, BLOCKED_FOR_EXPIRY, cause)
    else:
        announcements.unblocked(work, cause)
    _look_at_once(work)


def change(
    work: Work, target: Target, reason: str, *, idempotency: tuple[str, str] | None = None
) -> Order:
    """Order ``target`` for the account, year → month included (BILLING 3).

    What is due is charged to the saved method; when nothing is due, the order is paid at once,
    which takes an invoice number. ``idempotency`` is the caller's key and the hash of its request:
    the same gives the same order again. Raises ``Refused`` as for a customer's order, and when
    something is due and no method is saved.
    """
    _check_actor(work)
    wish = Wish(target=target, idempotency=idempotency)
    order, is_new = purchasing.place_order(work, wish, lambda: _saved_means(work), by_us=True)
    if is_new:
        work.note("change_decided", order=order.id, reason=reason)
    return order


def resend_invoice(work: Work, invoice: Invoice, request: str) -> None:
    """Send the mail with an invoice or credit note again, to the address that the account has now.

    ``request`` names the wish: the same one sends nothing more. Raises ``Refused`` when no mail
    went out with that paper.
    """
    _check_actor(work)
    sent = _mail_with(work, invoice)
    if sent is None:
        raise Refused(
            "invoice_not_mailed",
            f"No mail went out with {invoice.number}, so there is none to send again; its PDF is "
            f"at /api/invoices/{invoice.number}.pdf.",
            number=invoice.number,
        )
    cause = f"resend:{invoice.id}:{request}"
    if notify(work, sent.target, cause, sent.payload["parameters"], invoice_id=invoice.id):
        work.note("invoice_resent", number=invoice.number)


def _mail_with(work: Work, invoice: Invoice) -> Effect | None:
    """The last mail that the paper was attached to."""
    statement = (
        select(Effect)
        .where(Effect.account_id == work.account.id, Effect.kind == MAIL)
        .order_by(Effect.id.desc())
    )
    mails = work.session.scalars(statement)
    return next((m for m in mails if m.payload.get("attach") == {"invoice": invoice.id}), None)


def _check_actor(work: Work) -> None:
    """Raise ValueError for a ``Work`` without an actor: a decision is a person's."""
    if work.actor is None:
        raise ValueError("a decision needs the actor who made it")


def _saved_means(work: Work) -> Means:
    if current(work.session, work.account.id) is None:
        ref = work.account.ref
        raise Refused(
            "method_not_saved",
            f"Something is due for this change, and account {ref!r} has no saved payment method "
            f"that could be charged. Have the customer save one (POST /api/accounts/{ref}"
            "/payment-method), then order again.",
            status=422,
            ref=ref,
        )
    return purchasing.saved_means(work.session, work.account)


def _withdraw_purchase(work: Work) -> None:
    """Nobody is to pay for an account that is blocked. A renewal is left: its charge may be under
    way, and one that was not sent yet rests."""
    order = orders.open_of(work.session, work.account.id)
    if order is None or order.kind != "purchase":
        return
    if purchasing.withdraw(work, order, "failed", OPERATOR):
        work.note("order_failed", order=order.id, reason="the account was blocked")


def _has_expired(work: Work) -> bool:
    """Whether the account would be blocked for expiry: its subscription is over by itself, not
    because its money went back."""
    subscription = work.subscription
    if subscription is None or subscription.is_running:
        return False
    return subscription.auto_renew_off_reason not in TERMINATED


def _look_at_once(work: Work) -> None:
    """A renewal that rested because of the block is due now."""
    subscription = work.subscription
    if subscription is not None and subscription.is_running and subscription.managed_by == OURS:
        subscription.next_due_at = work.now


def _cause(work: Work, what: str) -> str:
    return f"decision:{what}:{work.account.id}:{work.now.isoformat()}"

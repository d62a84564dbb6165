"""``/api/accounts/{ref}/orders`` and ``/api/orders/{id}``: buy, look, give up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, effects, orders, purchasing
from domain.accounts import Account
from domain.errors import Refused
from domain.money import Money
from domain.orders import Order
from domain.payments import Payment
from domain.purchasing import Means, Wish
from domain.work import Work
from webhooks.api import order_docs as docs
from webhooks.api.accounts import AccountPath
from webhooks.api.fields import HttpUrl
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.parts import Services
from webhooks.api.quotes import TARGET_REFUSALS, TargetBody

SAVED: Final = "saved"


class OrderPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which order."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
            description="The order's id: letters, digits, _ and -.",
            examples=[docs.ID],
        ),
    ]


IdempotencyKey = Annotated[
    str,
    Meta(
        pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$(?!\n)",
        description="1 to 255 printable ASCII characters, new for each purchase. The same key "
        "with the same request gives the same order again, with another request a refusal.",
    ),
]


class OrderHeaders(msgspec.Struct, frozen=True, kw_only=True):
    """What makes repeating a call harmless."""

    idempotency_key: IdempotencyKey | None = msgspec.field(default=None, name="Idempotency-Key")


class OrderBody(TargetBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be bought, and how it is to be paid."""

    method: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)",
            description="`card`, `paypal`, or `saved` for the account's saved method.",
            examples=["card"],
        ),
    ]
    return_url: HttpUrl | None = None
    """Where the customer goes after paying."""
    cancel_url: HttpUrl | None = None
    """Where the customer goes to give up."""


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `total` includes VAT, `due` is what a provider has to bring after credit."""

    id: str
    account: str
    kind: Annotated[str, Meta(description="`purchase` or `renewal`.")]
    state: Annotated[
        str, Meta(description="`open`, then `paid`, `failed`, `expired` or `superseded`.")
    ]
    method: Annotated[str, Meta(description="As asked, or `credit` when nothing was due.")]
    total: Money
    due: Money
    currency: str
    checkout: Annotated[
        str | None,
        Meta(
            description="`preparing`: ask again in a moment; `ready`: send the customer to "
            "`checkout_url`; `failed`: the provider made no page, operators know; null: none is "
            "needed (any more)."
        ),
    ]
    checkout_url: str | None
    payment: Annotated[
        str | None,
        Meta(description="The latest try to pay: `pending`, `failed`, `succeeded`; null: none."),
    ]
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    failure: str | None


def post_order(call: Call, path: AccountPath, body: OrderBody, headers: OrderHeaders) -> Reply:
    """Place an order, or find the one that the same request placed before."""
    services = call.services
    wish = _wish(body, headers)
    with services.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        work = Work(session, services.catalogue, account, actor=call.principal.actor)
        means = _means(services, session, account, body.method)
        order, is_new = purchasing.place_order(work, wish, means)
        order_id = order.id
    services.bell.ring("perform_effects")
    return _placed(services, order_id, 201 if is_new else 200)


def get_order(call: Call, path: OrderPath) -> Reply:
    """Read an order."""
    with call.services.database.transaction() as session:
        return Reply(shown(session, orders.find(session, path.id)))


def delete_order(call: Call, path: OrderPath) -> Reply:
    """Give an order up."""
    services = call.services
    with services.database.transaction() as session:
        account, order = purchasing.lock_account_of(session, path.id)
        work = Work(session, services.catalogue, account, actor=call.principal.actor)
        purchasing.give_up(work, order)
        state = shown(session, order)
    services.bell.ring("perform_effects")
    return Reply(state)


def _wish(body: OrderBody, headers: OrderHeaders) -> Wish:
    if body.method != SAVED and (body.return_url is None or body.cancel_url is None):
        raise Refused(
            "urls_missing",
            f"Method {body.method!r} sends the customer to a page: return_url and cancel_url are "
            "needed.",
            status=422,
        )
    key = headers.idempotency_key
    return Wish(
        target=body.target,
        return_url=body.return_url,
        cancel_url=body.cancel_url,
        idempotency=(key, digest(body)) if key is not None else None,
    )


def digest(body: msgspec.Struct) -> str:
    """What tells one request from another under the same idempotency key."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def _means(
    services: Services, session: Session, account: Account, method: str
) -> Callable[[], Means]:
    """How the order will be paid; asked only when something is due."""

    def means() -> Means:
        if method == SAVED:
            return purchasing.saved_means(session, account)
        provider = services.providers.for_method(method)
        if provider is None:
            raise _method_off(services, method)
        return Means(method=method, provider=provider.name)

    return means


def _method_off(services: Services, method: str) -> Refused:
    switched_on = [each for provider in services.providers for each in provider.spec.methods]
    choice = ", ".join([*switched_on, SAVED])
    return Refused(
        "method_off",
        f"Payment method {method!r} is not available here; choose one of: {choice}.",
        status=422,
    )


def _placed(services: Services, order_id: str, status: int) -> Reply:
    with services.database.transaction() as session:
        state = shown(session, orders.find(session, order_id))
    headers = {"Location": f"/api/orders/{order_id}"}
    if state.checkout != "preparing":
        return Reply(state, status, headers)
    return Reply(state, status, headers, again=lambda: _placed(services, order_id, status))


def shown(session: Session, order: Order) -> OrderState:
    """The order as callers see it."""
    account = session.get_one(Account, order.account_id)
    checkout = _checkout(session, order)
    return OrderState(
        id=order.id,
        account=account.ref,
        kind=order.kind,
        state=order.state,
        method=order.method,
        total=Money(order.total, order.currency),
        due=order.money_due,
        currency=order.currency,
        checkout=checkout,
        checkout_url=order.checkout_url if checkout == "ready" else None,
        payment=_latest_try(session, order),
        created_at=order.created_at,
        expires_at=order.expires_at,
        closed_at=order.closed_at,
        failure=order.failure,
    )


def _checkout(session: Session, order: Order) -> str | None:
    if order.state != orders.OPEN or order.provider is None:
        return None
    if order.checkout_url is not None:
        return "ready"
    beginning = purchasing.beginning(session, order)
    if beginning in effects.PLANNED:
        return "preparing"
    return "failed" if beginning == "parked" else None


def _latest_try(session: Session, order: Order) -> str | None:
    statement = select(Payment.state).where(Payment.order_id == order.id)
    return session.scalar(statement.order_by(Payment.id.desc()).limit(1))


_ORDER_UNKNOWN: Final = Refusal(404, "order_unknown", "There is no order of that id.")
_EXAMPLE: Final[dict[str, Any]] = docs.ORDER

OPERATIONS: Final = (
    Operation(
        name="postOrder",
        method="POST",
        path="/api/accounts/{ref}/orders",
        tag="purchases",
        summary="Buy",
        description=docs.BUY,
        roles=frozenset({"app"}),
        handler=post_order,
        example=docs.REQUEST,
        answers={
            200: Answer(OrderState, "The order that the same request placed before.", _EXAMPLE),
            201: Answer(OrderState, "The order was placed.", _EXAMPLE),
        },
        refusals=(
            *TARGET_REFUSALS,
            Refusal(409, "account_blocked", "The block is not one that a payment lifts."),
            Refusal(422, "urls_missing", "The method needs return_url and cancel_url."),
            Refusal(422, "method_off", "No provider that is switched on serves the method."),
            Refusal(422, "method_not_saved", "The account has no saved method."),
            Refusal(422, "idempotency_key_reused", "The key came with another request before."),
        ),
    ),
    Operation(
        name="getOrder",
        method="GET",
        path="/api/orders/{id}",
        tag="purchases",
        summary="Read an order",
        description="The order as of now. Only a provider's event makes it `paid`, so the page "
        "that the customer returns to may ask before that has come: ask again in a moment.",
        roles=frozenset({"app", "viewer"}),
        handler=get_order,
        answers={200: Answer(OrderState, "The order.", _EXAMPLE)},
        refusals=(_ORDER_UNKNOWN,),
    ),
    Operation(
        name="deleteOrder",
        method="DELETE",
        path="/api/orders/{id}",
        tag="purchases",
        summary="Give an order up",
        description="The order becomes `failed` and its page is closed. Repeating the call, or "
        "giving up an order that is closed already, changes nothing. Money that arrives all the "
        "same becomes credit.",
        roles=frozenset({"app"}),
        handler=delete_order,
        answers={200: Answer(OrderState, "The order, closed.", docs.GIVEN_UP)},
        refusals=(
            _ORDER_UNKNOWN,
            Refusal(409, "order_paid", "The order is paid."),
            Refusal(409, "order_is_renewal", "The order renews a subscription."),
        ),
    ),
)

"""``/api/accounts/{ref}/payment-method``: a page to enter a new one, and removal (BILLING 4)."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select

from domain import accounts, effects, methods
from domain.effects import Effect
from domain.errors import Refused
from domain.work import Work
from webhooks.api.account_state import AccountState, state_of
from webhooks.api.accounts import AccountPath
from webhooks.api.fields import HttpUrl
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply
from webhooks.api.parts import Services


class MethodBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which kind of method, and where the customer goes afterwards."""

    method: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)",
            description="`card` or `paypal`.",
            examples=["card"],
        ),
    ]
    return_url: HttpUrl
    cancel_url: HttpUrl


class MethodPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page where a new method is entered."""

    state: Annotated[
        str,
        Meta(
            description="`ready`: send the customer to `url`; `preparing`: ask again with a new "
            "call; `failed`: the provider made no page, operators know."
        ),
    ]
    url: str | None


def post_method(call: Call, path: AccountPath, body: MethodBody) -> Reply:
    """Have a page made, and wait a moment for its address."""
    services = call.services
    provider = services.providers.for_method(body.method)
    if provider is None:
        detail = f"Payment method {body.method!r} is not available here."
        raise Refused("method_off", detail, status=422)
    with services.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        work = Work(session, services.catalogue, account, actor=call.principal.actor)
        name = secrets.token_hex(8)
        urls = body.return_url, body.cancel_url
        cause = methods.open_entry(work, provider.name, name, *urls)
    services.bell.ring("perform_effects")
    return _page(services, cause)


def delete_method(call: Call, path: AccountPath) -> Reply:
    """Remove the saved method here, and have the provider forget it."""
    services = call.services
    with services.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        methods.forget(Work(session, services.catalogue, account, actor=call.principal.actor))
        session.flush()
        state = state_of(session, services.catalogue, account)
    services.bell.ring("perform_effects")
    return Reply(state)


def _page(services: Services, cause: str) -> Reply:
    statement = select(Effect).where(Effect.cause == cause, Effect.kind == methods.OPEN_ENTRY)
    with services.database.transaction() as session:
        effect = session.scalars(statement).one()
        result = effect.result or {}
        page = MethodPage(state=_state(effect), url=result.get("url"))
    if page.state != "preparing":
        return Reply(page, 201)
    return Reply(page, 201, again=lambda: _page(services, cause))


def _state(effect: Effect) -> str:
    if effect.status in effects.PLANNED:
        return "preparing"
    return "ready" if effect.status == "done" else "failed"


_UNKNOWN: Final = Refusal(404, "account_unknown", "There is no account of that reference.")

OPERATIONS: Final = (
    Operation(
        name="postPaymentMethod",
        method="POST",
        path="/api/accounts/{ref}/payment-method",
        tag="accounts",
        summary="Get a page to enter a new payment method",
        description="The customer enters a card or approves a wallet on the provider's page; it "
        "then replaces the saved method. A renewal that is failing is tried with it at once. "
        "Visa and Mastercard are taken, other brands are not stored.",
        roles=frozenset({"app"}),
        handler=post_method,
        example={
            "method": "card",
            "return_url": "https://app.example/billing",
            "cancel_url": "https://app.example/billing",
        },
        answers={201: Answer(MethodPage, "The page.")},
        refusals=(
            _UNKNOWN,
            Refusal(422, "method_off", "No provider that is switched on serves the method."),
        ),
    ),
    Operation(
        name="deletePaymentMethod",
        method="DELETE",
        path="/api/accounts/{ref}/payment-method",
        tag="accounts",
        summary="Remove the saved payment method",
        description="Nothing is charged to it any more; without a new one the next renewal fails. "
        "Repeating the call changes nothing.",
        roles=frozenset({"app"}),
        handler=delete_method,
        answers={200: Answer(AccountState, "The account as it is now.")},
        refusals=(_UNKNOWN,),
    ),
)

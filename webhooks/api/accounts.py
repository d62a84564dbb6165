"""``/api/accounts/{ref}``: create, change and read an account."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from domain import accounts, registration
from domain.registration import Details
from webhooks.api.account_state import AccountState, for_viewers, state_of
from webhooks.api.fields import (
    Country,
    Currency,
    Email,
    Line,
    Locale,
    Ref,
    ShortLine,
    VatNumber,
)
from webhooks.api.operation import VIEWER, Answer, Call, Operation, Refusal, Reply

ACCOUNT_UNKNOWN: Final = Refusal(404, "account_unknown", "There is no account of that ref.")


class AccountPath(msgspec.Struct, frozen=True, kw_only=True):
    """Which account."""

    ref: Ref


class Billing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The buyer on invoices; whatever is left out is not printed."""

    name: Line | None = None
    street: Line | None = None
    city: Line | None = None
    postal_code: ShortLine | None = None
    country: Country | None = None
    vat_number: VatNumber | None = None
    email: Email | None = None


class AccountDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account as the app knows it. The whole is replaced: what is left out is forgotten."""

    email: Email
    currency: Currency
    locale: Locale = "en"
    billing: Billing = Billing()


def put_account(call: Call, path: AccountPath, body: AccountDetails) -> Reply:
    """Create or update."""
    services = call.services
    details = Details(
        email=body.email,
        locale=body.locale,
        currency=body.currency,
        billing=_known(body.billing),
    )
    with services.database.transaction() as session:
        account, is_new = registration.register(
            session, services.catalogue, path.ref, details, call.principal.actor
        )
        state = state_of(session, services.catalogue, account)
    return Reply(state, 201 if is_new else 200)


def get_account(call: Call, path: AccountPath) -> Reply:
    """Read; who is only a viewer is not told who the customer is."""
    services = call.services
    with services.database.transaction() as session:
        account = accounts.find(session, path.ref)
        state = state_of(session, services.catalogue, account)
    return Reply(for_viewers(state) if call.principal.role == VIEWER else state)


def _known(billing: Billing) -> dict[str, str]:
    values = msgspec.structs.asdict(billing)
    return {name: value for name, value in values.items() if value is not None}


_BILLING: Final[dict[str, Any]] = {
    "name": "Květinářství Anna s.r.o.",
    "street": "Lidická 12",
    "city": "Brno",
    "postal_code": "602 00",
    "country": "CZ",
    "vat_number": "CZ12345679",
    "email": "invoices@example.com",
}
_DETAILS: Final[dict[str, Any]] = {
    "email": "anna@example.com",
    "locale": "cs",
    "currency": "CZK",
    "billing": _BILLING,
}
STATE: Final[dict[str, Any]] = {
    "ref": "shop-4711",
    **_DETAILS,
    "status": "active",
    "blocked": None,
    "subscription": {
        "plan": "standard",
        "interval": "month",
        "agents": 3,
        "conversations": 200,
        "period_start": "2026-03-02T10:00:00Z",
        "period_end": "2026-04-02T10:00:00Z",
        "auto_renew": True,
        "auto_renew_off_reason": None,
        "state": "active",
        "managed_by": "us",
    },
    "credit": {"amount": 0, "currency": "CZK"},
    "credit_other": [],
    "payment_method": {
        "label": "visa ····4242",
        "kind": "card",
        "brand": "visa",
        "last4": "4242",
        "expires": "2029-08",
    },
    "open_order": None,
    "next_charge": {
        "at": "2026-04-01T10:00:00Z",
        "amount": {"amount": 208120, "currency": "CZK"},
    },
    "warnings": [],
    "vat": {"number": "CZ12345679", "status": "unchecked", "checked_at": None},
}

OPERATIONS: Final = (
    Operation(
        name="putAccount",
        method="PUT",
        path="/api/accounts/{ref}",
        tag="accounts",
        summary="Create or update an account",
        description="Send the whole of what the app knows of the customer; what is left out is "
        "forgotten. Repeating the call changes nothing. The currency can change only while there "
        "is neither a running subscription nor credit; an open order, whose price is in the old "
        "currency, is superseded. New billing details apply to invoices from now on.",
        roles=frozenset({"app"}),
        handler=put_account,
        example=_DETAILS,
        answers={
            200: Answer(AccountState, "The account was there; it now has these details.", STATE),
            201: Answer(AccountState, "The account was created."),
        },
        refusals=(
            Refusal(409, "currency_fixed", "A subscription is running, or there is credit."),
            Refusal(422, "country_unknown", "The country is not one of ISO 3166-1."),
        ),
    ),
    Operation(
        name="getAccount",
        method="GET",
        path="/api/accounts/{ref}",
        tag="accounts",
        summary="Read an account",
        description="Everything that the app's own pages show: may the account be used, what has "
        "it, until when, what is paid next and how. For a viewer, what tells who the customer is "
        "is covered.",
        roles=frozenset({"app", "viewer"}),
        handler=get_account,
        answers={200: Answer(AccountState, "The account as of now.", STATE)},
        refusals=(ACCOUNT_UNKNOWN,),
    ),
)

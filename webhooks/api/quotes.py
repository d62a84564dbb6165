"""``POST /api/accounts/{ref}/quotes``: what a target would cost, before anything is paid."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from domain import accounts, quotes
from domain.money import Money
from domain.quotes import Quote
from domain.subscriptions import Target
from webhooks.api.accounts import ACCOUNT_UNKNOWN, AccountPath
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply


class TargetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of what is wanted, never a difference."""

    plan: Annotated[Literal["standard", "pro"], Meta(description="standard or pro.")]
    interval: Annotated[Literal["month", "year"], Meta(description="month or year.")]
    agents: Annotated[
        int, Meta(ge=1, le=100_000, description="How many agents in all, from 1 to 100000.")
    ]
    conversations: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Chatbot conversations per month in all: what the plan includes, plus "
            "whole packs, up to the plan's limit.",
        ),
    ]

    @property
    def target(self) -> Target:
        """The same for the domain."""
        return Target(
            plan=self.plan,
            interval=self.interval,
            agents=self.agents,
            conversations=self.conversations,
        )


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """One priced line; prices are net."""

    item: Annotated[str, Meta(description="`agents` or `conversations` (in packs).")]
    plan: str
    interval: str
    quantity: int
    unit_price: Money
    net: Money


class QuoteVat(msgspec.Struct, frozen=True, kw_only=True):
    """The value added tax: `domestic`, `consumer` (elsewhere in the EU), `reverse_charge` or
    `outside` the EU; `percent` as decimal text."""

    treatment: str
    country: str
    percent: str
    amount: Money


class PeriodState(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is bought, `[start, end)`; it starts at the moment of payment."""

    start: datetime
    end: datetime


class QuoteState(msgspec.Struct, frozen=True, kw_only=True):
    """What is bought, for how much, for when.

    `price` is the sum of the lines, `discount` the unused time of the running period (at most the
    price), `net` the price less the discount, `total` net plus VAT, `due` the total less
    `credit_used`; `credit_earned` is what is left of the unused time.
    """

    lines: list[QuoteLine]
    price: Money
    discount: Money
    net: Money
    vat: QuoteVat
    total: Money
    credit_used: Money
    due: Money
    credit_earned: Money
    period: PeriodState


def post_quote(call: Call, path: AccountPath, body: TargetBody) -> Reply:
    """Price the target; nothing is kept."""
    services = call.services
    with services.database.transaction() as session:
        account = accounts.find(session, path.ref)
        quote = quotes.make(session, services.catalogue, account, body.target)
    return Reply(shown(quote))


def shown(quote: Quote) -> QuoteState:
    """A quote as callers see it."""
    vat = QuoteVat(
        treatment=quote.vat_treatment,
        country=quote.vat_country,
        percent=quote.vat_percent,
        amount=quote.vat,
    )
    return QuoteState(
        lines=[QuoteLine(**msgspec.structs.asdict(line)) for line in quote.lines],
        price=quote.price,
        discount=quote.discount,
        net=quote.net,
        vat=vat,
        total=quote.total,
        credit_used=quote.credit_used,
        due=quote.due,
        credit_earned=quote.credit_earned,
        period=PeriodState(start=quote.period_start, end=quote.period_end),
    )


def _czk(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CZK"}


TARGET: Final[dict[str, Any]] = {
    "plan": "standard",
    "interval": "month",
    "agents": 3,
    "conversations": 200,
}
_EXAMPLE: Final = {
    "lines": [
        {
            "item": "agents",
            "plan": "standard",
            "interval": "month",
            "quantity": 3,
            "unit_price": _czk(49000),
            "net": _czk(147000),
        },
        {
            "item": "conversations",
            "plan": "standard",
            "interval": "month",
            "quantity": 1,
            "unit_price": _czk(25000),
            "net": _czk(25000),
        },
    ],
    "price": _czk(172000),
    "discount": _czk(0),
    "net": _czk(172000),
    "vat": {"treatment": "domestic", "country": "CZ", "percent": "21", "amount": _czk(36120)},
    "total": _czk(208120),
    "credit_used": _czk(0),
    "due": _czk(208120),
    "credit_earned": _czk(0),
    "period": {"start": "2026-03-02T10:00:00Z", "end": "2026-04-02T10:00:00Z"},
}
TARGET_REFUSALS: Final = (
    ACCOUNT_UNKNOWN,
    Refusal(409, "year_to_month", "A yearly subscription runs; support can change it."),
    Refusal(409, "managed_elsewhere", "A provider runs the subscription."),
    Refusal(422, "conversations_out_of_range", "Not what the plan includes plus whole packs."),
)

OPERATIONS: Final = (
    Operation(
        name="postQuote",
        method="POST",
        path="/api/accounts/{ref}/quotes",
        tag="purchases",
        summary="Ask what a target costs",
        description="First purchase, more or fewer agents, more conversations, another plan, "
        "month to year: all are one question, asked with the whole of what is wanted. Unused time "
        "of the running period is a discount; what exceeds the price becomes credit. A quote is "
        "an answer, not a document: nothing is kept.",
        roles=frozenset({"app"}),
        handler=post_quote,
        example=TARGET,
        answers={200: Answer(QuoteState, "The price as of now.", _EXAMPLE)},
        refusals=TARGET_REFUSALS,
    ),
)

"""Open the page where a customer enters a new means of payment, without paying."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from domain import accounts, clock, effects
from domain.effects import Effect
from domain.ports import MethodRequest
from workers.runtime import Runtime

FIRST_LOOK: Final = timedelta(seconds=20)
"""Nobody enters a method faster; then it is asked again along the list of delays."""


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask the provider for the page; the API reads its address from this effect's result."""
    provider = effect.target
    with runtime.database.transaction() as session:
        account = session.get_one(accounts.Account, effect.account_id)
        request = MethodRequest(
            key=effect.key,
            account=account.ref,
            email=account.email,
            customer=accounts.customer_at(session, provider, account.id),
            locale=account.locale,
            currency=account.currency,
            return_url=effect.payload["return_url"],
            cancel_url=effect.payload["cancel_url"],
        )
    page = runtime.providers[provider].gateway.open_method_entry(request)
    with runtime.database.transaction() as session:
        if page.customer is not None:
            accounts.remember_customer(session, provider, page.customer, account.id)
        effects.want(
            session,
            "complete_method_entry",
            page.id,
            effect.cause,
            payload={"provider": provider},
            account_id=account.id,
            at=clock.now() + FIRST_LOOK,
        )
    return {"checkout": page.id, "url": page.url}

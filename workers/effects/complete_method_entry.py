"""Take over a means of payment that was entered on a page, where no event tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from domain import accounts, charges, clock, invoices
from domain.effects import Effect
from domain.errors import NotYet
from domain.facts import MethodSaved
from domain.work import Work
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

PATIENCE: Final = timedelta(hours=3)
"""A page that nobody used for this long is given up."""


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask whether a method was entered; keep it, and try a failing renewal with it."""
    provider: str = effect.payload["provider"]
    method = runtime.providers[provider].gateway.complete_method_entry(effect.target, effect.key)
    if method is None:
        if clock.now() - effect.created_at > PATIENCE:
            raise Overtaken("nothing was entered here, or the provider's event told of it")
        raise NotYet("nothing was entered yet")
    with runtime.database.transaction() as session:
        ref = session.get_one(accounts.Account, effect.account_id).ref
        account = accounts.lock(session, ref)
        work = Work(session, runtime.catalogue, account, provider=provider)
        charges.method_saved_rule(MethodSaved(method=method, customer=method.customer), work)
        invoices.number_all(session, work.papers)
    runtime.bell.ring("perform_effects")
    return {"kind": method.kind}

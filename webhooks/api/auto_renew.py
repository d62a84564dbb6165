"""``PUT /api/accounts/{ref}/auto-renew``: the customer switches it off and on (BILLING 5)."""

from __future__ import annotations

from typing import Final

import msgspec

from domain import accounts, renewals, subscriptions, timetable
from domain.errors import Refused
from domain.work import Work
from webhooks.api.account_state import AccountState, state_of
from webhooks.api.accounts import AccountPath
from webhooks.api.operation import Answer, Call, Operation, Refusal, Reply


class AutoRenewBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the subscription shall renew itself."""

    on: bool


def put_auto_renew(call: Call, path: AccountPath, body: AutoRenewBody) -> Reply:
    """Switch, plan what is due next, and answer the account as it then is."""
    services = call.services
    with services.database.transaction() as session:
        account = accounts.lock(session, path.ref)
        subscription = subscriptions.of(session, account.id)
        if subscription is None or not subscription.is_running:
            raise Refused(
                "no_subscription",
                f"Account {path.ref!r} has no running subscription; auto-renew comes on with the "
                "next payment.",
            )
        work = Work(session, services.catalogue, account, actor=call.principal.actor)
        renewals.switch(work, subscription, on=body.on)
        timetable.plan(services.catalogue, subscription, work.now)
        session.flush()
        return Reply(state_of(session, services.catalogue, account))


OPERATIONS: Final = (
    Operation(
        name="putAutoRenew",
        method="PUT",
        path="/api/accounts/{ref}/auto-renew",
        tag="accounts",
        summary="Switch auto-renew on or off",
        description="Off: the subscription ends with the period that is paid, with warnings "
        "before. On: it renews itself again. Repeating the call changes nothing. A subscription "
        "that a provider runs is switched at the provider.",
        roles=frozenset({"app"}),
        handler=put_auto_renew,
        example={"on": False},
        answers={200: Answer(AccountState, "The account as it is now.")},
        refusals=(
            Refusal(404, "account_unknown", "There is no account of that reference."),
            Refusal(409, "no_subscription", "Nothing is running that could renew itself."),
            Refusal(409, "managed_elsewhere", "The provider runs the subscription."),
        ),
    ),
)

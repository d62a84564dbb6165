"""What the catalogue sells, and that its numbers are those the rules go by (BILLING 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import StatementError

from domain import accounts, quotes, refunds
from domain.accounts import Account
from domain.database import Database
from domain.errors import Refused
from domain.money import Money
from domain.quotes import Quote
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import working
from tests.invariants import assert_invariants
from workers.runtime import Runtime

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database, runtime.catalogue)


def quoted(runtime: Runtime, **target: Any) -> Quote:
    with runtime.database.transaction() as session:
        account = accounts.find(session, "acme")
        return quotes.make(session, runtime.catalogue, account, lives.target(**target))


def sells(runtime: Runtime, **parts: dict[str, Any]) -> None:
    """Change numbers of the catalogue: the part's name, then its fields."""
    changed = {
        name: msgspec.structs.replace(getattr(runtime.catalogue, name), **fields)
        for name, fields in parts.items()
    }
    runtime.catalogue = msgspec.structs.replace(runtime.catalogue, **changed)


@pytest.mark.parametrize("plan, included, most", [("standard", 100, 500), ("pro", 500, 10_000)])
def test_conversations_are_included_and_can_be_extended_in_packs_up_to_the_plans_maximum(
    runtime: Runtime, plan: str, included: int, most: int
) -> None:
    lives.account(runtime)
    assert [line.item for line in quoted(runtime, plan=plan, conversations=included).lines] == [
        "agents"
    ]
    extended = quoted(runtime, plan=plan, conversations=most).lines[1]
    pack = runtime.catalogue.pack_price("month", "CZK")
    packs = (most - included) // 100
    assert (extended.quantity, extended.net) == (packs, Money(pack.amount * packs, "CZK"))


@pytest.mark.parametrize(
    "plan, conversations", [("standard", 600), ("pro", 10_100), ("pro", 400), ("pro", 550)]
)
def test_an_extension_outside_of_the_plans_range_or_packs_is_refused_and_named(
    runtime: Runtime, plan: str, conversations: int
) -> None:
    lives.account(runtime)
    with pytest.raises(Refused, match=f"conversations of plan {plan} must be from") as refused:
        quoted(runtime, plan=plan, conversations=conversations)
    assert refused.value.code == "conversations_out_of_range"


def test_the_renewal_follows_the_catalogues_hours_retries_and_grace(runtime: Runtime) -> None:
    renewal = {"ahead_hours": 48, "retry_days": (1, 3), "grace_days": 4}
    sells(runtime, renewal=renewal)
    end = life.subscriber(runtime)
    life.time_comes(runtime, end - 48 * HOUR - timedelta(seconds=1))
    assert life.charge(runtime) is None
    for moment in (end - 48 * HOUR, end + DAY, end + 3 * DAY):
        life.tries(runtime, moment, "soft")
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"
    life.time_comes(runtime, end + 4 * DAY)
    assert life.account(runtime).status == "blocked"


def test_warnings_and_the_refund_window_follow_the_catalogue(runtime: Runtime) -> None:
    sells(runtime, expiry={"warning_days": (5,)}, refunds={"window_days": 2})
    end = life.subscriber(runtime)
    life.switches(runtime, on=False)
    for days in (7, 5, 3, 1):
        life.time_comes(runtime, end - days * DAY)
    warned = [m.payload["parameters"]["days"] for m in life.mails(runtime, "expiry_warning")]
    assert warned == [5]
    with pytest.raises(Refused, match="within 2 days of the first payment"):
        working(runtime, refunds.request_full)


def test_an_instant_without_a_time_zone_is_not_stored(runtime: Runtime) -> None:
    lives.account(runtime)
    naive = datetime(2026, 3, 1, 10, 0)  # noqa: DTZ001 - that is the point
    with (
        pytest.raises(StatementError, match="naive instant"),
        runtime.database.transaction() as session,
    ):
        session.get_one(Account, 1).created_at = naive
    with runtime.database.transaction() as session:
        assert session.get_one(Account, 1).created_at.tzinfo is UTC

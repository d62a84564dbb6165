"""The short form of the campaign: some hundred hostile deliveries against a whole Billhook."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from domain.inbox import Attempt
from tests.contract.participants import PARTICIPANTS
from tests.fuzz.__main__ import run_round
from tests.fuzz.target import Finding, Target, check, target_in

STORIES = ("first-purchase-card", "first-purchase-wallet", "refund-in-time", "stripe-billing")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A Billhook whose accounts have paid, and what the providers sent about it."""
    with target_in(tmp_path_factory.mktemp("fuzz"), STORIES) as target:
        yield target


def test_hostile_deliveries_crash_nothing_and_make_no_money_believed(target: Target) -> None:
    run_round(target, secrets.randbelow(10**6), cases=300)
    assert target.answers["stripe 200"] > 20
    assert target.answers["paypal 200"] > 20
    assert target.answers["stripe 400"] + target.answers["paypal 400"] > 20


def test_the_campaign_notices_a_crash(target: Target) -> None:
    body = target.genuine["stripe"][0]
    target.post("stripe", body, dict(PARTICIPANTS["stripe"].sign(target.world, body)))
    with target.database.transaction() as session:
        found = Attempt(event_id=1, outcome="waiting", error="KeyError: 'x'", traceback="somewhere")
        session.add(found)
    with pytest.raises(Finding, match="KeyError"):
        check(target)

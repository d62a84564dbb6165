"""Provider-run subscriptions through real signed events: told as they happen, or all too late.

A life is played at a sandbox that keeps its webhooks. Once every event is handed over as it happens
and the clock acts; then, at new books, all of them are handed over at the end: shuffled, doubled.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from domain import catalogue as catalogues
from domain import clock, invariants
from domain.database import Database
from domain.settings import Settings
from tests import lives
from tests.domain.run_by_provider import Outcome, alerts, outcome, subscription_of
from tests.stories.handover import hand_over, settle
from webhooks.providers import registry
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.delivery import Message
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World
from workers import passage, perform_effects
from workers.runtime import Runtime

Document = dict[str, Any]
BIRTH = datetime(2026, 1, 31, 10, 0, 20, tzinfo=UTC)


class Play:
    """The sandbox, what the app and the customer do there, and books that listen in time."""

    def __init__(self, world: World, books: Callable[[], Runtime]) -> None:
        self.world, self.books = world, books
        self.in_time = books()
        self.told: list[Message] = []

    def act(self, path: str, **wanted: Any) -> Document:
        """Use the control desk; what it causes is handed over at once."""
        clock.advance(timedelta(minutes=1))
        answer = requests.post(f"{self.world.base_url}/sandbox{path}", json=wanted, timeout=5)
        done: Document = answer.json()
        assert answer.ok, done
        self.listen()
        return done

    def stripe(self, path: str, form: dict[str, Any]) -> Document:
        """Call Stripe's API as the app."""
        key = self.world.credentials.stripe_api_key
        return self._called(f"/stripe{path}", data=form, headers={"authorization": f"Bearer {key}"})

    def paypal(self, path: str, body: Any) -> Document:
        """Call PayPal's API as the app."""
        known = self.world.credentials
        secret = (known.paypal_client_id, known.paypal_client_secret)
        return self._called(f"/paypal{path}", json=body, auth=secret)

    def listen(self) -> None:
        """Hand over what the providers have to say, as they say it."""
        fresh = self.world.courier.held()[len(self.told) :]
        self.told += fresh
        hand_over(self.in_time, fresh)
        settle(self.in_time)

    def until(self, moment: datetime) -> None:
        """Time passes, and the clock does what is due on the way."""
        while True:
            due = subscription_of(self.in_time).next_due_at
            if due is None or due > moment:
                break
            clock.travel(due)
            passage.pass_time(self.in_time)
        clock.travel(moment)

    def end(self) -> datetime:
        """The end of the paid time."""
        return subscription_of(self.in_time).period_end

    def _called(self, path: str, **sent: Any) -> Document:
        clock.advance(timedelta(minutes=1))
        answer = requests.post(f"{self.world.base_url}{path}", timeout=5, **sent)
        answer.raise_for_status()
        self.listen()
        done: Document = answer.json()
        return done


@pytest.fixture
def play(
    sqlite_url: str, tmp_path: Path, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Play]:
    frozen_clock.travel(BIRTH)
    monkeypatch.setitem(perform_effects.KINDS, "send_mail", "tests.stories.letterbox")
    empty = Path(sqlite_url.removeprefix("sqlite:///"))
    opened: list[Database] = []
    app = create_sandbox(seed=5)
    world: World = app.state.world
    world.courier.hold()

    def books() -> Runtime:
        copy = tmp_path / f"books{len(opened)}.db"
        shutil.copyfile(empty, copy)
        opened.append(Database(f"sqlite:///{copy}"))
        environ = world.environment()
        runtime = Runtime(
            settings=Settings(environ=environ, state_dir=tmp_path),
            database=opened[-1],
            providers=registry(environ, world.base_url),
            catalogue=catalogues.load(),
        )
        lives.account(runtime)
        return runtime

    with SandboxServer(app):
        yield Play(world, books)
    for database in opened:
        database.dispose()


def by_stripe(play: Play, version: str) -> str:
    """Start a subscription in Stripe Checkout; gives the desk's path of it."""
    play.act("/stripe/api_version", version=version)
    session = play.stripe(
        "/v1/checkout/sessions",
        {
            "mode": "subscription",
            "success_url": "https://app.example/thanks",
            "line_items[0][quantity]": 2,
            "line_items[0][price_data][currency]": "czk",
            "line_items[0][price_data][unit_amount]": 59_290,
            "line_items[0][price_data][recurring][interval]": "month",
            "line_items[0][price_data][product_data][name]": "Standard",
            "subscription_data[metadata][account]": "acme",
            "subscription_data[metadata][plan]": "standard",
        },
    )
    done = play.act(f"/stripe/checkout/{session['id']}/pay", card="visa")
    return f"/stripe/subscriptions/{done['subscription']}"


def by_paypal(play: Play, shape: str) -> str:
    """Start a PayPal subscription; gives the desk's path of it."""
    play.act("/paypal/shape", version=shape)
    cycle = {
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": 0,
        "pricing_scheme": {"fixed_price": {"value": "592.90", "currency_code": "CZK"}},
    }
    limits = {"payment_failure_threshold": 2}
    terms = {"product_id": "PROD-1", "name": "Standard", "billing_cycles": [cycle]}
    plan = play.paypal("/v1/billing/plans", {**terms, "payment_preferences": limits})
    custom = urlencode({"account": "acme", "plan": "standard", "interval": "month"})
    wish = {"plan_id": plan["id"], "quantity": "2", "custom_id": custom}
    subscription = play.paypal("/v1/billing/subscriptions", wish)
    path = f"/paypal/subscriptions/{subscription['id']}"
    play.act(f"{path}/approve")
    return path


def renewed(play: Play, path: str, **how: Any) -> None:
    """The period ends and the provider collects, or fails to."""
    play.until(play.end())
    play.act(f"{path}/renew", **how)


STARTS = {
    "stripe, old shape": (by_stripe, "2020-03-02"),
    "stripe, new shape": (by_stripe, "2026-10-28.endive"),
    "paypal, old shape": (by_paypal, "1"),
    "paypal, new shape": (by_paypal, "2"),
}


@pytest.fixture(params=STARTS)
def path(play: Play, request: pytest.FixtureRequest) -> str:
    """The desk's path of a subscription that has begun."""
    start, shape = STARTS[request.param]
    return start(play, shape)


def test_renewals_and_a_failure_that_recovers(play: Play, path: str) -> None:
    renewed(play, path)
    failure: Any = True if "paypal" in path else "insufficient_funds"
    renewed(play, path, fail=failure)
    assert subscription_of(play.in_time).state == "past_due"
    clock.advance(timedelta(days=3))
    play.act(f"{path}/renew")
    told = the_same_in_any_order(play)
    assert told.status == "active"
    assert told.receipts == len(told.papers) == 3
    assert subscription_of(play.in_time).state == "active"
    assert alerts(play.in_time) == []


def test_a_cancellation_the_end_the_block_and_a_comeback(play: Play, path: str) -> None:
    renewed(play, path)
    play.act(f"{path}/cancel")
    assert subscription_of(play.in_time).auto_renew_off_reason == "cancelled_at_provider"
    end = play.end()
    play.until(end - timedelta(minutes=1))
    assert outcome(play.in_time).status == "active"
    play.until(end + timedelta(minutes=1))
    told = the_same_in_any_order(play)
    assert (told.status, told.blocked) == ("blocked", "subscription_expired")
    assert subscription_of(play.in_time).state == "ended"
    start = by_stripe if "stripe" in path else by_paypal
    start(play, "2026-10-28.endive" if "stripe" in path else "2")
    assert the_same_in_any_order(play).status == "active"


def test_a_provider_that_gives_up(play: Play, path: str) -> None:
    if "paypal" in path:
        renewed(play, path, fail=True)
        play.act(f"{path}/renew", fail=True)
    else:
        renewed(play, path, fail="insufficient_funds", final=True)
    subscription = subscription_of(play.in_time)
    assert (subscription.auto_renew_off_reason, subscription.state) == (
        "renewal_failed",
        "past_due",
    )
    assert the_same_in_any_order(play).status == "active"
    play.until(play.end() + timedelta(days=5, minutes=1))
    told = the_same_in_any_order(play)
    assert told.status == "blocked"
    assert len(told.papers) == 1


def the_same_in_any_order(play: Play) -> Outcome:
    """The outcome of hearing everything in time, which hearing it too late must equal."""
    in_time = outcome(play.in_time)
    for seed in (1, 2):
        books = play.books()
        dice = random.Random(seed)  # noqa: S311 - to be repeated
        for messages in shuffled(play.told, dice):
            hand_over(books, messages)
        settle(books)
        assert outcome(books) == in_time
        with books.database.transaction() as session:
            assert invariants.broken(session, books.catalogue) == []
    return in_time


def shuffled(messages: Sequence[Message], dice: random.Random) -> list[list[Message]]:
    """The messages in portions, in any order, some of them twice."""
    every = [*messages, *dice.choices(messages, k=len(messages) // 3)]
    dice.shuffle(every)
    third = len(every) // 3
    return [every[:third], every[third : 2 * third], every[2 * third :]]

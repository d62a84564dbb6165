"""Changing what one has: upgrade, downgrade, month to year, and money for a dead order."""

from __future__ import annotations

from domain import clock
from workers.stories.characters import buys, changes, end_of, money
from workers.stories.stage import Stage


def upgrade_in_mid_period(stage: Stage) -> None:
    """Halfway through the month an account needs more agents and Pro; unused time is credited."""
    account = buys(stage, "ulrika", agents=2)
    stage.tell("Ulrika bought Standard for 2 agents. Half the month passes.")
    half = (end_of(account) - clock.now()) / 2
    stage.travel(clock.now() + half)
    target = {"plan": "pro", "interval": "month", "agents": 5, "conversations": 500}
    quote = stage.app("POST", "/api/accounts/ulrika/quotes", target)
    half_price = 49000
    stage.expect(
        abs(quote["discount"]["amount"] - half_price) < 100, "about half of 2 × 490.00 is credited"
    )
    stage.tell(f"Pro for 5 agents: {money(quote['discount'])} of unused time comes off the price.")
    account = changes(stage, "ulrika", **target)
    subscription = account["subscription"]
    stage.expect(subscription["plan"] == "pro", "Pro is active")
    stage.expect(subscription["agents"] == 5, "for five agents")
    stage.tell(f"A new period began now and lasts until {subscription['period_end'][:10]}.")


def downgrade_to_nothing_due(stage: Stage) -> None:
    """A smaller plan costs less than the unused time is worth: nothing is due, the rest is kept."""
    buys(stage, "dana", plan="pro", agents=10, conversations=500)
    stage.tell("Dana pays for Pro with 10 agents and changes her mind the next day.")
    stage.wait(days=1)
    order = stage.order("dana", "card", agents=1)
    stage.expect(order["state"] == "paid", "the order is paid at once")
    stage.expect(order["checkout_url"] is None, "no page is needed")
    account = stage.account("dana")
    stage.expect(account["credit"]["amount"] > 0, "the rest became credit")
    stage.expect(account["subscription"]["agents"] == 1, "one agent is left")
    stage.tell(f"Nothing is due; {money(account['credit'])} of credit will pay later orders.")


def month_to_year(stage: Stage) -> None:
    """From monthly to yearly; back to monthly only support can do."""
    buys(stage, "yvonne", agents=2)
    stage.wait(days=10)
    account = changes(stage, "yvonne", interval="year", agents=2)
    stage.expect(account["subscription"]["interval"] == "year", "the year runs")
    stage.tell("Yvonne changed from monthly to yearly.")
    target = {"plan": "standard", "interval": "month", "agents": 2, "conversations": 100}
    status, problem = stage.try_app("POST", "/api/accounts/yvonne/quotes", target)
    stage.expect(status == 409, "year to month is refused")
    stage.expect("support" in problem["detail"], "and says whom to ask")
    stage.tell(f"Back to monthly? {problem['detail']}")


def money_for_a_dead_order(stage: Stage) -> None:
    """An account pays on the page of an order that a newer one replaced."""
    stage.register("dagmar")
    first = stage.order("dagmar", "card", agents=1)
    stage.billhook.runtime.bell.ring("perform_effects")
    stage.sandbox("/hold")
    stage.pay_card(first)
    stage.tell("Dagmar pays an order; before the money is reported she places a bigger one.")
    second = stage.order("dagmar", "card", agents=3)
    stage.sandbox("/release", {"event_ids": [e["event_id"] for e in held(stage)]})
    stage.sandbox("/release")
    stage.settle()
    account = stage.account("dagmar")
    stage.expect(account["subscription"] is None, "nothing was activated")
    stage.expect(account["credit"]["amount"] == first["due"]["amount"], "the money is credit")
    stage.tell(f"The money is kept as credit: {money(account['credit'])}, operators are alerted.")
    third = stage.order("dagmar", "card", agents=3)
    expected = second["total"]["amount"] - first["due"]["amount"]
    stage.expect(third["due"]["amount"] == expected, "the credit is used first")
    stage.pay_card(third)
    stage.settle()
    stage.expect(stage.account("dagmar")["subscription"]["agents"] == 3, "now it runs")
    stage.tell("A new order used the credit first; the subscription runs.")


def held(stage: Stage) -> list[dict[str, str]]:
    """The webhooks that the sandbox holds back."""
    world = stage.billhook.world
    return [] if world is None else [{"event_id": m.event_id} for m in world.courier.held()]

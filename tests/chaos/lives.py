"""The lives that accounts lead during a campaign: scripts whose end does not depend on luck.

A life has four parts: it buys, it changes something five days later, its renewal comes a day
before the end of the month, and then the end of the month.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.person import Person
from tests.chaos.provider_run import begins, fails, is_cancelled, renews, subscribes

Act = Callable[[Person], None]
PLAIN: Final[dict[str, Any]] = {"plan": "standard", "interval": "month", "agents": 2}


@dataclass(frozen=True)
class Life:
    """``name`` tells lives apart; ``acts`` are done in the part of that name.

    ``home`` is country and currency. ``prorated``: unused time is counted by the second, so
    amounts may differ by a little.
    """

    name: str
    method: str
    home: tuple[str, str] = ("CZ", "CZK")
    wish: dict[str, Any] = field(default_factory=lambda: dict(PLAIN))
    prorated: bool = False
    acts: dict[str, Act] = field(default_factory=dict)


def _buys(person: Person) -> None:
    person.register()
    person.pay(person.order())


def _buys_after_a_decline(person: Person) -> None:
    person.register()
    order = person.order()
    person.pay(order, card="insufficient_funds")
    person.pay(order)


def _buys_late(person: Person) -> None:
    """The money of a delayed way to pay arrives while everything falls over."""
    person.register()
    order = person.order()
    person.pay(order, delayed=True)
    person.desk(f"/stripe/checkout/{person.page_of(order)}/settle")


def _changes_mind(person: Person) -> None:
    """An order that is superseded, and the one that is paid."""
    person.register()
    person.order(agents=5, key="first")
    person.pay(person.order())


def _grows(person: Person) -> None:
    person.order(agents=4, method="saved", key="more")


def _goes_pro(person: Person) -> None:
    person.order(plan="pro", conversations=500, method="saved", key="pro")


def _asks_back(person: Person) -> None:
    person.app("POST", f"/api/accounts/{person.ref}/refund", repeats={409})


def _is_refunded_a_third(person: Person) -> None:
    person.refund(person.first_payment().amount // 3)


def _is_refunded(person: Person) -> None:
    person.refund(None)


def _loses_dispute(person: Person) -> None:
    person.dispute(won=False)


def _wins_dispute(person: Person) -> None:
    person.dispute(won=True)


def _switches_off(person: Person) -> None:
    person.app("PUT", f"/api/accounts/{person.ref}/auto-renew", {"on": False})


def _runs_dry(person: Person) -> None:
    person.method_turns("insufficient_funds", "decline")


def _loses_card(person: Person) -> None:
    person.method_turns("lost_card", "decline")


def _enters_new_card(person: Person) -> None:
    person.enter_card("mastercard")


def _pays_astray(person: Person) -> None:
    """Money that no page of ours asked for, in the wrong amount."""
    person.pay_directly(12_300)


_EUR: Final = ("FR", "EUR")
_PLN: Final = ("PL", "PLN")
_USD: Final = ("US", "USD")

LIVES: Final = (
    Life("card", "card", acts={"buy": _buys}),
    Life("wallet", "paypal", _PLN, acts={"buy": _buys}),
    Life("card_year", "card", _USD, wish={**PLAIN, "interval": "year"}, acts={"buy": _buys}),
    Life("wallet_pro", "paypal", wish={**PLAIN, "plan": "pro"}, acts={"buy": _buys}),
    Life("second_try", "card", _EUR, acts={"buy": _buys_after_a_decline}),
    Life("delayed", "card", _EUR, acts={"buy": _buys_late}),
    Life("superseded", "card", acts={"buy": _changes_mind}),
    Life("grows", "card", prorated=True, acts={"buy": _buys, "change": _grows}),
    Life("goes_pro", "paypal", _EUR, prorated=True, acts={"buy": _buys, "change": _goes_pro}),
    Life("asks_back", "card", acts={"buy": _buys, "change": _asks_back}),
    Life("wallet_asks_back", "paypal", _USD, acts={"buy": _buys, "change": _asks_back}),
    Life("third_refunded", "card", acts={"buy": _buys, "change": _is_refunded_a_third}),
    Life("wallet_refunded", "paypal", acts={"buy": _buys, "change": _is_refunded}),
    Life("dispute_lost", "card", _EUR, acts={"buy": _buys, "change": _loses_dispute}),
    Life("wallet_dispute_won", "paypal", acts={"buy": _buys, "change": _wins_dispute}),
    Life("switched_off", "card", _PLN, acts={"buy": _buys, "change": _switches_off}),
    Life("runs_dry", "card", acts={"buy": _buys, "change": _runs_dry}),
    Life("wallet_runs_dry", "paypal", acts={"buy": _buys, "change": _runs_dry}),
    Life("card_lost", "card", _EUR, acts={"buy": _buys, "change": _loses_card}),
    Life(
        "new_card", "card", acts={"buy": _buys, "change": _loses_card, "renewed": _enters_new_card}
    ),
    Life("astray", "card", acts={"buy": _buys, "change": _pays_astray}),
    Life("stripe_runs", "card", acts={"buy": begins, "end": renews}),
    Life("paypal_runs", "paypal", acts={"buy": begins, "end": renews}),
    Life("stripe_fails", "card", acts={"buy": begins, "end": fails}),
    Life("paypal_fails", "paypal", acts={"buy": begins, "end": fails}),
    Life("stripe_cancelled", "card", acts={"buy": begins, "change": is_cancelled}),
    Life("paypal_cancelled", "paypal", acts={"buy": begins, "change": is_cancelled}),
    Life("stripe_asks_back", "card", acts={"buy": begins, "change": _asks_back}),
    Life("paypal_refunded", "paypal", acts={"buy": begins, "change": _is_refunded}),
    Life("stripe_contested", "card", acts={"buy": begins, "change": _loses_dispute}),
    Life("runs_twice", "card", acts={"buy": _buys, "change": subscribes}),
    Life("wallet_runs_twice", "paypal", acts={"buy": _buys, "change": subscribes}),
)

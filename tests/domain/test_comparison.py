"""Two views of the same money: which differences count, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest

from domain import comparison
from domain.comparison import Claim, Held, Place, Sighting
from domain.money import Money

CZK = Money(118_580, "CZK")


def ours(kind: str = "payment", state: str = "succeeded", **more: Any) -> Held:
    values: dict[str, Any] = {"amount": CZK, "refunded": (0,), **more}
    return Held(
        kind=kind, id=1, provider="p", reference="pay_1", account="acme", state=state, **values
    )


def theirs(state: str = "succeeded", amount: Money = CZK, back: int | None = 0) -> Sighting:
    refunded = None if back is None else Money(back, amount.currency)
    return Sighting(state=state, amount=amount, refunded=refunded)


@pytest.mark.parametrize(
    "held, seen",
    [
        (ours(), theirs()),
        (ours(), theirs(back=None)),
        (ours(refunded=()), theirs(back=700)),
        (ours(refunded=(300, 700)), theirs(back=700)),
        (ours(state="failed"), theirs("failed", Money(1, "EUR"))),
        (ours(state="pending"), theirs("pending")),
        (ours("refund"), theirs(back=None)),
        (ours("dispute", "open"), theirs("open", back=None)),
    ],
)
def test_what_means_the_same_does_not_differ(held: Held, seen: Sighting) -> None:
    assert comparison.difference(held, seen) is None


@pytest.mark.parametrize(
    "held, seen, told",
    [
        (ours(), theirs(amount=Money(1, "CZK")), "0.01 CZK succeeded"),
        (ours(), theirs(amount=Money(118_580, "EUR")), "1185.80 EUR succeeded"),
        (ours(), theirs("failed"), "1185.80 CZK failed"),
        (ours(state="pending"), theirs(), "1185.80 CZK succeeded"),
        (ours(refunded=(0, 300)), theirs(back=700), "1185.80 CZK succeeded, 7.00 CZK given back"),
        (ours("refund"), theirs("pending", back=None), "1185.80 CZK pending"),
        (ours("dispute", "won"), theirs("lost", back=None), "1185.80 CZK lost"),
        (ours("dispute", "open"), theirs("open", Money(5, "CZK")), "0.05 CZK open"),
        (ours(), None, "no such object"),
    ],
)
def test_what_differs_is_told_with_both_sides(held: Held, seen: Sighting | None, told: str) -> None:
    found = comparison.difference(held, seen)
    assert found is not None
    assert (found.subject, found.account, found.theirs) == ("p:pay_1", "acme", told)
    assert found.ours.startswith("1185.80 CZK")


def test_an_object_that_cannot_be_read_says_why() -> None:
    found = comparison.difference(ours(), None, unreadable="a state that is not known")
    assert found is not None
    assert found.theirs == "a state that is not known"


def test_a_payment_that_we_do_not_have_names_whom_it_is_for() -> None:
    found = comparison.unknown_here("p", Claim(reference="x", sighting=theirs(), account="acme"))
    assert (found.account, found.ours) == ("acme", "no such payment")


def test_a_place_is_read_back_as_it_was_written() -> None:
    for kind in comparison.ROUND:
        assert comparison.place(str(Place(kind, 17))) == Place(kind, 17)

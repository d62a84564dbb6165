"""How money given back is split into net and tax."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Permanent
from domain.money import Money
from domain.papers.credit_notes import credit_note_content, split_gross
from domain.papers.rows import paper_of
from domain.papers.samples import CARD, CZECH, POLISH, sample_credit_note, sample_invoice

rates = st.sampled_from(["0", "7.7", "19", "21", "25.5"]).map(Decimal)


@given(gross=st.integers(0, 10**9), percent=rates)
def test_net_and_tax_make_the_gross_amount_again(gross: int, percent: Decimal) -> None:
    net, tax = split_gross(Money(gross, "EUR"), percent)
    assert net + tax == Money(gross, "EUR")
    assert abs(net.amount * percent / 100 - tax.amount) <= 1


def test_half_a_cent_goes_to_the_even_side() -> None:
    net, tax = split_gross(Money(3, "EUR"), Decimal(20))
    assert (net.amount, tax.amount) == (2, 1)
    assert split_gross(Money(9, "EUR"), Decimal(20))[0].amount == 8


@given(cuts=st.lists(st.integers(1, 1_021_239), max_size=6, unique=True))
def test_parts_given_back_one_after_another_make_the_whole_invoice(cuts: list[int]) -> None:
    original = sample_invoice("cs", "CZK", CZECH)
    edges = [0, *sorted(cuts), original.total]
    net = vat = 0
    for before, after in pairwise(edges):
        part = credit_note_content(
            original, Money(after - before, "CZK"), before=Money(before, "CZK")
        )["amounts"]
        assert part["net"] + part["vat"] == part["total"] == after - before
        net, vat = net + part["net"], vat + part["vat"]
    assert (net, vat) == (original.net, original.vat)


def test_no_more_is_given_back_than_was_invoiced() -> None:
    original = sample_invoice("cs", "CZK", CZECH)
    half = Money(original.total // 2, "CZK")
    with pytest.raises(Permanent, match=r"2026-000042 of 10212\.40 CZK, of which 5106\.20 CZK"):
        credit_note_content(original, half + Money(1, "CZK"), before=half)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_credit_note_gives_something_back(amount: int) -> None:
    with pytest.raises(Permanent, match="above zero"):
        credit_note_content(sample_invoice("cs", "CZK", CZECH), Money(amount, "CZK"))


def test_a_credit_note_keeps_the_parties_and_the_tax_of_its_invoice() -> None:
    original = sample_invoice("pl", "PLN", POLISH)
    paper, before = paper_of(sample_credit_note(original)), paper_of(original)
    assert (paper.seller, paper.buyer) == (before.seller, before.buyer)
    assert paper.taxes[0].treatment == "reverse_charge"
    assert paper.total == before.total
    assert paper.due.amount == 0
    assert paper.corrects is not None
    assert (paper.corrects.number, paper.corrects.reason) == ("2026-000042", "refund")


def test_money_that_was_not_returned_yet_is_still_to_be_refunded() -> None:
    original = sample_invoice("cs", "CZK", CZECH, method=CARD)
    content = credit_note_content(original, Money(12_100, "CZK"), reason="dispute")
    row = sample_credit_note(original, Money(12_100, "CZK"))
    row.content = content
    paper = paper_of(row)
    assert paper.payment is None
    assert paper.due == Money(12_100, "CZK")
    assert paper.net == Money(10_000, "CZK")

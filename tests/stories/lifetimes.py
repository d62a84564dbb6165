"""Lives of accounts: what customers, banks and dashboards may do, as data that is made up.

A life has three days. On each an account may buy something, in many ways, and something may happen
to a payment afterwards; on the third day monthly subscriptions are renewed. What really depends on
which comes first (money for an order against a dispute that ends everything) is not made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

BUYERS: Final = (("CZ", "CZK"), ("FR", "EUR"), ("PL", "PLN"), ("US", "USD"))
DAYS: Final = (timedelta(0), timedelta(days=9), timedelta(days=27, hours=12))
"""When the days of a life begin: the last is less than a day ahead of the end of February."""
ON_CARD_PAGE: Final = ("visa", "visa", "second_try", "delayed", "delayed_failed", "amex", "expired")
ON_WALLET_PAGE: Final = ("wallet", "wallet", "wallet_later", "held", "held_declined", "left")
REFUNDS: Final = ("refund_part", "refund_twice", "refund_whole", "refund_held", "refund_failed")
DISPUTES: Final = ("dispute_open", "dispute_won", "dispute_withdrawn")
ENDINGS: Final = ("dispute_lost", "dispute_lost_reversed")
ASKED_BACK: Final = "asked_back"
"""The customer asks for the first payment back; a command, not an event."""


@dataclass(frozen=True)
class Purchase:
    """``agents`` of a plan, paid by card, wallet or the saved method.

    ``abandoned``: an order before this one, for one agent more, is superseded by it; ``pays`` says
    whose page is paid, ``how`` what happens there, ``stray`` what money comes besides.
    """

    plan: str
    interval: str
    agents: int
    by: str
    how: str
    abandoned: bool
    pays: str
    stray: str | None


@dataclass(frozen=True)
class Day:
    """What happens to one account on one day; ``which`` chooses the payment it happens to."""

    purchase: Purchase | None = None
    aftermath: str | None = None
    which: int = 0


@dataclass(frozen=True)
class Life:
    """An account; ``declined``: its saved method is refused when it is renewed."""

    buyer: tuple[str, str]
    declined: bool
    days: tuple[Day, ...]


@st.composite
def purchases(draw: st.DrawFn) -> Purchase:
    """A purchase in one of its many ways."""
    by = draw(st.sampled_from(("card", "card", "paypal", "paypal", "saved")))
    pages = {"card": ON_CARD_PAGE, "paypal": ON_WALLET_PAGE, "saved": ("charged",)}
    how, abandoned = draw(st.sampled_from(pages[by])), draw(st.booleans())
    # A page that closes takes no money: it would not be known which of the two came first.
    twin = ("twin",) if by == "card" and how != "expired" else ()
    return Purchase(
        plan=draw(st.sampled_from(("standard", "pro"))),
        interval=draw(st.sampled_from(("month", "month", "year"))),
        agents=draw(st.integers(1, 5)),
        by=by,
        how=how,
        abandoned=abandoned,
        pays=draw(st.sampled_from(("last", "first", "both"))) if abandoned else "last",
        stray=draw(st.sampled_from((None, None, None, "wrong", "foreign", *twin))),
    )


@st.composite
def days(draw: st.DrawFn, number: int) -> Day:
    """One account's day; the first begins with a purchase."""
    purchase = draw(purchases()) if number == 0 else draw(st.none() | purchases())
    if purchase is not None and purchase.stray == "twin":
        return Day(purchase)
    happens = [None, None, *REFUNDS, *DISPUTES]
    if number < 2:
        # Not on the day of renewals: an end and a charge cross each other for good.
        happens += ENDINGS
    if number == 1 and purchase is None:
        happens.append(ASKED_BACK)
    return Day(purchase, draw(st.sampled_from(happens)), draw(st.integers(0, 3)))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """One account's life."""
    return Life(
        buyer=draw(st.sampled_from(BUYERS)),
        declined=draw(st.booleans()),
        days=tuple(draw(days(number)) for number in range(len(DAYS))),
    )


def families() -> st.SearchStrategy[list[Life]]:
    """Two to four accounts that live side by side."""
    return st.lists(lives(), min_size=2, max_size=4)

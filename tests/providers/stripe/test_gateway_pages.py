"""Pages at Stripe over real HTTP: opened once for a key, closed, used to enter a card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain import clock
from domain.errors import Permanent, Transient
from tests.providers.stripe.conftest import NOON, Shop


def wanted_of(shop: Shop, session: str) -> dict[str, Any]:
    """The parameters with which a session was made."""
    kept = shop.sandbox.world.store.get("stripe.checkout.session", session)
    assert kept is not None
    wanted: dict[str, Any] = kept["_wanted"]
    return wanted


def test_a_page_asks_for_the_order_in_one_line_and_saves_the_card(shop: Shop) -> None:
    opened = shop.gateway.open_checkout(shop.checkout())
    session = shop.read("checkout", opened.id)
    assert opened.url.startswith("http")
    assert (session["amount_total"], session["currency"]) == (4900, "eur")
    assert session["client_reference_id"] == "ord_7"
    assert session["locale"] == "cs"
    assert session["expires_at"] == int((NOON + timedelta(minutes=175)).timestamp())
    restrictions = session["payment_method_options"]["card"]["restrictions"]
    assert restrictions["brands_blocked"] == ["american_express", "discover_global_network"]
    asked = wanted_of(shop, opened.id)
    assert asked["payment_intent_data"]["setup_future_usage"] == "off_session"
    assert asked["payment_intent_data"]["metadata"] == session["metadata"]
    assert session["metadata"]["order_id"] == "ord_7"
    assert session["metadata"]["account"] == "acme"
    assert asked["allowed_payment_method_types"] == {"0": "card"}


def test_a_page_that_saves_nothing_asks_for_no_consent(shop: Shop) -> None:
    opened = shop.gateway.open_checkout(shop.checkout(save_method=False))
    asked = wanted_of(shop, opened.id)
    assert "setup_future_usage" not in asked["payment_intent_data"]
    assert "saves_method" not in asked["metadata"]


def test_the_same_key_gives_the_same_page(shop: Shop) -> None:
    first = shop.gateway.open_checkout(shop.checkout())
    again = shop.another_gateway().open_checkout(shop.checkout())
    assert first == again


def test_a_key_that_was_used_for_something_else_is_refused(shop: Shop) -> None:
    shop.gateway.open_checkout(shop.checkout())
    with pytest.raises(Permanent, match="same key was used before"):
        shop.gateway.open_checkout(shop.checkout(order="ord_8"))


def test_a_known_customer_is_named_and_an_unknown_one_is_made(shop: Shop) -> None:
    customer, _ = shop.saved_card()
    known = shop.gateway.open_checkout(shop.checkout(customer=customer, key="k2"))
    new = shop.gateway.open_checkout(shop.checkout())
    assert known.customer == customer
    assert new.customer is None
    shop.pay(new.id)
    assert shop.read("checkout", new.id)["customer"].startswith("cus_")


@pytest.mark.parametrize(
    "minutes, open_for",
    [(-9, 35), (29, 35), (39, 35), (45, 40), (60 * 24, 60 * 24 - 5), (60 * 48, 60 * 24)],
)
def test_a_page_stays_open_as_long_as_stripe_allows(
    shop: Shop, minutes: int, open_for: int
) -> None:
    request = shop.checkout(expires_at=NOON + timedelta(minutes=minutes))
    opened = shop.gateway.open_checkout(request)
    clock.travel(NOON + timedelta(minutes=5))
    assert shop.gateway.open_checkout(request) == opened
    expires_at = shop.read("checkout", opened.id)["expires_at"]
    assert expires_at == int((NOON + timedelta(minutes=open_for)).timestamp())


@pytest.mark.parametrize("later_s", [2, 70, 3600])
def test_a_call_that_was_not_answered_is_repeated_word_for_word(shop: Shop, later_s: int) -> None:
    shop.be_impatient()
    request = shop.checkout(expires_at=NOON + timedelta(hours=24))
    shop.fault("timeout", count=1)
    with pytest.raises(Transient):
        shop.gateway.open_checkout(request)
    (made,) = shop.sandbox.world.store.all("stripe.checkout.session")
    shop.pay(made["id"])
    clock.travel(NOON + timedelta(seconds=later_s))
    again = shop.gateway.open_checkout(request)
    # The answer to the first call: the page was open then.
    assert (again.id, again.url) == (made["id"], made["url"])


def test_a_page_that_was_paid_before_we_knew_of_it_leads_back(shop: Shop) -> None:
    first = shop.gateway.open_checkout(shop.checkout())
    shop.pay(first.id)
    again = shop.gateway.open_checkout(shop.checkout(locale="fr"))
    assert (again.id, again.url) == (first.id, "https://app.example/paid")


@pytest.mark.parametrize("locale, told", [("fr-FR", "fr"), ("en_GB", "en"), ("de", "auto")])
def test_the_page_speaks_the_customers_language_where_we_do(
    shop: Shop, locale: str, told: str
) -> None:
    opened = shop.gateway.open_checkout(shop.checkout(locale=locale))
    assert shop.read("checkout", opened.id)["locale"] == told


def test_an_open_page_is_closed_and_a_closed_one_stays_closed(shop: Shop) -> None:
    opened = shop.gateway.open_checkout(shop.checkout())
    assert shop.gateway.expire_checkout(opened.id) is True
    assert shop.gateway.expire_checkout(opened.id) is True
    assert shop.read("checkout", opened.id)["status"] == "expired"


def test_a_page_that_was_paid_cannot_be_closed(shop: Shop) -> None:
    opened = shop.gateway.open_checkout(shop.checkout())
    shop.pay(opened.id)
    assert shop.gateway.expire_checkout(opened.id) is False


def test_a_page_that_stripe_does_not_know_is_closed(shop: Shop) -> None:
    assert shop.gateway.expire_checkout("cs_test_unknown") is True


def test_stripe_needs_nobody_to_capture_a_checkout(shop: Shop) -> None:
    with pytest.raises(Permanent, match="nothing to capture"):
        shop.gateway.capture_checkout("cs_test_1", "key")


def test_a_card_is_entered_without_paying(shop: Shop) -> None:
    opened = shop.gateway.open_method_entry(shop.method_entry())
    session = shop.read("checkout", opened.id)
    assert (session["mode"], session["locale"]) == ("setup", "pl")
    assert session["client_reference_id"] is None
    shop.pay(opened.id, card="mastercard")
    setup = shop.read("setup_intent", shop.read("checkout", opened.id)["setup_intent"])
    assert setup["payment_method"]["card"]["brand"] == "mastercard"
    assert setup["metadata"]["account"] == "acme"


def test_a_saved_card_is_removed_once_and_for_all(shop: Shop) -> None:
    _, token = shop.saved_card()
    for key in (token, token, "pm_unknown"):
        shop.gateway.remove_method(key)
    assert shop.read("payment_method", token)["customer"] is None

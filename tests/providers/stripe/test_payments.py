"""One purchase, many events: all of them end in the same payment, whatever their shape."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.errors import Permanent
from domain.facts import (
    CheckoutExpired,
    Decline,
    Method,
    MethodSaved,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
)
from domain.money import Money
from tests.providers.stripe.workshop import Document, asked, changed, sample, translate

EUR = Money(5929, "EUR")
VISA = Method(
    kind="card", brand="visa", last4="4242", expires="2028-04", token="pm_1", customer="cus_1"
)
PAID = PaymentSucceeded(
    payment="pi_1", amount=EUR, order="ord_7", account="acme", customer="cus_1", method=VISA
)
FOREIGN: dict[str, Any] = {"metadata": {}}


def without_method(fact: object) -> PaymentSucceeded:
    """The fact as an event tells it that does not carry the card."""
    assert isinstance(fact, PaymentSucceeded)
    return msgspec.structs.replace(fact, method=None)


def reading(**fields: Any) -> tuple[str, str, Document]:
    """The payment pi_1 as read, without an invoice."""
    document = sample("payment_intent.succeeded.new")["data"]["object"]
    return ("payment", "pi_1", {**document, "invoice": None, **fields})


@pytest.mark.parametrize(
    "name", ["charge.succeeded.new", "charge.succeeded.old", "payment_intent.succeeded.old"]
)
def test_events_that_carry_the_charge_tell_everything_in_old_and_new_shape(name: str) -> None:
    assert translate(name).facts == (PAID,)


@pytest.mark.parametrize(
    "name",
    [
        "charge.succeeded.new",
        "charge.succeeded.old",
        "payment_intent.succeeded.new",
        "payment_intent.succeeded.old",
        "checkout.session.completed.new",
    ],
)
def test_every_event_of_a_purchase_ends_in_the_same_payment(name: str) -> None:
    (fact,) = translate(name).facts
    assert without_method(fact) == without_method(PAID)


def test_a_payment_without_its_charge_gives_the_saved_method_without_its_brand() -> None:
    (fact,) = translate("payment_intent.succeeded.new").facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method == Method(kind="card", token="pm_1", customer="cus_1")


@pytest.mark.parametrize(
    "fields",
    [
        {"setup_future_usage": None},
        {"setup_future_usage": "on_session"},
        {"customer": None},
        {"payment_method": None},
    ],
)
def test_a_method_that_may_not_be_used_again_has_no_token(fields: dict[str, Any]) -> None:
    (fact,) = translate(changed("payment_intent.succeeded.new", **fields)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method is None


def test_a_charge_shows_a_token_only_where_our_metadata_say_that_it_was_saved() -> None:
    plain = {"order_id": "ord_7", "account": "acme"}
    (fact,) = translate(changed("charge.succeeded.new", metadata=plain)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method == msgspec.structs.replace(VISA, token=None)


def test_a_method_kept_for_cards_alone_is_saved_as_well() -> None:
    options = {"card": {"setup_future_usage": "off_session"}}
    event = changed(
        "payment_intent.succeeded.new", setup_future_usage=None, payment_method_options=options
    )
    (fact,) = translate(event).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method is not None
    assert fact.method.token == "pm_1"


@pytest.mark.parametrize(
    "brand, told",
    [
        ("Visa", "visa"),
        ("MasterCard", "mastercard"),
        ("American Express", "amex"),
        ("amex", "amex"),
        ("Diners Club", "diners"),
        ("unionpay", "unionpay"),
    ],
)
def test_brands_are_told_by_one_name_in_all_versions(brand: str, told: str) -> None:
    source = {"object": "card", "brand": brand, "last4": "4242", "exp_month": 4, "exp_year": 2028}
    event = changed("charge.succeeded.old", payment_method_details=..., source=source)
    (fact,) = translate(event).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method is not None
    assert (fact.method.brand, fact.method.expires) == (told, "2028-04")


def test_another_means_than_a_card_is_a_wallet_that_says_its_name() -> None:
    details = {"type": "crypto", "crypto": {}}
    (fact,) = translate(changed("charge.succeeded.new", payment_method_details=details)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.method is not None
    assert (fact.method.kind, fact.method.brand) == ("wallet", "crypto")


@pytest.mark.parametrize(
    "fields", [{"captured": False}, {"status": "pending"}, {"status": "failed", "paid": False}]
)
def test_a_charge_that_moved_no_money_is_no_payment(fields: dict[str, Any]) -> None:
    translation = translate(changed("charge.succeeded.new", **fields))
    assert "moved no money" in translation.ignored


def test_a_charge_without_a_payment_intent_is_known_by_its_own_id() -> None:
    (fact,) = translate(changed("charge.succeeded.new", payment_intent=None)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment == "ch_1"


def test_a_charge_of_a_version_without_payment_intents_is_read() -> None:
    event = changed("charge.succeeded.old", payment_intent=...)
    assert asked(translate(event)) == ["payment:ch_1"]
    _, _, intent = reading()
    (fact,) = translate(event, ("payment", "ch_1", intent)).facts
    assert without_method(fact) == without_method(PAID)


@pytest.mark.parametrize("name", ["charge.succeeded.new", "payment_intent.succeeded.new"])
def test_money_that_names_nobody_is_read_before_it_is_called_foreign(name: str) -> None:
    event = changed(name, **FOREIGN)
    assert asked(translate(event)) == ["payment:pi_1"]
    assert "no order of ours" in translate(event, reading(metadata={})).ignored


def test_an_old_payment_that_says_it_pays_no_invoice_is_foreign_without_a_reading() -> None:
    event = changed("payment_intent.succeeded.old", **FOREIGN)
    assert "no order of ours" in translate(event).ignored


def test_a_success_that_contradicts_itself_is_read() -> None:
    event = changed("payment_intent.succeeded.new", status="requires_payment_method")
    assert asked(translate(event)) == ["payment:pi_1"]
    assert translate(event, reading()).facts
    canceled = translate(event, reading(status="canceled"))
    assert canceled.ignored == "payment pi_1 is canceled when read: no money moved"


def test_money_of_a_payment_that_stripe_does_not_know_waits_for_a_person() -> None:
    event = changed("payment_intent.succeeded.new", **FOREIGN)
    with pytest.raises(Permanent, match="STRIPE_API_KEY may belong to another"):
        translate(event, ("payment", "pi_1", None))


def test_a_session_without_our_reference_is_matched_by_its_payment() -> None:
    event = changed("checkout.session.completed.new", client_reference_id=None, metadata={})
    assert asked(translate(event)) == ["payment:pi_1"]
    (fact,) = translate(event, reading()).facts
    assert without_method(fact) == without_method(PAID)


def test_the_order_of_a_session_is_its_reference_before_its_metadata() -> None:
    meta = {"order_id": "ord_8"}
    both = translate(changed("checkout.session.completed.new", metadata=meta)).facts[0]
    alone = translate(
        changed("checkout.session.completed.new", metadata=meta, client_reference_id=None)
    ).facts[0]
    assert isinstance(both, PaymentSucceeded)
    assert isinstance(alone, PaymentSucceeded)
    assert (both.order, alone.order) == ("ord_7", "ord_8")


def test_an_unpaid_session_is_pending_until_the_money_comes_or_fails() -> None:
    event = changed("checkout.session.completed.new", payment_status="unpaid")
    assert translate(event).facts == (
        PaymentPending(
            payment="pi_1",
            amount=EUR,
            order="ord_7",
            account="acme",
            customer="cus_1",
            reason="unpaid",
        ),
    )
    came = {
        **sample("checkout.session.completed.new"),
        "type": "checkout.session.async_payment_succeeded",
    }
    assert [without_method(fact) for fact in translate(came).facts] == [without_method(PAID)]
    failed = translate({**event, "type": "checkout.session.async_payment_failed"})
    assert [type(fact) for fact in failed.facts] == [PaymentFailed]


@pytest.mark.parametrize(
    "name, kind, status, reason",
    [
        ("payment_intent.succeeded.new", "payment_intent.processing", "processing", "processing"),
        ("charge.succeeded.new", "charge.pending", "pending", "pending"),
    ],
)
def test_money_on_its_way_is_pending_when_it_is_ours(
    name: str, kind: str, status: str, reason: str
) -> None:
    ours = {**changed(name, status=status), "type": kind}
    (fact,) = translate(ours).facts
    assert isinstance(fact, PaymentPending)
    assert (fact.payment, fact.amount, fact.order) == ("pi_1", EUR, "ord_7")
    assert fact.reason == reason
    assert translate({**changed(name, status=status, **FOREIGN), "type": kind}).ignored


@pytest.mark.parametrize("name", ["payment_intent.payment_failed.new", "charge.failed.old"])
def test_a_declined_card_is_told_alike_by_payment_and_charge(name: str) -> None:
    assert translate(name).facts == (
        PaymentFailed(
            payment="pi_1",
            decline=Decline(
                code="insufficient_funds",
                kind="soft",
                message="Your card has insufficient funds.",
            ),
            amount=EUR,
            order="ord_7",
            account="acme",
            customer="cus_1",
        ),
    )
    assert "no order of ours" in translate(changed(name, **FOREIGN)).ignored


def test_an_expired_session_names_its_order_or_is_not_ours() -> None:
    event = {**sample("checkout.session.completed.new"), "type": "checkout.session.expired"}
    assert translate(event).facts == (CheckoutExpired(checkout="cs_test_1", order="ord_7"),)
    event["data"]["object"].update(client_reference_id=None, metadata={})
    assert "no order of ours" in translate(event).ignored


def test_a_session_that_only_saves_a_method_is_read() -> None:
    event = changed(
        "checkout.session.completed.new",
        mode="setup",
        payment_intent=None,
        amount_total=None,
        client_reference_id=None,
        metadata={"account": "acme"},
        payment_status="no_payment_required",
        setup_intent="seti_1",
    )
    assert asked(translate(event)) == ["setup_intent:seti_1"]
    setup = sample("setup_intent.succeeded.new")["data"]["object"]
    setup["payment_method"] = sample("reading.payment_method")
    assert translate(event, ("setup_intent", "seti_1", setup)).facts == (
        MethodSaved(method=VISA, customer="cus_1", account="acme"),
    )


@pytest.mark.parametrize("missing", ["id", "amount", "currency"])
def test_a_payment_that_lacks_what_it_must_hold_waits_for_a_person(missing: str) -> None:
    fields: dict[str, Any] = {missing: ..., "amount_captured": ...}
    with pytest.raises(Permanent):
        translate(changed("charge.succeeded.new", payment_intent=None, **fields))

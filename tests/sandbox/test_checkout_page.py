"""The payment page for people, by plain HTTP."""

from __future__ import annotations

import requests

from tests.sandbox.conftest import Sandbox


def open_page(sandbox: Sandbox) -> tuple[str, str]:
    """A session's id and the address of its page."""
    session = sandbox.stripe.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/back",
            "line_items": [
                {
                    "price_data": {
                        "currency": "czk",
                        "unit_amount": 123456,
                        "product_data": {"name": "Standard <b>"},
                    },
                }
            ],
            "payment_method_options": {
                "card": {"restrictions": {"brands_blocked": ["american_express"]}}
            },
        }
    )
    return session.id, session.url


def press(url: str, choice: str) -> requests.Response:
    return requests.post(url, data={"choice": choice}, timeout=5, allow_redirects=False)


def test_the_page_shows_what_is_bought_and_for_how_much(sandbox: Sandbox) -> None:
    _, url = open_page(sandbox)
    page = requests.get(url, timeout=5)
    assert "1,234.56 CZK" in page.text
    assert "Standard &lt;b&gt;" in page.text
    assert "Pay with Visa" in page.text


def test_paying_leads_back_to_the_shop(sandbox: Sandbox) -> None:
    session, url = open_page(sandbox)
    answer = press(url, "visa")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://shop.example/done?s={session}"
    assert len(sandbox.received("checkout.session.completed")) == 1
    assert "complete" in requests.get(url, timeout=5).text


def test_a_refused_card_stays_on_the_page_with_the_reason(sandbox: Sandbox) -> None:
    _, url = open_page(sandbox)
    declined = press(url, "declined")
    assert declined.status_code == 402
    assert "Your card was declined." in declined.text
    assert "not accepted" in press(url, "amex").text
    assert press(url, "mastercard").status_code == 303


def test_giving_up_leads_to_the_cancel_address(sandbox: Sandbox) -> None:
    _, url = open_page(sandbox)
    assert press(url, "give_up").headers["location"] == "https://shop.example/back"
    assert sandbox.types() == []


def test_an_unknown_checkout_is_not_found(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.base_url}/sandbox/checkout/cs_1", timeout=5).status_code == 404


def test_the_front_page_says_what_this_is(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.base_url, timeout=5).text
    assert "plays Stripe and PayPal" in page
    assert sandbox.base_url in page
    assert sandbox.world.credentials.stripe_api_key not in page

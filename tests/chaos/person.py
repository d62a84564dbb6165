"""One account with its app and its owner, who try again when nobody answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import urllib3
from sqlalchemy import select

from domain.accounts import Account
from domain.database import Database
from domain.methods import current
from domain.money import to_decimal_text
from domain.payments import Payment
from tests.chaos.site import insist
from webhooks.sandbox.credentials import Credentials

if TYPE_CHECKING:
    from tests.chaos.lives import Life

PATIENCE_S: Final = 90.0
PAUSE_S: Final = 0.15
URL: Final = "https://app.example/plans"
INCLUDED: Final = {"standard": 100, "pro": 500}


class Failed(Exception):
    """What a person asked for was answered wrongly, or never."""


class Surroundings:
    """What all persons of a run share. ``slowest`` is the longest that an answer took."""

    def __init__(
        self, front: str, providers: str, credentials: Credentials, database: Database
    ) -> None:
        self.front, self.providers, self.credentials = front, providers, credentials
        self.database = database
        self.token = ""
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0
        self.patience_over: float | None = None
        """From then on nobody tries again: the run has failed."""
        self.http = urllib3.PoolManager(maxsize=32, timeout=12, retries=False)


class Person:
    """``ref`` is the account's."""

    def __init__(self, around: Surroundings, life: Life, number: int) -> None:
        self.around, self.life = around, life
        self.ref = f"{life.name}-{number}"
        self.subscription = ""
        """Where a subscription that a provider runs is found at the control desk."""

    def act(self, part: str) -> None:
        """Do what the life has for this part."""
        if part in self.life.acts:
            self.life.acts[part](self)

    def register(self) -> None:
        """Make the account known."""
        country, currency = self.life.home
        billing = {"name": self.ref, "country": country}
        details = {
            "email": f"{self.ref}@customers.example",
            "currency": currency,
            "billing": billing,
        }
        self.app("PUT", f"/api/accounts/{self.ref}", details)

    def order(self, *, key: str = "order", **other: Any) -> dict[str, Any]:
        """Place an order and wait for its page, if it is to have one."""
        wish = {
            "method": self.life.method,
            "return_url": URL,
            "cancel_url": URL,
            **self.life.wish,
            **other,
        }
        wish.setdefault("conversations", INCLUDED[wish["plan"]])
        sent = {"Idempotency-Key": f"{self.ref}-{key}"}
        order = self.app("POST", f"/api/accounts/{self.ref}/orders", wish, sent)
        deadline = time.monotonic() + PATIENCE_S
        while wish["method"] != "saved" and not order["checkout_url"]:
            if self._is_over(deadline):
                raise Failed(f"{self.ref} got no page: {order}")
            time.sleep(PAUSE_S)
            order = self.app("GET", f"/api/orders/{order['id']}")
        return dict(order)

    def page_of(self, order: dict[str, Any]) -> str:
        """The provider's id of an order's page."""
        return str(urlsplit(order["checkout_url"]).path.rpartition("/")[2])

    def pay(self, order: dict[str, Any], **how: Any) -> None:
        """Do what a customer does on the provider's page."""
        if self.life.method == "card":
            self.desk(f"/stripe/checkout/{self.page_of(order)}/pay", **{"card": "visa", **how})
        else:
            token = parse_qs(urlsplit(order["checkout_url"]).query)["token"][0]
            self.desk(f"/paypal/orders/{token}/approve", vault=True, **how)

    def enter_card(self, card: str) -> None:
        """Get a page for a new method and enter a card there."""
        wish = {"method": "card", "return_url": URL, "cancel_url": URL}
        path = f"/api/accounts/{self.ref}/payment-method"
        page = self.app("POST", path, wish)
        deadline = time.monotonic() + PATIENCE_S
        while not page.get("url"):
            if self._is_over(deadline):
                raise Failed(f"{self.ref} got no page for a card: {page}")
            time.sleep(PAUSE_S)
            page = self.app("POST", path, wish)
        number = urlsplit(page["url"]).path.rpartition("/")[2]
        self.desk(f"/stripe/checkout/{number}/pay", card=card)

    def first_payment(self) -> Payment:
        """The payment that bought the subscription."""

        def find() -> Payment:
            with self.around.database.transaction() as session:
                mine = select(Payment).join(Account, Account.id == Payment.account_id)
                paid = mine.where(Account.ref == self.ref, Payment.state == "succeeded")
                return session.scalars(paid.order_by(Payment.id).limit(1)).one()

        found: Payment = insist(find)
        return found

    def refund(self, amount: int | None) -> None:
        """Give money back in the provider's dashboard."""
        payment = self.first_payment()
        if payment.provider == "stripe":
            part = {} if amount is None else {"amount": amount}
            self.desk("/stripe/refunds", payment_intent=payment.reference, **part)
        else:
            text = {} if amount is None else {"amount": to_decimal_text(amount)}
            self.desk(f"/paypal/captures/{payment.reference}/refund", **text)

    def dispute(self, *, won: bool) -> None:
        """Contest the first payment, and decide it."""
        payment = self.first_payment()
        if payment.provider == "stripe":
            opened = self.desk("/stripe/disputes", payment_intent=payment.reference)
            path = f"/stripe/disputes/{opened['id']}/close"
            self.desk(path, outcome="won" if won else "lost")
        else:
            opened = self.desk("/paypal/disputes", capture_id=payment.reference)
            path = f"/paypal/disputes/{opened['dispute_id']}/resolve"
            side = "SELLER" if won else "BUYER"
            self.desk(path, outcome=f"RESOLVED_{side}_FAVOUR")

    def method_turns(self, card: str, wallet: str) -> None:
        """From now on the saved method behaves like this."""

        def find() -> Any:
            with self.around.database.transaction() as session:
                account = session.scalars(select(Account).where(Account.ref == self.ref)).one()
                return current(session, account.id)

        method = insist(find)
        if method.provider == "stripe":
            self.desk(f"/stripe/payment_methods/{method.token}", behaviour=card)
        else:
            self.desk(f"/paypal/vault/{method.token}", behaviour=wallet)

    def pay_directly(self, amount: int) -> None:
        """Pay by an intent of its own that names the first order, as no page of ours would."""
        form = {
            "amount": amount,
            "currency": self.life.home[1].lower(),
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "metadata[order_id]": self.first_payment().order_id or "",
        }
        self.ask_stripe("/v1/payment_intents", form, "astray")

    def ask_stripe(self, path: str, form: Mapping[str, Any], key: str) -> Any:
        """Call Stripe's API, as the app may; ``key`` makes repetitions harmless."""
        sent = {
            "authorization": f"Bearer {self.around.credentials.stripe_api_key}",
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": f"{key}-{self.ref}",
        }
        url = f"{self.around.providers}/stripe{path}"
        return self._insist("POST", url, urlencode(form).encode(), sent, {0, 429, 500}, set())

    def ask_paypal(self, path: str, body: Any, key: str) -> Any:
        """Call PayPal's API, as the app may; ``key`` makes repetitions harmless."""
        known = self.around.credentials
        secret = f"{known.paypal_client_id}:{known.paypal_client_secret}"
        sent = {
            **urllib3.make_headers(basic_auth=secret),
            "content-type": "application/json",
            "paypal-request-id": f"{key}-{self.ref}",
        }
        url = f"{self.around.providers}/paypal{path}"
        return self._insist("POST", url, msgspec.json.encode(body), sent, {0, 429, 500}, set())

    def app(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        repeats: Set[int] = frozenset(),
    ) -> Any:
        """Call the API as the app does; ``repeats`` are answers that a repetition may get."""
        sent = {"authorization": f"Bearer {self.around.token}", **(headers or {})}
        raw = None
        if body is not None:
            raw, sent["content-type"] = msgspec.json.encode(body), "application/json"
        return self._insist(method, self.around.front + path, raw, sent, {0, 503}, repeats)

    def desk(self, path: str, **wanted: Any) -> Any:
        """Do what is done on a provider's page or in its dashboard."""
        sent = {"content-type": "application/json"}
        url = f"{self.around.providers}/sandbox{path}"
        return self._insist("POST", url, msgspec.json.encode(wanted), sent, set(), {402})

    def _insist(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        again: Set[int],
        final: Set[int],
    ) -> Any:
        deadline, tries = time.monotonic() + PATIENCE_S, 0
        while True:
            status, said = self._call(method, url, body, headers)
            tries += 1
            if 200 <= status < 300:
                return msgspec.json.decode(said) if said else None
            if status in final:
                return None
            if status not in again or self._is_over(deadline):
                raise Failed(f"{self.ref}: {method} {url}: {status} {said!r} after {tries} tries")
            time.sleep(PAUSE_S)

    def _is_over(self, deadline: float) -> bool:
        end = self.around.patience_over
        return time.monotonic() > (deadline if end is None else min(deadline, end))

    def _call(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        began = time.monotonic()
        try:
            answer = self.around.http.request(method, url, body=body, headers=headers)
            status, said = answer.status, answer.data
        except urllib3.exceptions.HTTPError as error:
            status, said = 0, str(error).encode()
        if url.startswith(self.around.front):
            self.around.answers[status] += 1
            if status:
                self.around.slowest = max(self.around.slowest, time.monotonic() - began)
        return status, said

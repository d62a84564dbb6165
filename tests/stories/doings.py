"""Lives acted out: the app's commands, then what happens at the providers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from domain import accounts, clock, orders, purchasing, refunds
from domain.accounts import Account
from domain.errors import Refused
from domain.methods import current
from domain.money import to_decimal_text
from domain.orders import Order
from domain.payments import Payment
from domain.purchasing import Means, Wish
from domain.subscriptions import Target
from domain.work import Work
from tests.stories.lifetimes import ASKED_BACK, ENDINGS, Day, Life, Purchase
from tests.stories.playground import Document, Playground
from workers.expire_orders import expire_orders
from workers.passage import pass_time

_numbers = itertools.count(1)
URL: Final = "https://app.example/thanks"
INCLUDED: Final = {"standard": 100, "pro": 500}


class Person:
    """One account acting on a playground."""

    def __init__(self, ground: Playground, life: Life) -> None:
        self.ground, self.life = ground, life
        self.ref = f"life{next(_numbers)}"
        country, currency = life.buyer
        with ground.transaction() as session:
            billing = {"name": self.ref, "country": country}
            row = Account(ref=self.ref, email=f"{self.ref}@customers.example", billing=billing)
            row.currency, row.status, row.locale = currency, "active", "en"
            session.add(row)
            session.flush()
            self.number = row.id
        self.orders: list[str] = []

    def command(self, day: Day) -> None:
        """What the app asks for on that day; a refusal is an answer, too."""
        self.orders = []
        if day.purchase is not None:
            self._buy(day.purchase)
        if day.aftermath == ASKED_BACK:
            self._ask_back()

    def act(self, day: Day) -> None:
        """What the customer does on the pages."""
        purchase = day.purchase
        if purchase is None or not self.orders:
            return
        wanted = {"last": self.orders[-1:], "first": self.orders[:1], "both": self.orders}
        for order_id in wanted[purchase.pays]:
            self._pay(self._order(order_id), purchase.how)
        if purchase.stray is not None:
            self._stray(self._order(self.orders[-1]), purchase.stray)

    def react(self, day: Day) -> None:
        """What banks and dashboards do when the money is there, or still on its way."""
        if day.purchase is not None:
            self._end_waiting(day.purchase.how)
        paid = [p for p in self._payments() if p.state == "succeeded"]
        if day.purchase is not None:
            paid = [p for p in paid if p.order_id in self.orders]
        if day.purchase is not None and day.aftermath in ENDINGS:
            # What ends a subscription must not cross the money that begins it.
            paid = [p for p in paid if p.use == "order"]
        if day.aftermath in AFTERMATHS and paid:
            AFTERMATHS[day.aftermath](self.ground, paid[day.which % len(paid)])

    def decline(self) -> None:
        """From now on the saved method is refused."""
        with self.ground.transaction() as session:
            method = current(session, self.number)
        if method is not None and method.provider == "stripe":
            self.ground.ask(f"/stripe/payment_methods/{method.token}", behaviour="lost_card")
        elif method is not None:
            self.ground.ask(f"/paypal/vault/{method.token}", behaviour="decline")

    def _buy(self, purchase: Purchase) -> None:
        if purchase.abandoned:
            self._place(purchase, purchase.agents + 1)
            self.ground.perform("open_checkout")
        self._place(purchase, purchase.agents)
        self.ground.perform("open_checkout")

    def _place(self, purchase: Purchase, agents: int) -> None:
        target = Target(
            plan=purchase.plan,
            interval=purchase.interval,
            agents=agents,
            conversations=INCLUDED[purchase.plan],
        )
        wish = Wish(target=target, return_url=URL, cancel_url=URL)
        try:
            with self.ground.transaction() as session:
                account = accounts.lock(session, self.ref)
                work = Work(session, self.ground.runtime.catalogue, account)
                order, _ = purchasing.place_order(work, wish, lambda: self._means(work, purchase))
                self.orders.append(order.id)
        except Refused:
            return
        clock.advance(timedelta(seconds=1))

    def _means(self, work: Work, purchase: Purchase) -> Means:
        if purchase.by == "saved":
            return purchasing.saved_means(work.session, work.account)
        provider = self.ground.runtime.providers.for_method(purchase.by)
        assert provider is not None
        return Means(method=purchase.by, provider=provider.name)

    def _ask_back(self) -> None:
        try:
            with self.ground.transaction() as session:
                account = accounts.lock(session, self.ref)
                refunds.request_full(Work(session, self.ground.runtime.catalogue, account))
        except Refused:
            return

    def _order(self, order_id: str) -> Order:
        with self.ground.transaction() as session:
            return orders.find(session, order_id)

    def _payments(self) -> Sequence[Payment]:
        mine = select(Payment).where(Payment.account_id == self.number)
        with self.ground.transaction() as session:
            return list(session.scalars(mine.order_by(Payment.created_at, Payment.reference)))

    def _pay(self, order: Order, how: str) -> None:
        if order.checkout_url is None:
            return
        page = urlsplit(order.checkout_url)
        if order.provider == "stripe":
            self._pay_by_card(f"/stripe/checkout/{page.path.rpartition('/')[2]}", how)
        elif how != "left":
            saved = {"wallet": True, "wallet_later": "later"}.get(how, False)
            capture = "PENDING" if how.startswith("held") else "COMPLETED"
            token = parse_qs(page.query)["token"][0]
            self.ground.ask(f"/paypal/orders/{token}/approve", vault=saved, capture=capture)

    def _pay_by_card(self, page: str, how: str) -> None:
        if how == "expired":
            self.ground.ask(f"{page}/expire")
            return
        if how == "second_try":
            self.ground.ask(f"{page}/pay", card="insufficient_funds")
        card = "amex" if how == "amex" else "visa"
        delayed = how.startswith("delayed")
        self.ground.ask(f"{page}/pay", card=card, delayed=delayed, force=how == "amex")

    def _stray(self, order: Order, kind: str) -> None:
        amount = order.due + (100 if kind == "wrong" else 0)
        if not order.due:
            return
        currency = "usd" if order.currency == "EUR" else "eur"
        self.ground.pay_directly(
            amount=str(amount),
            currency=currency if kind == "foreign" else order.currency.lower(),
            payment_method="pm_card_visa",
            confirm="true",
            **{"metadata[order_id]": order.id},
        )

    def _end_waiting(self, how: str) -> None:
        for payment in self._payments():
            if payment.state != "pending":
                continue
            if payment.provider == "paypal":
                status = "DECLINED" if how.endswith("declined") else "COMPLETED"
                self.ground.ask(f"/paypal/captures/{payment.reference}", status=status)
            else:
                order = self._order(payment.order_id or "")
                failure = {"fail": "insufficient_funds"} if how.endswith("failed") else {}
                self.ground.ask(f"/stripe/checkout/{order.checkout_id}/settle", **failure)


def begin_day(ground: Playground, people: Sequence[Person], number: int) -> None:
    """Everybody's commands of that day, after what the clock does by itself."""
    for person in people:
        if number == 2 and person.life.declined:
            person.decline()
    pass_time(ground.runtime)
    expire_orders(ground.runtime)
    for person in people:
        person.command(person.life.days[number])


Aftermath = Callable[[Playground, Payment], object]


def refund(ground: Playground, payment: Payment, amount: int | None, **more: object) -> Document:
    """Give money back in the provider's dashboard."""
    if payment.provider == "stripe":
        part = {} if amount is None else {"amount": amount}
        return ground.ask("/stripe/refunds", payment_intent=payment.reference, **part, **more)
    part_of = {} if amount is None else {"amount": to_decimal_text(amount)}
    return ground.ask(f"/paypal/captures/{payment.reference}/refund", **part_of)


def _refund_held(outcome: str) -> Aftermath:
    def act(ground: Playground, payment: Payment) -> None:
        made = refund(ground, payment, payment.amount // 3, pending=True)
        if payment.provider == "stripe" and "id" in made:
            ground.ask(f"/stripe/refunds/{made['id']}/settle", outcome=outcome)

    return act


def _refund_twice(ground: Playground, payment: Payment) -> None:
    refund(ground, payment, payment.amount // 4)
    refund(ground, payment, payment.amount // 3)


def _dispute(outcome: str | None, wallet: str = "", *, reverse: bool = False) -> Aftermath:
    def act(ground: Playground, payment: Payment) -> None:
        if payment.provider == "stripe":
            opened = ground.ask("/stripe/disputes", payment_intent=payment.reference)
            if outcome is not None and "id" in opened:
                ground.ask(f"/stripe/disputes/{opened['id']}/close", outcome=outcome)
            return
        opened = ground.ask("/paypal/disputes", capture_id=payment.reference)
        if outcome is not None and "dispute_id" in opened:
            path = f"/paypal/disputes/{opened['dispute_id']}/resolve"
            ground.ask(path, outcome=wallet, reverse=reverse)

    return act


AFTERMATHS: Final[dict[str, Aftermath]] = {
    "refund_part": lambda ground, payment: refund(ground, payment, payment.amount // 3),
    "refund_twice": _refund_twice,
    "refund_whole": lambda ground, payment: refund(ground, payment, None),
    "refund_held": _refund_held("succeeded"),
    "refund_failed": _refund_held("failed"),
    "dispute_open": _dispute(None),
    "dispute_won": _dispute("won", "RESOLVED_SELLER_FAVOUR"),
    "dispute_withdrawn": _dispute("won", "CANCELED_BY_BUYER"),
    "dispute_lost": _dispute("lost", "RESOLVED_BUYER_FAVOUR"),
    "dispute_lost_reversed": _dispute("lost", "RESOLVED_BUYER_FAVOUR", reverse=True),
}

"""Where a story is played: the app's side, the customer's side, and a clock that can be moved.

Everything goes through HTTP: Billhook's API with an app token, the sandbox's control desk for what
customers, banks and dashboards do. The stage only waits and moves the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import urllib3
from sqlalchemy import func, select

from domain import clock, effects, tokens
from domain.effects import Effect
from domain.errors import BillhookError
from domain.inbox import DUE_STATES, Event
from domain.subscriptions import Subscription
from workers.embedded import Embedded

HORIZON: Final = timedelta(minutes=20)
"""Retries that are due within this are waited for by moving the clock."""
PATIENCE_S: Final = 60.0
A_TICK: Final = timedelta(seconds=1)

Narrator = Callable[[datetime, str], None]


class StoryBroke(BillhookError):
    """Something did not happen that the story tells of."""


class Stage:
    """One running Billhook with its sandbox, and the hands of everybody involved."""

    def __init__(self, billhook: Embedded, narrate: Narrator | None = None) -> None:
        self.billhook = billhook
        self._narrate = narrate or (lambda _at, _line: None)
        self._http = urllib3.PoolManager(maxsize=8, timeout=30, retries=False)
        with billhook.runtime.database.transaction() as session:
            _, self._token = tokens.create(session, "app", "story")

    def tell(self, line: str) -> None:
        """Say what is happening."""
        self._narrate(clock.now(), line)

    def app(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call Billhook's API as the app. Raises ``StoryBroke`` on an error answer."""
        status, answer = self.try_app(method, path, body, **headers)
        if status >= 400:
            raise StoryBroke(f"{method} {path} answered {status}: {answer}")
        return answer

    def try_app(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The same, with the status and whatever the answer is."""
        sent = {"authorization": f"Bearer {self._token}", **headers}
        return self._call(method, self.billhook.base_url + path, body, sent)

    def sandbox(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Use the sandbox's control desk (``path`` follows ``/sandbox``)."""
        if self.billhook.sandbox is None:
            raise StoryBroke("this story needs the sandbox")
        url = f"{self.billhook.sandbox.base_url}/sandbox{path}"
        status, answer = self._call(method, url, body or {}, {})
        if status >= 400:
            raise StoryBroke(f"sandbox {path} answered {status}: {answer}")
        return answer

    def account(self, ref: str) -> Any:
        """What the app would be told about an account now."""
        return self.app("GET", f"/api/accounts/{ref}")

    def register(self, ref: str, country: str = "CZ", currency: str = "CZK", **more: Any) -> None:
        """Create an account with billing details."""
        billing = {
            "name": f"Customer {ref}",
            "street": "Long Street 1",
            "city": "Capital",
            "postal_code": "10000",
            "country": country,
        }
        body = {"email": f"{ref}@customers.example", "currency": currency, "billing": billing}
        self.app("PUT", f"/api/accounts/{ref}", {**body, "locale": "en", **more})

    def order(self, ref: str, method: str, **target: Any) -> Any:
        """Place an order; returns it with its checkout page."""
        body = {
            "plan": "standard",
            "interval": "month",
            "agents": 1,
            "conversations": 500 if target.get("plan") == "pro" else 100,
            "method": method,
            "return_url": "https://app.example/thanks",
            "cancel_url": "https://app.example/plans",
            **target,
        }
        return self.app("POST", f"/api/accounts/{ref}/orders", body)

    def pay_card(self, order: Any, card: str = "visa", **more: Any) -> None:
        """Do what a customer does on the card page."""
        self.sandbox(f"/stripe/checkout/{_page_id(order)}/pay", {"card": card, **more})

    def approve_wallet(self, order: Any, **more: Any) -> None:
        """Do what a buyer does on the wallet's page."""
        token = dict(part.split("=") for part in urlsplit(order["checkout_url"]).query.split("&"))
        self.sandbox(f"/paypal/orders/{token['token']}/approve", {"vault": True, **more})

    def settle(self) -> None:
        """Wait until nothing is on the way and nothing is due; short retries move the clock."""
        patience, was_quiet = time.monotonic() + PATIENCE_S, False
        while time.monotonic() < patience:
            if self.billhook.world is not None:
                self.billhook.world.courier.settle(10)
            self.billhook.clock.run_all()
            due = self._next_due()
            if due is None or due > clock.now() + HORIZON:
                # Twice: a call that ends between the two looks may have posted a webhook.
                if was_quiet:
                    return
                was_quiet = True
                continue
            was_quiet = False
            # Asked again: it may have been the lease of an effect that ended just now.
            is_ahead = due > clock.now() and clock.is_frozen() and not self._running()
            if is_ahead and self._next_due() == due:
                clock.travel(due)
            time.sleep(0.01)
        raise StoryBroke("the story does not come to rest; see `billhook events list`")

    def travel(self, to: datetime) -> None:
        """Move the clock to an instant, stopping wherever something is due on the way."""
        while (moment := self._next_moment()) is not None and moment < to:
            clock.travel(max(moment, clock.now() + A_TICK))
            self.settle()
        clock.travel(max(to, clock.now()))
        self.settle()

    def wait(self, **span: float) -> None:
        """Let time pass (``days=3``), with everything that becomes due on the way."""
        self.travel(clock.now() + timedelta(**span))

    def expect(self, condition: bool, line: str) -> None:
        """Raise ``StoryBroke`` unless what the story says is so."""
        if not condition:
            raise StoryBroke(f"expected: {line}")

    def _call(self, method: str, url: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        sent = None if body is None else msgspec.json.encode(body)
        kind = {"content-type": "application/json"} if sent is not None else {}
        answer = self._http.request(method, url, body=sent, headers={**kind, **headers})
        try:
            return answer.status, msgspec.json.decode(answer.data) if answer.data else None
        except msgspec.DecodeError:
            return answer.status, answer.data.decode(errors="replace")

    def _next_moment(self) -> datetime | None:
        """When the clock has to act on some subscription next."""
        with self.billhook.runtime.database.transaction() as session:
            moment: datetime | None = session.scalar(select(func.min(Subscription.next_due_at)))
        return moment

    def _next_due(self) -> datetime | None:
        with self.billhook.runtime.database.transaction() as session:
            event: datetime | None = session.scalar(
                select(func.min(Event.next_attempt_at)).where(Event.status.in_(DUE_STATES))
            )
            effect: datetime | None = session.scalar(
                select(func.min(Effect.next_attempt_at)).where(Effect.status.in_(effects.PLANNED))
            )
        return min(filter(None, (event, effect)), default=None)

    def _running(self) -> bool:
        """Whether an effect is being performed right now: its lease must not run out."""
        with self.billhook.runtime.database.transaction() as session:
            statement = select(Effect.id).where(Effect.status == "running").limit(1)
            return session.scalar(statement) is not None


def _page_id(order: Any) -> str:
    return str(urlsplit(order["checkout_url"]).path.rpartition("/")[2])

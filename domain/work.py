"""One unit of work under an account's lock: what a rule may use and what it leaves behind.

A rule changes rows through the session, wants effects, notes history and raises alerts here; it
calls nobody outside. All of it is committed or rolled back together with the event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain import alerts, clock, effects, history, subscriptions
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.invoices import Invoice
from domain.subscriptions import Subscription


class Work:
    """The account (locked), the cause, and what the rule produced."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        account: Account,
        *,
        provider: str = "",
        event_id: int | None = None,
        actor: str | None = None,
    ) -> None:
        self.session = session
        self.catalogue = catalogue
        self.account = account
        self.provider = provider
        self.event_id = event_id
        self.actor = actor
        self.papers: list[Invoice] = []
        """Invoices made here that still need their number."""

    @property
    def now(self) -> datetime:
        """The present instant."""
        return clock.now()

    @property
    def subscription(self) -> Subscription | None:
        """The account's subscription."""
        return subscriptions.of(self.session, self.account.id)

    def want(
        self,
        kind: str,
        target: str,
        cause: str,
        *,
        at: datetime | None = None,
        **payload: Any,
    ) -> bool:
        """Want an effect of this account; see ``domain.effects.want_soon``."""
        return effects.want_soon(
            self.session,
            kind,
            target,
            cause,
            payload=payload,
            account_id=self.account.id,
            event_id=self.event_id,
            at=at,
        )

    def note(self, kind: str, **details: Any) -> None:
        """Write a line into the account's history."""
        history.note(
            self.session,
            self.account.id,
            kind,
            event_id=self.event_id,
            actor=self.actor,
            **details,
        )

    def alert(self, rule: str, subject: str, **details: Any) -> bool:
        """Raise an alert about this account."""
        return alerts.raise_alert(self.session, rule, subject, account=self.account.ref, **details)

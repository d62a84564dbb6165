"""Every page of the console, with the address of one that has something to show, and the questions
that have a page of their own."""

from __future__ import annotations

from typing import Final

PLACES: Final = {
    "overview": "/console",
    "events": "/console/events",
    "event": "/console/events/2",
    "failures": "/console/failures",
    "replays": "/console/replays",
    "new-replay": "/console/replays/new?type=charge.failed",
    "accounts": "/console/accounts",
    "account": "/console/accounts/boris",
    "renewals": "/console/renewals",
    "invoices": "/console/invoices",
    "alerts": "/console/alerts",
    "alert": "/console/alerts/1",
    "audit": "/console/audit",
    "settings": "/console/settings",
    "me": "/console/me",
}
QUESTIONS: Final = {"erasure": "/console/accounts/boris/erasure"}

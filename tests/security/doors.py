"""Every call that the web process answers, and who may make it.

``anyone`` needs no proof; an operator may do whatever a viewer may. What is missing here fails a
test, so that nobody adds a route without saying for whom it is.
"""

from __future__ import annotations

from typing import NamedTuple

from webhooks.api import OPERATIONS

TABLE = """
GET    /                                        anyone
GET    /livez                                   anyone
GET    /readyz                                  anyone
GET    /metrics                                 viewer
GET    /openapi.json                            anyone
GET    /docs                                    anyone
POST   /webhooks/{provider}                     provider

PUT    /api/accounts/{ref}                      app
GET    /api/accounts/{ref}                      app viewer
GET    /api/accounts/{ref}/history              app viewer
PUT    /api/accounts/{ref}/auto-renew           app
POST   /api/accounts/{ref}/payment-method       app
DELETE /api/accounts/{ref}/payment-method       app
POST   /api/accounts/{ref}/quotes               app
POST   /api/accounts/{ref}/orders               app
GET    /api/orders/{id}                         app viewer
DELETE /api/orders/{id}                         app
POST   /api/accounts/{ref}/refund               app
GET    /api/accounts/{ref}/invoices             app viewer
GET    /api/invoices/{number}.pdf               app operator
GET    /api/invoices/{number}/revisions         app viewer
PATCH  /api/invoices/{number}                   app

GET    /api/events                              viewer
GET    /api/events/{id}                         viewer
POST   /api/events/{id}/retry                   operator
POST   /api/events/{id}/dismiss                 operator
POST   /api/events/{id}/dry-run                 operator
POST   /api/effects/{id}/retry                  operator
GET    /api/trials/{id}                         viewer
GET    /api/failures                            viewer
GET    /api/failures/{id}                       viewer
POST   /api/replays                             operator
GET    /api/replays                             viewer
GET    /api/replays/{id}                        viewer
GET    /api/replays/{id}/items                  viewer
POST   /api/replays/{id}/cancel                 operator
POST   /api/replays/{id}/resume                 operator
GET    /api/alerts                              viewer
GET    /api/alerts/{id}                         viewer
POST   /api/alerts/{id}/ack                     operator
POST   /api/payments/{id}/refund                operator
POST   /api/accounts/{ref}/block                operator
POST   /api/accounts/{ref}/unblock              operator
POST   /api/accounts/{ref}/order                operator
POST   /api/accounts/{ref}/erasure              operator
POST   /api/invoices/{number}/resend            operator
GET    /api/audit                               viewer

GET    /console/static/{name}                   anyone
GET    /console/sign-in                         anyone
POST   /console/sign-in                         anyone
POST   /console/sign-out                        viewer
GET    /console                                 viewer
GET    /console/events                          viewer
GET    /console/events/{id}                     viewer
GET    /console/events/{id}/retry               operator
POST   /console/events/{id}/retry               operator
GET    /console/events/{id}/dismiss             operator
POST   /console/events/{id}/dismiss             operator
POST   /console/events/{id}/dry-run             operator
GET    /console/effects/{id}/retry              operator
POST   /console/effects/{id}/retry              operator
GET    /console/failures                        viewer
GET    /console/failures/{id}                   viewer
GET    /console/replays                         viewer
POST   /console/replays                         operator
GET    /console/replays/new                     operator
GET    /console/replays/{id}                    viewer
GET    /console/replays/{id}/cancel             operator
POST   /console/replays/{id}/cancel             operator
GET    /console/replays/{id}/resume             operator
POST   /console/replays/{id}/resume             operator
GET    /console/accounts                        viewer
GET    /console/accounts/{ref}                  viewer
GET    /console/accounts/{ref}/block            operator
POST   /console/accounts/{ref}/block            operator
GET    /console/accounts/{ref}/unblock          operator
POST   /console/accounts/{ref}/unblock          operator
GET    /console/accounts/{ref}/order            operator
POST   /console/accounts/{ref}/order            operator
GET    /console/accounts/{ref}/erasure          operator
POST   /console/accounts/{ref}/erasure          operator
GET    /console/accounts/{ref}/payments/{id}/refund  operator
POST   /console/accounts/{ref}/payments/{id}/refund  operator
GET    /console/renewals                        viewer
GET    /console/invoices                        viewer
GET    /console/invoices/{number}               viewer
GET    /console/invoices/{number}/resend        operator
POST   /console/invoices/{number}/resend        operator
GET    /console/alerts                          viewer
GET    /console/alerts/{id}                     viewer
GET    /console/alerts/{id}/acknowledge         operator
POST   /console/alerts/{id}/acknowledge         operator
GET    /console/audit                           viewer
GET    /console/settings                        viewer
GET    /console/me                              viewer
POST   /console/me/looks                        viewer
POST   /console/me/password                     viewer
POST   /console/me/sessions/{id}/end            viewer
POST   /console/me/sessions/end                 viewer
"""
NOWHERE = "/console/{rest:path}"
"""Where the console says that there is no such page; no method does anything there."""
SAFE = frozenset({"GET", "HEAD"})
EXAMPLES = {(one.method, one.path): one.example for one in OPERATIONS}
REASON = {"reason": "a test tries the door"}


class Door(NamedTuple):
    """One method of one path, and the roles that may pass."""

    method: str
    path: str
    who: frozenset[str]

    @property
    def is_api(self) -> bool:
        """Whether it answers programs: with a status and a problem document."""
        return self.path.startswith("/api/") or self.path == "/metrics"

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return "anyone" in self.who and self.method in SAFE

    @property
    def changes(self) -> bool:
        """Whether a call may change something."""
        return self.method not in SAFE

    def admits(self, role: str) -> bool:
        """Whether a role may pass."""
        return role in self.who or (role == "operator" and "viewer" in self.who)

    def address(self, values: dict[str, str]) -> str:
        """The path with its places filled in."""
        address = self.path
        for name, value in values.items():
            address = address.replace(f"{{{name}}}", value)
        return address


DOORS = [
    Door(method, path, frozenset(who))
    for method, path, *who in (line.split() for line in TABLE.splitlines() if line)
]

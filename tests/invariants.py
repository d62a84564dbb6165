"""What must hold after every scenario (BILLING 10)."""

from __future__ import annotations

from domain import catalogue as catalogues
from domain import invariants
from domain.catalogue import Catalogue
from domain.database import Database


def assert_invariants(database: Database, catalogue: Catalogue | None = None) -> None:
    """Fail with every violation, unless all invariants hold; the bundled catalogue's numbers."""
    with database.transaction() as session:
        found = invariants.broken(session, catalogue or catalogues.load())
    assert not found, "\n".join(map(str, found))

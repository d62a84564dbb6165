"""What a batch of events knows beforehand, and what it writes together at its end.

Rules ask and write as if they were alone with their account. Where a batch is open on the session,
what was read for all of its events at once answers them, and their rows wait to be inserted
together: so an event costs hardly a statement of its own. A query that nobody foresaw is asked of
the database as ever, after everything that waits was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import event, text
from sqlalchemy.orm import ORMExecuteState, Session

_NAME: Final = "batch"
NUMBERED: Final = ("payments", "invoices")
"""Tables whose rows are referred to before they are inserted."""
_IDS: Final = text(
    "SELECT name, nextval(pg_get_serial_sequence(name, 'id')) "
    "FROM unnest(CAST(:names AS text[])) AS name, generate_series(1, :n)"
)

_Row = TypeVar("_Row")
Writer = Callable[[Session, list[dict[str, Any]]], object]
"""Inserts rows that waited."""


class Batch:
    """The knowledge and the waiting rows of one batch, which lives as long as its transaction."""

    def __init__(self, session: Session, size: int) -> None:
        self._session = session
        self._size = size
        self._known: dict[tuple[type, Any], Any] = {}
        self._waiting: dict[Writer, list[dict[str, Any]]] = {}
        self._held: list[Any] = []
        self._ids: dict[str, list[int]] = {}
        self._is_writing = False

    def learn(self, kind: type, key: Any, row: Any) -> None:
        """Know a row by its key; None: that there is none."""
        self._known[kind, key] = row

    def forget(self, kind: type, key: Any) -> None:
        """Have it asked for again."""
        self._known.pop((kind, key), None)

    def find(self, kind: type, key: Any, ask: Callable[[], Any]) -> Any:
        """What is known under the key, else what the database says."""
        if (kind, key) not in self._known:
            return ask()
        return self._known[kind, key]

    def wait(self, writer: Writer, row: dict[str, Any]) -> None:
        """Have ``writer`` insert the row later, together with others."""
        self._waiting.setdefault(writer, []).append(row)

    def hold(self, row: Any) -> None:
        """Add an object to the session only when it is needed there."""
        self._held.append(row)

    def new_id(self, table: str) -> int:
        """The next number of a table: so a row can be referred to before it is inserted."""
        if not self._ids.get(table):
            names = [name for name in NUMBERED if not self._ids.get(name)]
            values = {"names": names, "n": self._size}
            for name, number in self._session.connection().execute(_IDS, values):
                self._ids.setdefault(name, []).insert(0, number)
        return self._ids[table].pop()

    def write(self) -> None:
        """Write everything that waits, but what is held."""
        self._is_writing = True
        self._session.flush()
        for writer, rows in sorted(self._waiting.items(), key=lambda each: each[0].__qualname__):
            writer(self._session, rows)
        self._waiting.clear()
        self._is_writing = False

    def release(self) -> None:
        """Write everything, and what was held after it: it refers to the rest."""
        self.write()
        self._session.add_all(self._held)
        self._held.clear()
        self._session.flush()

    def before(self, state: ORMExecuteState) -> None:
        """A query nobody foresaw sees what waits."""
        if state.is_select and not self._is_writing and (self._waiting or self._held):
            self.release()


@contextmanager
def opened(session: Session, size: int) -> Iterator[Batch]:
    """A batch of that many events, until the end of the block, which writes what waits.

    What is held stays so: whoever holds it adds it.
    """
    batch = session.info[_NAME] = Batch(session, max(1, size))
    event.listen(session, "do_orm_execute", batch.before)
    try:
        yield batch
        batch.write()
    finally:
        event.remove(session, "do_orm_execute", batch.before)
        del session.info[_NAME]


def of(session: Session) -> Batch | None:
    """The batch that is open on the session."""
    return session.info.get(_NAME)


def wait(session: Session, writer: Writer, row: dict[str, Any]) -> bool:
    """Have the row inserted later; False when no batch is open."""
    batch = of(session)
    if batch is not None:
        batch.wait(writer, row)
    return batch is not None


def hold(session: Session, row: Any) -> bool:
    """Leave it to the batch to add the object when it is needed; False when none is open."""
    batch = of(session)
    if batch is not None:
        batch.hold(row)
    return batch is not None


def new_id(session: Session, kind: type[Any]) -> int | None:
    """A number for a new row of that table; None, and the database will give it, when no batch is
    open."""
    batch = of(session)
    return None if batch is None else batch.new_id(kind.__tablename__)


def known(session: Session, kind: type[Any], key: Any, ask: Callable[[], _Row]) -> _Row:
    """What the batch knows of ``kind`` under the key, else what ``ask`` finds out."""
    batch = of(session)
    found: _Row = ask() if batch is None else batch.find(kind, key, ask)
    return found


def learn(session: Session, kind: type[Any], key: Any, row: Any) -> None:
    """Tell the batch, if there is one, of a row that was made."""
    batch = of(session)
    if batch is not None:
        batch.learn(kind, key, row)


def forget(session: Session, kind: type[Any], key: Any) -> None:
    """Tell the batch, if there is one, that what it knows is no longer so."""
    batch = of(session)
    if batch is not None:
        batch.forget(kind, key)

"""Watches a session and tells what was changed in it, row by row."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import event as hooks
from sqlalchemy import inspect
from sqlalchemy.orm import ORMExecuteState, Session

from domain.database import Base

Values = dict[str, Any]


class Change(msgspec.Struct, kw_only=True):
    """One row. ``before`` and ``after`` hold the columns that changed; a new row has no
    ``before``, a deleted one no ``after``."""

    table: str
    action: str
    key: Values
    before: Values
    after: Values


class Observer:
    """Collects the changes of one session, from its making on."""

    def __init__(self, session: Session) -> None:
        self._by_row: dict[int, tuple[Any, Change]] = {}
        self._others: list[Change] = []
        hooks.listen(session, "before_flush", self._before_flush)
        hooks.listen(session, "after_flush", self._after_flush)
        hooks.listen(session, "do_orm_execute", self._executed)

    def changes(self) -> list[Change]:
        """Every change, rows written by the session first."""
        mine = [change for _, change in self._by_row.values() if change.before != change.after]
        return [*mine, *self._others]

    def _before_flush(self, session: Session, *_: Any) -> None:
        for row in session.new:
            self._by_row[id(row)] = (row, _change(row, "insert", {}, {}))
        for row in session.dirty:
            if session.is_modified(row):
                self._note_update(row)
        for row in session.deleted:
            self._by_row[id(row)] = (row, _change(row, "delete", _values(row), {}))

    def _after_flush(self, session: Session, *_: Any) -> None:
        # Only now do new rows have their numbers and defaults.
        for row in session.new:
            change = self._by_row[id(row)][1]
            change.key, change.after = _key(row), _values(row)

    def _note_update(self, row: Any) -> None:
        before, after = _difference(row)
        known = self._by_row.setdefault(id(row), (row, _change(row, "update", {}, {})))[1]
        if known.action == "update":
            known.before = {**before, **known.before}
        known.after = {**known.after, **after}

    def _executed(self, state: ORMExecuteState) -> Any:
        """Statements that name no loaded row: ``insert_once``, and updates by condition."""
        if not (state.is_insert or state.is_update or state.is_delete):
            return None
        result = state.invoke_statement(execution_options={"preserve_rowcount": True})
        if getattr(result, "rowcount", 0) > 0:
            self._others.append(_of_statement(state))
        return result


def _of_statement(state: ORMExecuteState) -> Change:
    statement: Any = state.statement
    columns = {column.name for column in statement.table.columns}
    given = dict(statement.compile().params)
    values = {name: value for name, value in given.items() if name in columns}
    # Values of conditions carry a number: rule_1.
    key = {name[:-2]: value for name, value in given.items() if name[:-2] in columns}
    action = "insert" if state.is_insert else "update" if state.is_update else "delete"
    # The name is SQLAlchemy's own kind of text, which cannot be stored as JSON.
    table = str(statement.table.name)
    return Change(table=table, action=action, key=key, before={}, after=values)


def _change(row: Base, action: str, before: Values, after: Values) -> Change:
    return Change(table=row.__tablename__, action=action, key=_key(row), before=before, after=after)


def _key(row: Any) -> Values:
    names = (column.name for column in inspect(type(row)).primary_key)
    return {name: getattr(row, name) for name in names}


def _values(row: Any) -> Values:
    names = (column.key for column in inspect(type(row)).column_attrs)
    values = {name: getattr(row, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _difference(row: Any) -> tuple[Values, Values]:
    before: Values = {}
    after: Values = {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if history.has_changes():
            before[attribute.key] = history.deleted[0] if history.deleted else None
            after[attribute.key] = history.added[0] if history.added else None
    return before, after

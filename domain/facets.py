"""Lists that are narrowed by columns of few values, read without walking past what does not belong.

An index on such columns that ends with the order of the list is read in two steps: the combinations
of values that exist, by jumping from each to the next; then the newest rows of each combination
that fits, a short range of the index each, merged. So nothing is walked through in vain for a
combination that no row has, as a planner would that goes by averages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    column,
    literal,
    select,
    tuple_,
    values,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

Columns = Sequence[InstrumentedAttribute[str]]
"""The columns of one table in the order of its index; none of them is ever NULL."""
Order = Sequence[InstrumentedAttribute[Any]]
"""What the list is ordered by, descending: the columns that the index ends with."""
Combination = Mapping[str, str]
Rows = Select[*tuple[Any, ...]]


def existing(
    session: Session, columns: Columns, given: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Every combination of values that some row has, of those with the ``given`` values."""
    wanted = dict(given or {})
    if session.get_bind().dialect.name == "postgresql":
        statement = _skipping(columns, _leading(columns, wanted))
    else:
        equal = [each == wanted[each.key] for each in columns if each.key in wanted]
        statement = select(*columns).where(*equal).distinct()
    names = [each.key for each in columns]
    rows = [dict(zip(names, row, strict=True)) for row in session.execute(statement)]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def newest(
    session: Session,
    columns: Columns,
    order: Order,
    combinations: Collection[Combination],
    limit: int,
    span: Sequence[ColumnElement[bool]] = (),
) -> Rows | None:
    """A query for the ``order`` columns of up to ``limit`` rows that have one of the combinations,
    the newest first, within the ``span``; None when there is no combination."""
    rows = [tuple(each[column.key] for column in columns) for each in combinations]
    if not rows:
        return None
    if session.get_bind().dialect.name == "postgresql":
        return _merged(columns, order, rows, limit, span)
    statement = select(*order).where(tuple_(*columns).in_(rows), *span)
    return in_order(statement, order, limit)


def in_order(statement: Rows, order: Sequence[Any], limit: int) -> Rows:
    """The query's first ``limit`` rows, the newest first."""
    return statement.order_by(*(each.desc() for each in order)).limit(limit)


def sorted_apart(order: Order, conditions: Sequence[ColumnElement[bool]], limit: int) -> Rows:
    """Find first, then sort: for conditions that few rows meet. Were both one query, the planner
    could choose to walk through all rows in order, hoping to meet enough of them soon."""
    found = select(*order).where(*conditions).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    return in_order(select(*found.c), [found.c[each.key] for each in order], limit)


def _merged(
    columns: Columns,
    order: Order,
    rows: list[tuple[str, ...]],
    limit: int,
    span: Sequence[ColumnElement[bool]],
) -> Rows:
    """The newest of each combination, from the index, and of these the newest."""
    each = values(*(column(one.key, String) for one in columns), name="each").data(rows)
    same = [one == each.c[one.key] for one in columns]
    some = in_order(select(*order).where(*same, *span), order, limit).lateral("some")
    joined = select(*some.c).select_from(each.join(some, literal(True)))
    return in_order(joined, [some.c[one.key] for one in order], limit)


def _leading(columns: Columns, wanted: Mapping[str, str]) -> dict[str, str]:
    """What is given of the columns that the index begins with."""
    found: dict[str, str] = {}
    for each in columns:
        if each.key not in wanted:
            break
        found[each.key] = wanted[each.key]
    return found


def _from(columns: Columns, leading: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Where the index is entered. Not by equality: nothing would be left to order by, and the
    planner could read the table from its beginning in the hope of meeting such a row soon."""
    given = [each for each in columns if each.key in leading]
    begin = [literal(leading[each.key], String) for each in given]
    return [tuple_(*given) >= tuple_(*begin)] if given else []


def _skipping(columns: Columns, leading: Mapping[str, str]) -> Rows:
    """Read each combination once by jumping to the next greater one in the index."""
    entered = select(*columns).where(*_from(columns, leading)).order_by(*columns)
    first = entered.limit(1).subquery()
    met = select(*first.c).cte("met", recursive=True)
    further = aliased(columns[0].class_)
    ahead = [getattr(further, each.key) for each in columns]
    greater = select(*ahead).where(tuple_(*ahead) > tuple_(*met.c)).order_by(*ahead)
    following = greater.limit(1).lateral("following")
    jumps = select(*following.c).select_from(met.join(following, literal(True)))
    # Said of the combination that was met last: of the next, it would keep the index from being
    # entered at the right place.
    jumps = jumps.where(*(met.c[name] == value for name, value in leading.items()))
    met = met.union_all(jumps)
    return select(*met.c)

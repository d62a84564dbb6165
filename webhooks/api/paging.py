"""Lists in pages: ``?limit=`` and an opaque ``?cursor=``, answered as ``{"items", "next"}``.

Cursors are keys of the last row shown, so pages neither skip nor repeat rows when others are added
meanwhile. A cursor names its list; another list's, or garbage, is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from webhooks.api.explain import FieldError
from webhooks.api.inputs import Invalid

MOST: Final = 200
_RowT = TypeVar("_RowT")
_KeyT = TypeVar("_KeyT")

RowId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""The key of a list that is ordered by row number."""


Limit = Annotated[
    int, Meta(ge=1, le=MOST, description=f"How many items at most, from 1 to {MOST}.")
]
Onwards = Annotated[
    str | None,
    Meta(description="Where to go on: `next` of the page before. Left out: the beginning."),
]


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a list is wanted."""

    limit: Limit = 50
    cursor: Onwards = None


class Cursor(Generic[_KeyT]):
    """The cursors of one list, whose rows are ordered by a key of type ``key``."""

    def __init__(self, name: str, key: Any) -> None:
        self._name = name
        self._decoder = msgspec.json.Decoder(tuple[str, key])

    def encode(self, key: _KeyT) -> str:
        """The cursor that goes on after the row of that key."""
        text = msgspec.json.encode((self._name, key))
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    def decode(self, cursor: str | None) -> _KeyT | None:
        """The key of the last row seen, None at the beginning. Raises ``Invalid`` (400)."""
        if cursor is None:
            return None
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True)
            name, key = self._decoder.decode(text)
        except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError):
            raise self._garbage() from None
        if name != self._name:
            raise self._garbage()
        return key  # type: ignore[no-any-return]

    def cut(
        self, rows: Sequence[_RowT], limit: int, key: Callable[[_RowT], _KeyT]
    ) -> tuple[Sequence[_RowT], str | None]:
        """Split what a query for ``limit + 1`` rows gave into one page and the next cursor."""
        page = rows[:limit]
        return page, self.encode(key(page[-1])) if len(rows) > limit else None

    def _garbage(self) -> Invalid:
        rule = "is not a cursor of this list; use `next` of a page, or leave it out."
        return Invalid(400, "cursor_invalid", f"cursor: {rule}", FieldError("cursor", rule))

"""How long what grows is kept, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain import clock
from domain.errors import Misconfigured
from domain.months import Month, month_of

DEFAULT: Final = 400
"""Thirteen months: a renewal by the year, and the one before it, can be looked at together."""
LEAST: Final = 31
"""Longer than a provider repeats a delivery, and than Billhook tries an event by itself."""
MOST: Final = 36_500
FOREVER: Final = "forever"
_NO_TIME: Final = timedelta(0)


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """Days that each store is kept; None: for ever."""

    payloads: int | None = DEFAULT
    deliveries: int | None = DEFAULT
    attempts: int | None = DEFAULT
    readings: int | None = DEFAULT
    transmissions: int | None = DEFAULT

    def oldest(self, store: str, grace: timedelta = _NO_TIME) -> Month | None:
        """The oldest month of the store that is still kept, or was so long ago as ``grace`` says;
        None: all of them are.

        Whole months go: when the last of what they hold is old enough.
        """
        days = getattr(self, store)
        return None if days is None else month_of(clock.now() - timedelta(days=days) - grace)

    def goes_at(self, store: str, month: Month) -> datetime | None:
        """When a month of the store is old enough to go; None: never."""
        days = getattr(self, store)
        return None if days is None else month.end + timedelta(days=days)


def variable(store: str) -> str:
    """The name of the setting for a store."""
    return f"BILLHOOK_KEEP_{store.upper()}_DAYS"


VARIABLES: Final = frozenset(variable(store) for store in Keeping.__struct_fields__)


def read(values: Mapping[str, str]) -> Keeping:
    """Read the settings. Raises ``Misconfigured``."""
    return Keeping(**{store: _days(values, store) for store in Keeping.__struct_fields__})


def _days(values: Mapping[str, str], store: str) -> int | None:
    text = values.get(variable(store), str(DEFAULT))
    if text.lower() == FOREVER:
        return None
    if not text.isdecimal() or not LEAST <= int(text) <= MOST:
        raise Misconfigured(
            f"{variable(store)} must be a number of days from {LEAST} to {MOST}, or {FOREVER}, "
            f"not {text!r}"
        )
    return int(text)

"""Calendar arithmetic of paid periods, with an anchor day (BILLING 3).

31 January → 28 February → 31 March: the day of the month that a subscription began on is kept as
its anchor and comes back as soon as a month has it. All instants are UTC.
"""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import Final

MONTHS: Final = {"month": 1, "year": 12}


def anchor_of(start: datetime) -> int:
    """The anchor day of a subscription that begins at ``start``: 1 to 31."""
    return start.day


def next_end(start: datetime, interval: str, anchor_day: int) -> datetime:
    """The end of the period of one ``interval`` (``month`` or ``year``) that begins at ``start``.

    The time of day is kept; the day is the anchor's, or the month's last if it has no such day.
    """
    months = start.year * 12 + start.month - 1 + MONTHS[interval]
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(anchor_day, last))

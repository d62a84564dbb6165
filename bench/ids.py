"""Ids as the providers make them: what an index costs depends on where the next one falls.

Stripe's begin with the second in which they were made, five digits of base 62 after a digit for
the kind of thing: ``evt_1IlYUU…`` came at 1619697430, ``evt_1IlZRs…`` at 1619701111. New ones
therefore follow the last ones in an index. PayPal's are random.
"""

from __future__ import annotations

import random
import string
from datetime import datetime
from typing import Final
from uuid import uuid4

DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
STRIPE_EPOCH_S: Final = 1_342_389_380
"""The second from which Stripe's ids count, as ids with their ``created`` tell it."""
STAMP_LENGTH: Final = 5
ACCOUNT: Final = "JDPojXS6LN"
"""Stands in each id of one Stripe account."""
STAMP_SQL: Final = f"""
CREATE FUNCTION pg_temp.stamp(made timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT string_agg(
        substr('{DIGITS}', 1 + (seconds / power(62, place)::bigint % 62)::int, 1), ''
        ORDER BY place DESC)
    FROM (SELECT floor(extract(epoch FROM made))::bigint - {STRIPE_EPOCH_S} AS seconds) AS s
    CROSS JOIN generate_series(0, {STAMP_LENGTH - 1}) AS place
$$
"""  # noqa: S608 - our own digits
"""The same as ``stamp`` inside PostgreSQL."""

_dice = random.Random(uuid4().int)  # noqa: S311 - ids, not secrets


def stamp(made: datetime) -> str:
    """The second of a moment as Stripe's ids carry it."""
    seconds, digits = int(made.timestamp()) - STRIPE_EPOCH_S, ""
    for _ in range(STAMP_LENGTH):
        seconds, digit = divmod(seconds, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def stripe_id(prefix: str, kind: int, made: datetime) -> str:
    """An id of Stripe's: ``evt_1…`` of an event, ``pi_3…`` of a payment."""
    return f"{prefix}_{kind}{stamp(made)}{ACCOUNT}{''.join(_dice.choices(DIGITS, k=8))}"


def paypal_event_id() -> str:
    """An id of PayPal's for an event."""
    number = uuid4().hex.upper() + uuid4().hex.upper()
    return f"WH-{number[:17]}-{number[17:34]}"

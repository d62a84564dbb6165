"""Instants as people write them on the command line."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from domain import clock, positions

UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


def instant(text: str) -> datetime:
    """An instant in UTC, or a span before now. Raises ``ArgumentTypeError`` for anything else."""
    at = _ago(text, clock.now()) or _instant(text)
    if at is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no instant: write 2026-11-01, 2026-11-01T08:00, 7d or 12h"
        )
    return at


def since(text: str) -> datetime:
    """An instant from which the providers' lists can be walked. Raises ``ArgumentTypeError`` for
    any other."""
    at, now = instant(text), clock.now()
    if at < now - positions.REACH - timedelta(minutes=1):
        days = positions.REACH.days
        raise argparse.ArgumentTypeError(
            f"{text} is too long ago: the providers list the events of the last {days} days only"
        )
    if at >= now - positions.LAG:
        raise argparse.ArgumentTypeError(
            f"{text} leaves nothing to walk: what is younger than two minutes is left to the "
            "webhooks"
        )
    return at


def _ago(text: str, now: datetime) -> datetime | None:
    match = re.fullmatch(r"(\d{1,5})([dhm])", text, re.ASCII)
    return now - timedelta(**{UNITS[match[2]]: int(match[1])}) if match else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None

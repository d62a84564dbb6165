"""Fetch the reference rates of the European Central Bank.

Published on working days around 16:00 in Frankfurt; one file has the newest sheet, another those of
the last 90 days:
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from xml.etree import ElementTree as ET

import urllib3

from domain import clock, exchange_rates
from domain.effects import Effect
from domain.errors import Transient
from domain.exchange_rates import Sheets
from webhooks import egress
from workers.runtime import Runtime

TODAY: Final = "eurofxref-daily.xml"
MONTHS: Final = "eurofxref-hist-90d.xml"
GAP: Final = timedelta(days=4)
"""A newest sheet that is older than this leaves room for one that was missed."""
MOST_BYTES: Final = 2**20
TIMEOUT: Final = urllib3.Timeout(connect=3.05, total=15)
_CUBE: Final = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


def perform(runtime: Runtime, _effect: Effect) -> dict[str, Any]:
    """Fetch what is missing and keep it. Raises ``Transient`` unless a sheet was answered."""
    with runtime.database.transaction() as session:
        newest = exchange_rates.newest(session)
    missed = newest is None or clock.now().date() - newest > GAP
    sheets = read(_get(f"{runtime.settings.exchange_rates}/{MONTHS if missed else TODAY}"))
    with runtime.database.transaction() as session:
        new = exchange_rates.keep(session, sheets)
    return {"newest": max(sheets).isoformat(), "new": new}


def read(document: bytes) -> Sheets:
    """The sheets of a document. Raises ``Transient`` when it is something else."""
    # Without a type declaration XML has no entities, which are what makes it dangerous to read.
    if b"<!DOCTYPE" in document:
        raise Transient("the European Central Bank answered with a document type declaration")
    try:
        root = ET.fromstring(document)  # noqa: S314  # nosec B314
        sheets = {day: dict(_rates(cube)) for day, cube in _days(root)}
    except (ET.ParseError, ValueError, InvalidOperation) as error:
        raise Transient(f"the European Central Bank's sheet is unreadable: {error}") from error
    if not any(sheets.values()):
        raise Transient("the European Central Bank answered without any rate")
    return sheets


def _days(root: ET.Element) -> Iterator[tuple[date, ET.Element]]:
    for cube in root.iter(_CUBE):
        if day := cube.get("time"):
            yield date.fromisoformat(day), cube


def _rates(day: ET.Element) -> Iterator[tuple[str, Decimal]]:
    for cube in day.iter(_CUBE):
        currency, text = cube.get("currency"), cube.get("rate")
        if currency and text:
            rate = Decimal(text)
            if not rate.is_finite() or rate <= 0:
                raise ValueError(f"{currency} cannot cost {text}")
            yield currency, rate


def _get(url: str) -> bytes:
    try:
        answer = egress.shared_pool(url).request(
            "GET", url, redirect=False, preload_content=False, timeout=TIMEOUT
        )
        with closing(answer) as response:
            document = bytes(response.read(MOST_BYTES + 1))
    except urllib3.exceptions.HTTPError as error:
        name = type(error).__name__
        raise Transient(f"the European Central Bank could not be reached: {name}") from error
    if response.status != 200 or len(document) > MOST_BYTES:
        size = len(document)
        raise Transient(f"the European Central Bank answered {response.status}, {size} bytes")
    return document

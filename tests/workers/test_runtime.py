"""What stops a process at its start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain import clock
from domain.errors import Misconfigured
from domain.settings import Settings
from tests.lives import ENVIRON
from workers.runtime import build

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'x.db'}", now=NOON, environ={**ENVIRON, **environ}
    )


def test_a_stopped_clock_is_refused_with_a_live_key(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="BILLHOOK_NOW stops the clock, and Stripe"):
        build(settings(tmp_path, STRIPE_API_KEY="sk_live_tests"))


def test_a_stopped_clock_is_refused_in_live_mode(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="PayPal"):
        build(settings(tmp_path, PAYPAL_MODE="live"))


def test_a_stopped_clock_stands_with_test_keys(tmp_path: Path, frozen_clock: object) -> None:
    build(settings(tmp_path)).close()
    assert clock.now() == NOON

"""The stories by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workers.stories import purchases
from workers.stories.stage import Stage

Story = Callable[[Stage], None]

STORIES: Final[dict[str, Story]] = {
    "first-purchase-card": purchases.first_purchase_by_card,
    "first-purchase-wallet": purchases.first_purchase_by_wallet,
}
"""Name → story; each runs on a stage of its own or after the others."""

SELECTION: Final = ("first-purchase-card", "first-purchase-wallet")
"""What ``make run`` plays."""

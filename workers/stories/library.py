"""The stories by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workers.stories import (
    changes,
    long,
    lost,
    managed,
    money_back,
    purchases,
    renewing,
    storm,
    wallets,
)
from workers.stories.stage import Stage

Story = Callable[[Stage], None]

STORIES: Final[dict[str, Story]] = {
    "first-purchase-card": purchases.first_purchase_by_card,
    "first-purchase-wallet": purchases.first_purchase_by_wallet,
    "upgrade": changes.upgrade_in_mid_period,
    "downgrade": changes.downgrade_to_nothing_due,
    "month-to-year": changes.month_to_year,
    "dead-order": changes.money_for_a_dead_order,
    "renewal-recovers": renewing.renewal_that_recovers,
    "renewal-to-block": renewing.renewal_to_block,
    "lost-card": renewing.hard_decline_and_new_card,
    "auto-renew-off": renewing.off_to_block_and_comeback,
    "refund-in-time": money_back.refund_in_time,
    "refund-too-late": money_back.refund_too_late,
    "dispute-lost": money_back.dispute_lost,
    "dispute-won": money_back.dispute_won,
    "wallet-renewal": wallets.wallet_renewal,
    "storm": storm.storm,
    "lost-webhooks": lost.lost_webhooks,
    "year-by-card": long.year_by_card,
    "year-by-wallet": long.year_by_wallet,
    "stripe-billing": managed.a_year_with_stripe,
    "paypal-subscription": managed.a_year_with_paypal,
    "provider-gives-up": managed.a_provider_that_gives_up,
}
"""Name → story; each runs on a stage of its own or after the others."""

SELECTION: Final = (
    "first-purchase-card",
    "first-purchase-wallet",
    "upgrade",
    "downgrade",
    "renewal-recovers",
    "lost-card",
    "auto-renew-off",
    "renewal-to-block",
)
"""What ``make run`` plays."""

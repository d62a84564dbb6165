"""Blocking and unblocking an account, with everything that is told about it (BILLING 6)."""

from __future__ import annotations

from domain import accounts, announcements
from domain.work import Work


def copy_block(work: Work) -> None:
    """Have the subscription tell why its account is blocked, for the lists of accounts: after every
    change of a block, and when there is a new subscription."""
    if work.subscription is not None:
        work.subscription.account_blocked = work.account.blocked_reason or ""


def block(work: Work, reason: str, cause: str) -> None:
    """Block the account, tell the customer and the app; nothing when it is blocked already."""
    if accounts.block(work.account, reason, work.now):
        copy_block(work)
        work.note("account_blocked", reason=reason)
        announcements.blocked(work, reason, cause)


def block_firmly(work: Work, reason: str, cause: str) -> None:
    """Block the account for a reason that no payment lifts, over a less grave one (BILLING 6)."""
    if accounts.block_firmly(work.account, reason, work.now):
        copy_block(work)
        work.note("account_blocked", reason=reason)
        announcements.blocked(work, reason, cause)


def unblock(work: Work, reason: str, cause: str, why: str) -> None:
    """Lift a block that was made for ``reason``; others stay (BILLING 6)."""
    if accounts.unblock(work.account, reason):
        copy_block(work)
        work.note("account_unblocked", reason=why)
        announcements.unblocked(work, cause)

"""The life of a VAT number's check: noticed, asked about at VIES, answered, asked again in time.

An answer that could not be had is never a refusal (BILLING 9).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain import vat_numbers
from domain.mails import kinds
from domain.notices import notify
from domain.vat_numbers import (
    CHECKING,
    INVALID,
    MALFORMED,
    REFUSED,
    UNAVAILABLE,
    UNCHECKED,
    VALID,
    VatCheck,
)
from domain.work import Work

EFFECT: Final = "check_vat_number"
ROUND: Final = timedelta(days=3)
"""An unanswered check is begun again after this: later than its last try, so that a register that
is away for days does not end it."""
REPEAT: Final = timedelta(days=1)
"""A refused number that is sent again counts as entered again after this."""


def notice(work: Work) -> None:
    """Look at the number that the account has now; begin a check when it is another one."""
    shown = vat_numbers.presented(work.catalogue, work.account)
    check = vat_numbers.of_account(work.session, work.account.id)
    if shown is None:
        if check is not None:
            _forget(check)
        return
    if check is None:
        check = VatCheck(account_id=work.account.id, status=UNCHECKED, round=0)
        work.session.add(check)
        work.session.flush()
    if check.number != shown.number:
        _forget(check)
        check.number = shown.number
    if not shown.well_formed:
        _refuse_form(work, check)
    elif _is_new(check) or _is_entered_again(work, check):
        begin(work, check)


def begin(work: Work, check: VatCheck) -> None:
    """Have VIES asked; what is known of the number stays until the answer."""
    if check.number is None:
        return
    if check.checked_at is None:
        check.status = CHECKING
    check.round += 1
    check.next_check_at = work.now + ROUND
    work.want(EFFECT, check.number, _cause(check), round=check.round)


def confirm(work: Work, check: VatCheck, consultation: str | None) -> None:
    """VIES said ``valid``; it is asked again when nine tenths of the validity are over."""
    validity = timedelta(days=work.catalogue.vat.number_valid_days)
    check.status, check.consultation = VALID, consultation
    check.checked_at = check.valid_at = work.now
    check.next_check_at = work.now + validity * 9 // 10
    work.note("vat_number_checked", status=VALID)


def refuse(work: Work, check: VatCheck, status: str) -> None:
    """The number does not count (``invalid``, ``malformed``); the customer is told once."""
    was_refused = check.status in REFUSED
    check.status, check.checked_at = status, work.now
    check.next_check_at = check.valid_at = check.consultation = None
    if not was_refused:
        _tell(work, check)


def leave_open(work: Work, check: VatCheck) -> None:
    """VIES could not be asked: that changes nothing about a valid answer that still counts."""
    if check.status in REFUSED or vat_numbers.counts(work.catalogue, check, work.now):
        return
    check.status = UNAVAILABLE


def _refuse_form(work: Work, check: VatCheck) -> None:
    if check.status == MALFORMED:
        return
    check.round += 1
    check.status = MALFORMED
    check.checked_at = check.next_check_at = check.valid_at = check.consultation = None
    _tell(work, check)


def _tell(work: Work, check: VatCheck) -> None:
    reason = "invalid" if check.status == INVALID else "format"
    parameters = kinds.VatNumberRefused(number=check.number or "", reason=reason)
    notify(work, "vat_number_refused", _cause(check), parameters)
    work.note("vat_number_checked", status=check.status)


def _is_new(check: VatCheck) -> bool:
    """Never asked about: just entered, or of a form that was wrong for the country before."""
    return check.status == UNCHECKED or (check.status == MALFORMED and check.checked_at is None)


def _is_entered_again(work: Work, check: VatCheck) -> bool:
    at = check.checked_at
    return check.status in REFUSED and at is not None and work.now - at >= REPEAT


def _forget(check: VatCheck) -> None:
    check.status, check.number = UNCHECKED, None
    check.checked_at = check.next_check_at = check.valid_at = check.consultation = None


def _cause(check: VatCheck) -> str:
    return f"account:{check.account_id}:vat:{check.number}:{check.round}"

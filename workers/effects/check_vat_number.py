"""Ask VIES, the European Commission's register, whether a VAT number is valid (BILLING 9).

Its REST interface reports most errors in the body of a 200:
https://ec.europa.eu/taxation_customs/vies/#/technical-information
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import msgspec
import urllib3

from domain import accounts, clock, leases, vat_checks, vat_numbers
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Transient
from domain.vat_numbers import INVALID, MALFORMED, VatCheck
from domain.work import Work
from webhooks import egress
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

TIMEOUT: Final = urllib3.Timeout(connect=3.05, total=10)
"""Several checks of one batch share a worker's lease, so a slow register is left soon."""
LEASE: Final = timedelta(seconds=60)
"""Longer than a call may take."""
NOT_A_NUMBER: Final = "INVALID_INPUT"
"""Every other error is about VIES, a member state's register, or us: never about the number."""


class _Wrapper(msgspec.Struct):
    error: str = "no error code"


class _Answer(msgspec.Struct, rename="camel"):
    """What VIES may say; name and address of the customer are not even read."""

    valid: bool | None = None
    request_identifier: str | None = None
    error_wrappers: list[_Wrapper] = []


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask and record; whatever keeps VIES from answering is tried again."""
    ref = _owner(runtime, effect)
    with _alone(runtime, effect):
        try:
            answer = _ask(runtime, effect.target)
        except Transient:
            _record(runtime, effect, ref, None)
            raise
    return {"status": _record(runtime, effect, ref, answer)}


def _owner(runtime: Runtime, effect: Effect) -> str:
    with runtime.database.transaction() as session:
        account = session.get_one(Account, effect.account_id)
        _current(vat_numbers.of_account(session, account.id), effect)
    return account.ref


def _current(check: VatCheck | None, effect: Effect) -> VatCheck:
    asked = effect.target, effect.payload["round"]
    if check is None or (check.number, check.round) != asked:
        raise Overtaken("the account has another VAT number now, or it is asked about anew")
    return check


@contextmanager
def _alone(runtime: Runtime, effect: Effect) -> Iterator[None]:
    """VIES refuses several calls at once for one member state, so there is a lease for each."""
    state = effect.target[:2]
    name, holder = f"vies:{state}", f"{runtime.worker}:{effect.id}:{effect.attempts}"
    with runtime.database.transaction() as session:
        if not leases.take(session, name, holder, clock.wall(), LEASE):
            raise Transient(f"another number of {state} is being checked at VIES")
    try:
        yield
    finally:
        with runtime.database.transaction() as session:
            leases.drop(session, name, holder)


def _ask(runtime: Runtime, number: str) -> _Answer:
    seller = runtime.catalogue.seller
    requester = vat_numbers.normalised(seller.vat_number, seller.country) or ""
    # Only who says who is asking gets a consultation number.
    body = {
        "countryCode": number[:2],
        "vatNumber": number[2:],
        "requesterMemberStateCode": requester[:2],
        "requesterNumber": requester[2:],
    }
    given = {name: value for name, value in body.items() if value}
    return _post(runtime.settings.vat_register, given)


def _post(url: str, body: dict[str, str]) -> _Answer:
    """Post and read. Raises ``Transient`` unless the answer is about the number."""
    try:
        http = egress.shared_pool(url)
        response = http.request("POST", url, json=body, redirect=False, timeout=TIMEOUT)
        answer = msgspec.json.decode(response.data, type=_Answer)
    except urllib3.exceptions.HTTPError as error:
        raise Transient(f"VIES could not be reached: {type(error).__name__}") from error
    except msgspec.DecodeError as error:
        raise Transient(f"VIES answered {response.status} with something else") from error
    errors = [wrapper.error for wrapper in answer.error_wrappers]
    if NOT_A_NUMBER in errors:
        return answer
    if errors or response.status != 200 or answer.valid is None:
        raise Transient(f"VIES answered {response.status} {', '.join(errors)}".strip())
    return answer


def _record(runtime: Runtime, effect: Effect, ref: str, answer: _Answer | None) -> str:
    """Apply an answer, or None when there was none; returns what the number is now."""
    with runtime.database.transaction() as session:
        work = Work(session, runtime.catalogue, accounts.lock(session, ref))
        check = session.get(VatCheck, work.account.id, populate_existing=True)
        current = _current(check, effect)
        if answer is None:
            vat_checks.leave_open(work, current)
        elif answer.error_wrappers:
            vat_checks.refuse(work, current, MALFORMED)
        elif answer.valid:
            vat_checks.confirm(work, current, answer.request_identifier or None)
        else:
            vat_checks.refuse(work, current, INVALID)
        status = current.status
    runtime.bell.ring("perform_effects")
    return status

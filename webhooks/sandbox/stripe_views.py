"""Shows objects in an answer: in the caller's API version, with what was asked to be expanded."""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_billing import payments_of
from webhooks.sandbox.stripe_checkout import lines_of
from webhooks.sandbox.stripe_errors import invalid
from webhooks.sandbox.stripe_lists import listed
from webhooks.sandbox.stripe_versions import render

_LISTS = ("list", "search_result")


def present(account: StripeAccount, result: Document, version: str, expand: list[str]) -> Document:
    """An object or a list of objects as the answer shows it. Raises a refusal for a field that
    cannot be expanded."""
    if result.get("object") in _LISTS:
        data = [render(each, version, account.store) for each in result["data"]]
        shown = {**result, "data": data}
    else:
        shown = render(result, version, account.store)
    for path in expand:
        _expand(account, shown, path.split("."), version, path)
    return shown


def _expand(account: StripeAccount, shown: Any, steps: list[str], version: str, path: str) -> None:
    """Put objects in the place of their ids along ``steps``, in place."""
    if isinstance(shown, list):
        for each in shown:
            _expand(account, each, steps, version, path)
        return
    if not steps or not isinstance(shown, dict):
        return
    name = steps[0]
    value = shown.get(name)
    if isinstance(value, str):
        shown[name] = _expanded(account, value, version, path)
    elif value is None:
        included = _included(account, shown, name, version)
        if included is None and name not in shown:
            raise _cannot(path)
        shown[name] = included
    _expand(account, shown[name], steps[1:], version, path)


def _expanded(account: StripeAccount, key: str, version: str, path: str) -> Document:
    found = account.by_id(key)
    if found is None:
        raise _cannot(path)
    return render(found, version, account.store)


def _included(account: StripeAccount, shown: Document, name: str, version: str) -> Document | None:
    """A list that an object shows only when asked."""
    about = (shown.get("object"), name)
    if about == ("invoice", "payments"):
        found = payments_of(account, shown)
    elif about == ("charge", "refunds"):
        refunds = account.find("refund", charge=shown["id"])[::-1]
        found = listed(refunds, f"/v1/charges/{shown['id']}/refunds")
    elif about == ("checkout.session", "line_items"):
        found = lines_of(account, account.fetch("checkout.session", shown["id"]))
    else:
        return None
    return {**found, "data": [render(each, version, account.store) for each in found["data"]]}


def _cannot(path: str) -> Exception:
    return invalid("expand", f"This property cannot be expanded ({path}).")

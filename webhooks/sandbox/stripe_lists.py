"""Lists as Stripe pages them (https://docs.stripe.com/api/pagination): newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import invalid, no_such
from webhooks.sandbox.stripe_forms import Params

_COMPARE: dict[str, Callable[[int, int], bool]] = {"gte": ge, "gt": gt, "lte": le, "lt": lt}
_USUAL, _MOST = 10, 100


def lister(
    noun: str, path: str, filters: Mapping[str, str]
) -> Callable[[StripeAccount, Params], Document]:
    """An endpoint that lists objects; ``filters`` gives the field behind each parameter."""

    def listing(account: StripeAccount, params: Params) -> Document:
        equal = {field: params.text(name) for name, field in filters.items() if name in params}
        return page(account.find(noun, **equal), params, path)

    return listing


def page(documents: list[Document], params: Params, path: str) -> Document:
    """One page of ``documents`` (oldest first), by ``created``, ``limit`` and cursor."""
    newest_first = [each for each in reversed(documents) if _within(each["created"], params)]
    limit = _limit(params)
    if before := params.text("ending_before"):
        end = _position(newest_first, before, "ending_before")
        start = max(0, end - limit)
        return listed(newest_first[start:end], path, has_more=start > 0)
    start = 0
    if after := params.text("starting_after"):
        start = _position(newest_first, after, "starting_after") + 1
    chosen = newest_first[start : start + limit]
    return listed(chosen, path, has_more=start + limit < len(newest_first))


def listed(data: list[Any], path: str, *, has_more: bool = False) -> Document:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": path}


def search_result(found: list[Document], params: Params, path: str) -> Document:
    """A search's answer; its pages are numbered."""
    start, limit = int(params.text("page") or 0), _limit(params)
    more = start + limit < len(found)
    return {
        "object": "search_result",
        "data": found[start : start + limit],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": path,
    }


def _limit(params: Params) -> int:
    limit = params.integer("limit")
    if limit is not None and not 1 <= limit <= _MOST:
        message = f"This value must be between 1 and {_MOST}."
        raise invalid("limit", message, "parameter_invalid_integer")
    return limit or _USUAL


def _within(created: int, params: Params) -> bool:
    bounds = params.table("created")
    if not bounds:
        exactly = params.integer("created") if "created" in params else None
        return exactly is None or created == exactly
    return all(
        compare(created, bound)
        for name, compare in _COMPARE.items()
        if (bound := bounds.integer(name)) is not None
    )


def _position(documents: list[Document], key: str, param: str) -> int:
    for position, document in enumerate(documents):
        if document["id"] == key:
            return position
    raise no_such("object", key, param)

"""Reads what a browser sends: the query of a page and the fields of a form, into typed structs.

Browsers send every field of a form, empty ones too: an empty one counts as left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from webhooks.api import inputs
from webhooks.api.inputs import Invalid

FORM_TYPE: Final = "application/x-www-form-urlencoded"
BODY_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 200
TOKEN_FIELD: Final = "csrf"  # noqa: S105 - a name


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """The fields in the order they were sent, without the empty ones. Raises ``Invalid``."""
    try:
        return parse_qsl(raw.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        reason = f"That are more than {MOST_FIELDS} fields."
        raise Invalid(400, "query_invalid", reason) from error


def fields(content_type: str, raw: bytes) -> list[tuple[str, str]]:
    """The fields of a form. Raises ``Invalid`` for anything else."""
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise Invalid(415, "not_a_form", f"Send {FORM_TYPE}.")
    return pairs(raw)


def read(wanted: type[Any], sent: list[tuple[str, str]]) -> Any:
    """The struct ``wanted``; a field that is a list may be sent several times.

    Raises ``Invalid``.
    """
    values: dict[str, Any] = {}
    for name, value in sent:
        if name == TOKEN_FIELD:
            continue
        values.setdefault(name, []).append(value)
    lists = _lists(wanted)
    return inputs.form(
        wanted, {name: each if name in lists else each[-1] for name, each in values.items()}
    )


def path(wanted: type[Any], values: Mapping[str, str]) -> Any:
    """The parameters in the path. Raises ``Invalid``."""
    return inputs.path(wanted, values)


def _lists(wanted: type[Any]) -> set[str]:
    kinds = wanted.__annotations__
    return {name for name, kind in kinds.items() if str(kind).startswith(("list", "tuple"))}

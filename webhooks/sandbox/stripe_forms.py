"""Reads requests in Stripe's bracket notation: ``line_items[0][price_data][currency]=eur``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from webhooks.sandbox.stripe_errors import invalid, missing

_STEP = re.compile(r"\[([^\]]*)\]")


class Params:
    """The parameters of one request, or a table within them. An empty text means "unset"."""

    def __init__(self, fields: dict[str, Any], within: str = "") -> None:
        self._fields = fields
        self._within = within

    @classmethod
    def parse(cls, raw: str) -> Params:
        """Read a query string or a form-encoded body."""
        fields: dict[str, Any] = {}
        for name, value in parse_qsl(raw, keep_blank_values=True):
            _place(fields, name, value)
        return cls(fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def text(self, name: str) -> str | None:
        """A text; None when absent or empty."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(self._full(name), f"Invalid string: {value}")
        return value or None

    def required(self, name: str) -> str:
        """A text that must be there. Raises ``parameter_missing``."""
        value = self.text(name)
        if value is None:
            raise missing(self._full(name))
        return value

    def integer(self, name: str) -> int | None:
        """A whole number; None when absent. Raises ``parameter_invalid_integer``."""
        value = self.text(name)
        try:
            return None if value is None else int(value)
        except ValueError:
            message = f"Invalid integer: {value}"
            raise invalid(self._full(name), message, "parameter_invalid_integer") from None

    def amount(self, name: str) -> int:
        """An amount in minor units that must be there and be no less than zero."""
        self.required(name)
        value = self.integer(name) or 0
        if value < 0:
            message = "This value must be greater than or equal to 0."
            raise invalid(self._full(name), message, "parameter_invalid_integer")
        return value

    def currency(self, name: str = "currency") -> str:
        """A currency in lower case that must be there."""
        value = self.required(name).lower()
        if not re.fullmatch("[a-z]{3}", value):
            raise invalid(self._full(name), f"Invalid currency: {value}")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false; None when absent."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise invalid(self._full(name), f"Invalid boolean: {value}")
        return None if value is None else value == "true"

    def table(self, name: str) -> Params:
        """A nested table; an empty one when absent."""
        value = self._fields.get(name)
        return Params(value if isinstance(value, dict) else {}, self._full(name))

    def rows(self, name: str) -> list[Params]:
        """A list of tables."""
        return [
            Params(row if isinstance(row, dict) else {}, f"{self._full(name)}[{position}]")
            for position, row in enumerate(_items(self._fields.get(name)))
        ]

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        return [str(item) for item in _items(self._fields.get(name))]

    def method_types(self) -> list[str]:
        """The types of payment methods that are allowed, by the name of either API version."""
        old, new = "payment_method_types", "allowed_payment_method_types"
        return self.texts(new) or self.texts(old) or ["card"]

    def metadata(self) -> dict[str, str]:
        """The ``metadata`` table; an empty value removes its key when it is merged."""
        value = self._fields.get("metadata")
        return dict(value) if isinstance(value, dict) else {}

    def plain(self) -> dict[str, Any]:
        """Everything, as nested tables of texts."""
        return self._fields

    def _full(self, name: str) -> str:
        return f"{self._within}[{name}]" if self._within else name


def merged(before: dict[str, str], change: dict[str, str]) -> dict[str, str]:
    """Metadata after an update: given keys replace, empty values remove."""
    return {key: value for key, value in {**before, **change}.items() if value != ""}


def _items(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        return []
    return [value[key] for key in sorted(value, key=lambda key: (len(key), key))]


def _place(fields: dict[str, Any], name: str, value: str) -> None:
    first = name.split("[", 1)[0]
    steps = [first, *_STEP.findall(name[len(first) :])]
    for step in steps[:-1]:
        inner = fields.setdefault(step or str(len(fields)), {})
        fields = inner if isinstance(inner, dict) else {}
    fields[steps[-1] or str(len(fields))] = value

"""Turns what the decoder says about a wrong value into the field, the rule and the way out."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import inspect

_WHERE: Final = re.compile(
    r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?$", re.DOTALL
)
_MISSING: Final = re.compile(r"^Object missing required field `(.+)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(.+)`$", re.DOTALL)
_PHRASES: Final = (
    (re.compile(r"^Expected `str` matching regex .*$", re.DOTALL), "is not of the right form"),
    (re.compile(r"^Expected `str` of length <= (\d+)$"), r"is longer than \1 characters"),
    (re.compile(r"^Expected `int` >= (-?\d+)$"), r"must be at least \1"),
    (re.compile(r"^Expected `int` <= (-?\d+)$"), r"must be at most \1"),
    (re.compile(r"^Expected `(.+)`, got `(.+)`$"), r"must be of type \1, not \2"),
    (re.compile(r"^Invalid enum value (.*)$", re.DOTALL), r"cannot be \1"),
)


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field of a request, by its dotted path, and the rule that it breaks."""

    field: str
    rule: str


def explain(error: msgspec.ValidationError, wanted: type) -> FieldError:
    """Name the field and the rule of a validation error against the struct ``wanted``."""
    match = _WHERE.match(str(error))
    what, path = (match["what"], _parts(match["path"])) if match else (str(error), [])
    if missing := _MISSING.match(what):
        path = [*path, missing[1]]
        return FieldError(_dotted(path), f"is missing. {_description(wanted, path)}".strip())
    if unknown := _UNKNOWN.match(what):
        known = ", ".join(_names(_at(inspect.type_info(wanted), path)))
        rule = f"is not known here. The fields are: {known}."
        return FieldError(_dotted([*path, unknown[1]]), rule)
    return FieldError(_dotted(path), f"{_phrase(what)}. {_description(wanted, path)}".strip())


def _parts(path: str | None) -> list[str]:
    return re.findall(r"[^.\[\]]+", path or "")


def _dotted(path: list[str]) -> str:
    return ".".join(path)


def _phrase(what: str) -> str:
    for pattern, phrase in _PHRASES:
        if pattern.match(what):
            return pattern.sub(phrase, what)
    return what[:1].lower() + what[1:]


def _description(wanted: type, path: list[str]) -> str:
    kind = _at(inspect.type_info(wanted), path)
    for each in _alternatives(kind):
        if isinstance(each, inspect.Metadata):
            return str((each.extra_json_schema or {}).get("description", ""))
    return ""


def _at(kind: inspect.Type | None, path: list[str]) -> inspect.Type | None:
    for name in path:
        kind = _step(kind, name)
    return kind


def _step(kind: inspect.Type | None, name: str) -> inspect.Type | None:
    for each in _alternatives(kind):
        if isinstance(each, inspect.StructType):
            return next((f.type for f in each.fields if f.encode_name == name), None)
        if isinstance(each, inspect.ListType):
            return each.item_type
    return None


def _names(kind: inspect.Type | None) -> list[str]:
    for each in _alternatives(kind):
        if isinstance(each, inspect.StructType):
            return [field.encode_name for field in each.fields]
    return []


def _alternatives(kind: inspect.Type | None) -> list[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        return [inner for each in kind.types for inner in _alternatives(each)]
    if isinstance(kind, inspect.Metadata):
        return [kind, *_alternatives(kind.type)]
    return [kind] if kind is not None else []

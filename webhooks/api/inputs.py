"""Reads what a caller sends: path, query, headers and body, strictly and into typed structs.

Unknown fields are refused: a misspelt one would otherwise be ignored in silence. Text that the
store cannot keep (NUL, half of a surrogate pair) is refused as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from webhooks.api.explain import FieldError, explain

JSON_TYPE: Final = "application/json"
MOST_QUERY_FIELDS: Final = 50


class Invalid(Exception):
    """The request is not what this call takes; it becomes a problem document."""

    def __init__(self, status: int, code: str, detail: str, *errors: FieldError) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.errors = errors


def path(wanted: type[Any], values: Mapping[str, str]) -> Any:
    """The parameters in the path. Raises ``Invalid`` (422)."""
    return _converted(wanted, values, 422, "path_invalid")


def query(wanted: type[Any], raw: bytes) -> Any:
    """The query string. Raises ``Invalid`` (400), also when a parameter is given twice."""
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS
        )
    except ValueError as error:
        reason = f"The query has more than {MOST_QUERY_FIELDS} parameters."
        raise Invalid(400, "query_invalid", reason) from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Invalid(400, "query_invalid", "A query parameter is given twice; give it once.")
    return _converted(wanted, values, 400, "query_invalid")


def headers(wanted: type[Any], sent: Mapping[str, str]) -> Any:
    """The headers that the call knows. Raises ``Invalid`` (400)."""
    names = (field.encode_name for field in msgspec.structs.fields(wanted))
    values = {name: sent[name.lower()] for name in names if name.lower() in sent}
    return _converted(wanted, values, 400, "header_invalid")


def form(wanted: type[Any], values: Mapping[str, Any]) -> Any:
    """The fields of a form, as texts or lists of texts. Raises ``Invalid`` (422)."""
    return _converted(wanted, values, 422, "form_invalid")


def body(wanted: type[Any], content_type: str, raw: bytes) -> Any:
    """The JSON body. Raises ``Invalid``: 415, 400 (not JSON) or 422 (not what is wanted)."""
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != JSON_TYPE or charset not in {"", "utf-8", "utf8"}:
        said = f"not {content_type[:100]}" if content_type else "and say so in Content-Type"
        raise Invalid(415, "not_json", f"Send {JSON_TYPE} in UTF-8, {said}.")
    try:
        value = msgspec.json.decode(raw, type=wanted)
    except msgspec.ValidationError as error:
        raise _invalid(error, wanted, 422, "body_invalid") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _undecodable(raw, error) from error
    return _storable(value, 422, "body_invalid")


def _converted(wanted: type[Any], values: Mapping[str, Any], status: int, code: str) -> Any:
    try:
        value = msgspec.convert(dict(values), wanted, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error, wanted, status, code) from error
    return _storable(value, status, code)


def _invalid(error: msgspec.ValidationError, wanted: type, status: int, code: str) -> Invalid:
    wrong = explain(error, wanted)
    detail = f"{wrong.field}: {wrong.rule}" if wrong.field else f"The whole {wrong.rule}"
    return Invalid(status, code, detail, wrong)


def _undecodable(raw: bytes, error: Exception) -> Invalid:
    if _is_json(raw):
        # JSON's grammar allows half of a surrogate pair; UTF-8, and so the store, does not.
        reason = "The body has half of a UTF-16 surrogate pair in a text; send whole characters."
        return Invalid(422, "text_not_storable", reason)
    what = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8"
    return Invalid(400, "body_not_json", f"The body is not valid JSON: {what}.")


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def _storable(value: Any, status: int, code: str) -> Any:
    for field, text in _texts(msgspec.to_builtins(value)):
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            wrong = FieldError(field, "has a character that cannot be stored (NUL or a surrogate)")
            raise Invalid(status, code, f"{wrong.field}: {wrong.rule}.", wrong)
    return value


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{field}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, field)

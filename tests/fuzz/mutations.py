"""Ways to spoil a delivery: its JSON, its bytes, its headers; all of it follows from the seed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any, Final

from tests.contract.shapes import ODD

Headers = dict[str, str]
HUGE: Final = ("9" * 400, "1e400", "-0", "1E-400", "0x10", "١٢٣", "1_000", "NaN", "Infinity")
FRAGMENTS: Final = (
    *(b"\x00", b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\xe2\x80\xae"),
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"true", b"-", b"1e999", b"\r\n", b"\\"),
)
CERTIFICATES: Final = (
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/../../../evil",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e/evil",
    "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
    "https://api.pаypal.com/v1/notifications/certs/CERT-1",
    "https://127.0.0.1/v1/notifications/certs/CERT-1",
    "https://[::1]/v1/notifications/certs/CERT-1",
    "https://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "gopher://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/" + "A" * 5_000,
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "",
)
"""Addresses that look like a certificate's and are not."""


def spoilt_body(random: Random, body: bytes, words: tuple[str, ...]) -> bytes:
    """The body with one to six changes to its content or its bytes."""
    for _ in range(random.randint(1, 6)):
        body = random.choice(BODIES)(random, body, words)
    return body[: 1024 * 1024]


def spoilt_headers(random: Random, headers: Mapping[str, str]) -> Headers:
    """The headers with one change that matters."""
    changed = dict(headers)
    name = random.choice(list(changed))
    random.choice(HEADERS)(random, changed, name)
    return changed


def _content(random: Random, body: bytes, words: tuple[str, ...]) -> bytes:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    places = list(_places(document))
    if not places:
        return body
    holder, key = random.choice(places)
    other, from_there = random.choice(places)
    choice = random.random()
    if choice < 0.25:
        del holder[key]
    elif choice < 0.5:
        holder[key] = deepcopy(random.choice(ODD))
    elif choice < 0.7:
        holder[key] = random.choice(words)
    else:
        # A copy by way of text: what is put into itself must not go round for ever.
        holder[key] = json.loads(json.dumps(other[from_there]))
    return _written(document)


def _written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _places(part: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [part]
    while waiting:
        holder = waiting.pop()
        inside = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in inside:
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found if isinstance(part, dict | list) else []


def _bytes(random: Random, body: bytes, _words: tuple[str, ...]) -> bytes:
    at = random.randrange(len(body) + 1)
    length = random.choice((0, 0, 1, 2, 8, 64))
    return body[:at] + random.choice(FRAGMENTS) + body[at + length :]


def _number(random: Random, body: bytes, _words: tuple[str, ...]) -> bytes:
    places = [i for i, letter in enumerate(body) if 48 <= letter <= 57]
    if not places:
        return body
    at = random.choice(places)
    return body[:at] + random.choice(HUGE).encode() + body[at + 1 :]


def _twice(random: Random, body: bytes, _words: tuple[str, ...]) -> bytes:
    begin, end = sorted((random.randrange(len(body) + 1), random.randrange(len(body) + 1)))
    return body[:end] + body[begin:end] + body[end:]


def _same_key(random: Random, body: bytes, words: tuple[str, ...]) -> bytes:
    key, value = random.choice(words), random.choice(words)
    return body.replace(b"{", b'{"' + key.encode() + b'":"' + value.encode() + b'",', 1)


def _whole(random: Random, body: bytes, _words: tuple[str, ...]) -> bytes:
    choice = random.randrange(8)
    if choice == 0:
        return gzip.compress(body)
    if choice == 1:
        return b"[" * random.choice((10, 1_000, 1024 * 1024))
    if choice == 2:
        return body.replace(b"{", b'{"x":' + b"[" * 3_000 + b"]" * 3_000 + b",", 1)
    if choice == 3:
        return b"\xef\xbb\xbf" + body
    return body


def _flip(random: Random, headers: Headers, name: str) -> None:
    value = headers[name]
    if not value:
        return
    at = random.randrange(len(value))
    headers[name] = value[:at] + chr(33 + random.randrange(90)) + value[at + 1 :]


def _drop(_random: Random, headers: Headers, name: str) -> None:
    del headers[name]


def _odd(random: Random, headers: Headers, name: str) -> None:
    headers[name] = random.choice(("", "é", "\x7f", "a" * 9_000, ",", "t=,v1=", "=", "v1"))


def _doubled(random: Random, headers: Headers, name: str) -> None:
    headers[name] = f"{headers[name]}{random.choice((',', ';', ' ', ''))}{headers[name]}x"


def _elsewhere(random: Random, headers: Headers, name: str) -> None:
    place = "paypal-cert-url" if "paypal-cert-url" in headers else name
    headers[place] = random.choice(CERTIFICATES).encode().decode("latin-1")


def _later(random: Random, headers: Headers, _name: str) -> None:
    """Another time than the signed one."""
    for name in ("stripe-signature", "paypal-transmission-time"):
        if name in headers:
            digits = [i for i, letter in enumerate(headers[name][:14]) if letter.isdigit()]
            at = random.choice(digits)
            digit = str((int(headers[name][at]) + random.randint(1, 9)) % 10)
            headers[name] = headers[name][:at] + digit + headers[name][at + 1 :]


BodyChange = Callable[[Random, bytes, tuple[str, ...]], bytes]
HeaderChange = Callable[[Random, Headers, str], None]
BODIES: Final[tuple[BodyChange, ...]] = (
    *([_content] * 8),
    *(_bytes, _bytes, _number, _twice, _same_key, _whole),
)
HEADERS: Final[tuple[HeaderChange, ...]] = (_flip, _drop, _odd, _doubled, _elsewhere, _later)

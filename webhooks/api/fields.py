"""Types of single fields that several requests share; their descriptions are also what a caller
reads when a value is refused.

Patterns end in ``$(?!\\n)``: Python's ``$`` would let a line break at the end pass, which no other
reader of the published schema does.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

_LINE = r"[^\x00-\x1f\x7f\x85\u2028\u2029]"
_WORD = r"[^\s\x00-\x1f\x7f\x85\u2028\u2029]"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

Ref = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:@+-]{0,63}$(?!\n)",
        description="The app's own name of the account: 1 to 64 letters, digits and . _ ~ : @ + -, "
        "beginning with a letter or digit.",
        examples=["shop-4711"],
    ),
]
Email = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@({_LABEL}\.)+{_LABEL}$(?!\n)",
        max_length=254,
        description="An e-mail address, for example anna@example.com; a domain with other than "
        "ASCII letters in its xn-- form.",
        examples=["anna@example.com"],
    ),
]
Line = Annotated[
    str,
    Meta(
        pattern=rf"^{_WORD}{_LINE}*$(?!\n)",
        max_length=200,
        description="One line of text, at most 200 characters, not beginning with a space.",
    ),
]
ShortLine = Annotated[
    str,
    Meta(
        pattern=rf"^{_WORD}{_LINE}*$(?!\n)",
        max_length=20,
        description="One line of text, at most 20 characters, not beginning with a space.",
    ),
]
Note = Annotated[
    str,
    Meta(
        pattern=rf"^{_WORD}({_LINE}|\n)*$(?!\n)",
        max_length=500,
        description="Lines of text, at most 500 characters, not beginning with a space.",
        examples=["Order no. 2026/118"],
    ),
]
Reason = Annotated[
    str,
    Meta(
        pattern=rf"^{_WORD}({_LINE}|\n)*$(?!\n)",
        max_length=500,
        description="Why, in at most 500 characters, not beginning with a space; it is kept in the "
        "audit log.",
        examples=["the customer asked for it on the phone"],
    ),
]
Sought = Annotated[
    str,
    Meta(
        pattern=rf"^{_WORD}{_LINE}*$(?!\n)",
        max_length=300,
        description="One line of text, at most 300 characters, not beginning with a space.",
    ),
]
Number = Annotated[int, Meta(ge=1, le=2**63 - 1, description="A number of ours, from 1.")]
Country = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{2}$(?!\n)",
        description="A country by its ISO 3166-1 code of two capitals, for example CZ; it decides "
        "the VAT.",
        examples=["CZ"],
    ),
]
VatNumber = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./*+-]{1,31}$(?!\n)",
        description="A VAT number with its country prefix, for example CZ12345679: 2 to 32 "
        "letters, digits, spaces and . / * + -.",
        examples=["CZ12345679"],
    ),
]
HttpUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[A-Za-z0-9\[][^\s\x00-\x20\x7f\"<>\\]*$(?!\n)",
        max_length=2048,
        description="An http:// or https:// URL of at most 2048 characters.",
        examples=["https://app.example.com/billing/thanks"],
    ),
]
Currency = Annotated[Literal["CZK", "EUR", "USD", "PLN"], Meta(description="CZK, EUR, USD or PLN.")]
Locale = Annotated[
    Literal["en", "cs", "fr", "pl"],
    Meta(description="The language of mails and invoices: en, cs, fr or pl."),
]

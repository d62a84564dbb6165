"""Turns the parameters of a mail into its plain text and its HTML, in one of four languages.

The HTML is one column in tables, with its style inlined; it loads nothing, counts nobody, and
turns dark where the reader's screen is.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from domain.catalogue import Seller
from domain.mails import kinds, palette
from domain.mails.letters import Letter, compose
from domain.mails.mail import Mail
from domain.mails.speech import Speech

TEMPLATES: Final = Path(__file__).with_name("templates")
WIDTH: Final = 72
"""Columns of the plain text, as mail has it since RFC 3676."""
FONTS: Final = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
FILLER: Final = "\u00a0\u200c" * 60
"""Behind the preheader, lest a list of mails goes on with the first words of the body."""
_NUMBER: Final = re.compile(r"\b(?:[A-Z0-9-]*-)?\d{4}-\d{6}\b")
"""Of an invoice or credit note, with whatever prefix the catalogue gives it."""
SIGNATURE_MARK: Final = "-- "
"""What follows it is taken for a signature and not quoted in answers (RFC 3676, 4.3)."""


def render(
    kind: str,
    locale: str,
    parameters: Mapping[str, Any],
    seller: Seller,
    *,
    number: str | None = None,
    titles: Mapping[str, str] | None = None,
    url: str | None = None,
) -> Mail:
    """Write a mail of ``kind``; a locale that is not spoken is written in English.

    ``number`` is that of the attached paper, ``titles`` the names of wallets by their brand,
    ``url`` where customers manage their subscription; without it there is no button.
    Raises ValueError for an unknown kind or a missing number, ``msgspec.ValidationError`` for
    parameters that are not the kind's.
    """
    speech = Speech(locale, titles)
    letter = compose(kind, kinds.read(kind, parameters, number, url), speech)
    return Mail(
        # A header is one line, whatever came in with a name or a number.
        subject=" ".join(letter.subject.split()),
        text=_write("letter.txt.jinja", letter, speech, seller),
        html=_inliner().inline(_write("letter.html.jinja", letter, speech, seller)),
        locale=speech.locale,
    )


def _write(template: str, letter: Letter, speech: Speech, seller: Seller) -> str:
    return (
        _templates()
        .get_template(template)
        .render(
            letter=letter,
            speech=speech,
            seller=seller,
            address=_address(seller, speech),
            site=urlsplit(seller.website).netloc,
            light=palette.LIGHT,
            dark=palette.DARK,
            fonts=FONTS,
            filler=FILLER,
            signature_mark=SIGNATURE_MARK,
        )
    )


def _address(seller: Seller, speech: Speech) -> str:
    country = speech.country(seller.country)
    return f"{seller.street}, {seller.postal_code} {seller.city}, {country}"


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _unbroken(paragraph: str) -> Markup:
    """As HTML, with the numbers of papers on one line each."""
    return Markup(_NUMBER.sub(r'<span class="number">\g<0></span>', str(escape(paragraph))))  # noqa: S704


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = _wrapped
    environment.filters["unbroken"] = _unbroken
    return environment


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    return CSSInliner(load_remote_stylesheets=False)

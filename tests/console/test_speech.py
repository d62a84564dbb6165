"""How numbers, money and languages are told."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from domain.money import Money
from webhooks.console.speech import Speech, chosen_language


@pytest.mark.parametrize(
    "language, currency, told",
    [
        ("en", "CZK", "-CZK 1,234.56"),
        ("en", "EUR", "-€1,234.56"),
        ("en", "USD", "-US$1,234.56"),
        ("fr", "EUR", "-1 234,56 €"),
        ("cs", "CZK", "-1 234,56 Kč"),
        ("xx", "PLN", "-PLN 1,234.56"),
    ],
)
def test_money_is_told_as_the_language_has_it(language: str, currency: str, told: str) -> None:
    text = Speech(language).money(Money(-123456, currency))
    assert text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == told


@pytest.mark.parametrize(
    "accepted, language",
    [
        ("", "en"),
        ("cs", "cs"),
        ("pl,de;q=0.9,fr-CH;q=0.8,en;q=0.7", "fr"),
        ("en;q=0.1, cs;q=0.2", "cs"),
        ("*;q=x,;;", "en"),
        ("fr," * 10_000, "fr"),
    ],
)
def test_the_browsers_favourite_of_our_languages_is_spoken(accepted: str, language: str) -> None:
    assert chosen_language(accepted) == language


def test_czech_has_three_forms_of_a_number() -> None:
    plural = Speech("cs").plural
    told = [plural("{count} event type", "{count} event types", n) for n in (1, 3, 5)]
    assert told == ["1 typ události", "3 typy událostí", "5 typů událostí"]
    assert Speech("en").plural("{count} event type", "{count} event types", 1) == "1 event type"


def test_markup_in_a_sentence_stays_markup_and_the_rest_is_escaped() -> None:
    said = Speech("en").say("<i> {who} {what}", who=Markup("<b>x</b>"), what="<u>")
    assert said == "&lt;i&gt; <b>x</b> &lt;u&gt;"
    assert Speech("en").say("{who}", who="<u>") == "<u>"

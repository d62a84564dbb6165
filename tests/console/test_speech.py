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


@pytest.mark.parametrize(
    "language, told",
    [
        ("en", "€49.00 since 2 Mar 2026, 10:00 UTC"),
        ("fr", "49,00 € since 2 mars 2026, 10:00 UTC"),
        ("cs", "49,00 € since 2. 3. 2026, 10:00 UTC"),
    ],
)
def test_amounts_and_instants_of_the_store_are_told_as_the_language_has_them(
    language: str, told: str
) -> None:
    for instant in ("2026-03-02 10:00 UTC", "2026-03-02T10:00:09.5+00:00", "2026-03-02T10:00:00Z"):
        text = Speech(language).told(f"49.00 EUR since {instant}")
        assert text.replace("\N{NO-BREAK SPACE}", " ") == told
    untouched = "pi_1.00 EURO 2026-03-02 v1.49.00 EUR"
    assert Speech(language).told(untouched) == untouched


def test_only_what_is_written_like_a_word_of_the_store_loses_its_underscores() -> None:
    assert Speech("en").term("past_due") == "past due"
    assert Speech("en").term("SOME_NAME is not set") == "SOME_NAME is not set"


def test_czech_has_three_forms_of_a_number() -> None:
    plural = Speech("cs").plural
    told = [plural("{count} event type", "{count} event types", n) for n in (1, 3, 5)]
    assert told == ["1 typ události", "3 typy událostí", "5 typů událostí"]
    assert Speech("en").plural("{count} event type", "{count} event types", 1) == "1 event type"


def test_markup_in_a_sentence_stays_markup_and_the_rest_is_escaped() -> None:
    said = Speech("en").say("<i> {who} {what}", who=Markup("<b>x</b>"), what="<u>")
    assert said == "&lt;i&gt; <b>x</b> &lt;u&gt;"
    assert Speech("en").say("{who}", who="<u>") == "<u>"


def test_plans_have_their_names_in_english_too() -> None:
    assert Speech("en").term("standard") == "Standard"

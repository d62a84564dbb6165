"""Four languages that say the same: every key, every placeholder, every plural form."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from babel import Locale

from domain.accounts import LOCALES
from domain.mails import kinds, reasons, samples, speech
from domain.mails.letters import COMPOSERS, compose
from domain.mails.speech import Speech, words

PLURALS = {"zero", "one", "two", "few", "many", "other"}
SAME_IN_SOME = {
    "format.detail",
    "format.instant",
    "format.plan",
    "label.plan",
    "label.total",
    "label.vat_number",
    "label.invoice",
    "agents.one",
    "layout.vat",
    "means.wallet",
}
"""Words that two languages share by right."""


def is_plural(key: str) -> bool:
    stem, _, form = key.rpartition(".")
    return form in PLURALS and f"{stem}.one" in words("en")


def stem(key: str) -> str:
    return key.rpartition(".")[0] if is_plural(key) else key


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


class Heard(dict[str, str]):
    """Words that remember which of them were asked for."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__(known)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_the_same_keys(locale: str) -> None:
    assert {stem(key) for key in words(locale)} == {stem(key) for key in words("en")}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_has_the_same_placeholders_in_every_language(locale: str) -> None:
    english = {stem(key): placeholders(text) for key, text in words("en").items()}
    other = {key: placeholders(text) for key, text in words(locale).items()}
    assert {k: p for k, p in other.items() if p != english[stem(k)]} == {}


@pytest.mark.parametrize("locale", LOCALES)
def test_plurals_have_a_form_for_every_number(locale: str) -> None:
    forms = {Locale.parse(locale).plural_form(number) for number in range(1000)}
    stems = {stem(key) for key in words(locale) if is_plural(key)}
    assert stems == {"agents", "expiry_warning.subject", "expiry_warning.heading"}
    for each in stems:
        assert {f"{each}.{form}" for form in forms} <= words(locale).keys()


def test_no_sentence_was_left_in_another_language() -> None:
    for one, other in [(a, b) for a in LOCALES for b in LOCALES if a < b]:
        shared = [
            key
            for key, text in words(one).items()
            if text == words(other).get(key) and key not in SAME_IN_SOME
        ]
        assert shared == [], (one, other)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_is_said_by_some_sample(locale: str) -> None:
    speaker = Speech(locale)
    heard = Heard(words(locale))
    speaker._words = heard
    for kind, parameters in samples.SAMPLES.values():
        compose(kind, parameters, speaker)
    for said_elsewhere in ("means.card", "means.wallet", "interval.month"):
        speaker.say(said_elsewhere)
    silent = {stem(k) for k in words(locale)} - {stem(k) for k in heard.asked}
    assert {key for key in silent if not key.startswith(("layout.", "format."))} == set()


def test_templates_hold_no_words_of_any_language() -> None:
    for template in (speech.FOLDER.parent / "templates").glob("letter.*"):
        text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", template.read_text(), flags=re.DOTALL)
        text = re.sub(r"<!--.*?-->|<[^>]*>|&\w+;", "", text, flags=re.DOTALL)
        assert re.findall(r"\w+", text) == []


def test_the_tables_of_kinds_and_composers_agree() -> None:
    assert kinds.KINDS.keys() == COMPOSERS.keys()
    assert {kind for kind, _ in samples.SAMPLES.values()} == kinds.KINDS.keys()


@pytest.mark.parametrize(
    "locale, sentences",
    [
        ("en", {1: "in 1 day", 2: "in 2 days", 5: "in 5 days", 22: "in 22 days"}),
        ("cs", {1: "za 1 den", 2: "za 2 dny", 4: "za 4 dny", 5: "za 5 dní", 22: "za 22 dní"}),
        ("fr", {1: "dans 1 jour", 2: "dans 2 jours", 5: "dans 5 jours"}),
        ("pl", {1: "za 1 dzień", 2: "za 2 dni", 5: "za 5 dni", 22: "za 22 dni"}),
    ],
)
def test_days_are_counted_as_the_language_counts(locale: str, sentences: dict[int, str]) -> None:
    speaker = Speech(locale)
    for number, sentence in sentences.items():
        assert speaker.count("expiry_warning.subject", number).endswith(sentence)


def test_agents_take_the_right_form_in_slavic_languages() -> None:
    czech, polish = Speech("cs"), Speech("pl")
    assert [czech.count("agents", n) for n in (1, 3, 5, 21)] == [
        "1 operátor",
        "3 operátoři",
        "5 operátorů",
        "21 operátorů",
    ]
    assert [polish.count("agents", n) for n in (1, 3, 5, 12, 22)] == [
        "1 stanowisko",
        "3 stanowiska",
        "5 stanowisk",
        "12 stanowisk",
        "22 stanowiska",
    ]


@pytest.mark.parametrize(
    "code, reason",
    [
        ("insufficient_funds", "insufficient_funds"),
        ("5120", "insufficient_funds"),
        ("expired_card", "expired"),
        ("CARD_EXPIRED", "expired"),
        ("lost_card", "unusable"),
        ("CARD_CLOSED", "unusable"),
        ("authentication_required", "confirmation_needed"),
        ("PAYER_ACTION_REQUIRED", "confirmation_needed"),
        ("BILLING_AGREEMENT_NOT_FOUND", "permission_gone"),
        ("revocation_of_all_authorizations", "permission_gone"),
        ("card_velocity_exceeded", "limit_exceeded"),
        ("TRANSACTION_LIMIT_EXCEEDED", "limit_exceeded"),
        ("incorrect_number", "wrong_details"),
        ("currency_not_supported", "not_supported"),
        ("issuer_not_available", "temporary"),
        ("processing_error", "temporary"),
        ("no_saved_method", "no_saved_method"),
        ("do_not_honor", "declined"),
        ("", "declined"),
        (None, "declined"),
        ("something nobody has seen", "declined"),
    ],
)
def test_a_decline_code_becomes_a_plain_reason(code: str | None, reason: str) -> None:
    assert reasons.plain(code) == reason


def test_every_reason_says_why_and_what_to_do() -> None:
    for reason in reasons.ALL:
        assert {f"reason.{reason}.because", f"reason.{reason}.remedy"} <= words("en").keys()
    assert set(reasons.NUMBERS.values()) <= set(reasons.ALL)


@pytest.mark.parametrize(
    "locale, spoken",
    [("cs-CZ", "cs"), ("pl_PL.UTF-8", "pl"), ("FR", "fr"), ("de", "en"), ("", "en")],
)
def test_an_unknown_locale_is_written_in_english(locale: str, spoken: str) -> None:
    assert speech.spoken(locale) == spoken

"""The console speaks French and Czech: completely, with nothing left over, and with the same
places to fill in."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import decisions, following, purchasing, terminations, timetable
from domain.mails.kinds import KINDS
from domain.operators import LANGUAGES
from tests.console.texts import recorded, texts
from webhooks.console.speech import files, words
from workers import effects

TRANSLATED = [language for language in LANGUAGES if language != "en"]
FORMS = {"fr": {"one", "other"}, "cs": {"one", "few", "other"}}
"""The forms of a number that a language must have for whole numbers."""
EFFECTS = {path.stem for path in Path(effects.__file__).parent.glob("[a-z]*.py")}
"""Every kind of effect has a file of its name."""
STATES = {
    *("received", "processed", "ignored", "waiting", "unmatched", "quarantined", "parked"),
    *("dismissed", "open", "acknowledged", "resolved", "viewer", "operator"),
}


def told(language: str, *names: str) -> set[str]:
    """The keys of a language's files, of all or of some."""
    chosen = [path for path in files(language) if not names or path.stem in names]
    return {key for path in chosen for key in tomllib.loads(path.read_text(encoding="utf-8"))}


def places(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def forms(value: str | dict[str, str]) -> Iterator[str]:
    """Every form of a translation."""
    yield from value.values() if isinstance(value, dict) else [value]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_console_is_translated(language: str) -> None:
    missing = {text: where for text, where in texts().items() if text not in words(language)}
    assert missing == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_left_over(language: str) -> None:
    pages = {path.stem for path in files(language) if not path.stem.startswith("terms")}
    assert told(language, *pages) - set(texts()) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_states_roles_and_what_the_audit_log_records_have_words(language: str) -> None:
    assert (STATES | recorded()) - set(words(language)) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_effects_mails_and_reasons_have_words(language: str) -> None:
    reasons = {timetable.DISPUTED, timetable.EXHAUSTED, following.CANCELLED, purchasing.GIVEN_UP}
    reasons |= {terminations.REFUNDED, terminations.DISPUTE_LOST, decisions.OPERATOR}
    assert (EFFECTS | set(KINDS) | reasons) - set(words(language)) == set()


def test_both_languages_have_words_for_the_same_terms() -> None:
    terms = {path.stem for path in files("fr") if path.stem.startswith("terms")}
    assert told("fr", *terms) == told("cs", *terms)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_in_what_the_text_does(language: str) -> None:
    wrong = [
        (text, form)
        for text, value in words(language).items()
        for form in forms(value)
        if not places(form) <= places(text)
        or (not isinstance(value, dict) and places(form) != places(text))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_plurals_have_every_form_that_the_language_needs(language: str) -> None:
    plurals = {key: value for key, value in words(language).items() if isinstance(value, dict)}
    assert plurals
    assert {key for key, value in plurals.items() if not FORMS[language] <= set(value)} == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_translated_in_two_files(language: str) -> None:
    keys = [
        key for path in files(language) for key in tomllib.loads(path.read_text(encoding="utf-8"))
    ]
    assert sorted(keys) == sorted(set(keys))

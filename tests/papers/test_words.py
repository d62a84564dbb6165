"""The words of the papers: complete in every language, and each language to itself."""

from __future__ import annotations

import io
import re
import string

import pytest
from pypdf import PdfReader

from domain.accounts import LOCALES
from domain.papers.pdf import render
from domain.papers.samples import sample_papers
from domain.papers.words import WORDS, words

OTHERS = [locale for locale in LOCALES if locale != "en"]
SHARED = {
    # Words that are written alike in two languages.
    ("pl", "vat"),
}
LETTERS = re.compile(r"[^\W\d_]{3,}")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_every_word(locale: str) -> None:
    said = words(locale)
    assert set(said) == set(WORDS)
    assert [key for key, word in said.items() if not word.strip()] == []


@pytest.mark.parametrize("locale", OTHERS)
def test_no_english_word_stays_in_another_language(locale: str) -> None:
    english, said = words("en"), words(locale)
    same = {(locale, key) for key in english if said[key].lower() == english[key].lower()}
    assert same <= SHARED


@pytest.mark.parametrize("locale", OTHERS)
def test_every_language_fills_in_the_same_figures(locale: str) -> None:
    for key, row in WORDS.items():
        wanted = _fields(row[0])
        assert _fields(words(locale)[key]) == wanted, key


def _fields(pattern: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(pattern) if field}


def test_an_unknown_language_is_english() -> None:
    assert words("de") == words("en")


@pytest.mark.parametrize("locale", OTHERS)
def test_nothing_english_is_printed_in_another_language(locale: str) -> None:
    own = _vocabulary(" ".join(words(locale).values()))
    english = _vocabulary(" ".join(words("en").values())) - own
    for name, paper in sample_papers(locale).items():
        data = _vocabulary(f"{paper.seller} {paper.buyer} {paper.note} {paper.lines}")
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(render(paper))).pages)
        assert _vocabulary(text) & (english - data) == set(), name


def _vocabulary(text: str) -> set[str]:
    return {word.lower() for word in LETTERS.findall(text)}


@pytest.mark.parametrize(
    "locale,sentence",
    [
        ("en", "Reverse charge"),
        ("cs", "Daň odvede zákazník"),
        ("fr", "Autoliquidation"),
        ("pl", "Odwrotne obciążenie"),
    ],
)
def test_the_sentence_of_the_law_stands_on_a_reverse_charge_invoice(
    locale: str, sentence: str
) -> None:
    for name in ("reverse-charge", "credit-note-reverse-charge"):
        pdf = render(sample_papers(locale)[name])
        text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
        assert sentence in " ".join(text.split())

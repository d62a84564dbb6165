"""Every mail in every language, as text and as HTML that asks nobody for anything."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from domain.accounts import LOCALES
from domain.catalogue import Seller
from domain.mails import kinds, palette, samples
from domain.mails.kinds import Means
from domain.mails.render import WIDTH, render
from domain.mails.speech import Speech
from domain.money import Money

APP = "https://app.chatwell.example/here"
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Outline(HTMLParser):
    """Elements, addresses, readable text, and whether every element was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.unstyled: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in given.items() if k in {"href", "src", "background"} and v]
        if given.get("class") and not given.get("style"):
            self.unstyled.append(f"{tag}.{given['class']}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    return parser


def squeezed(text: str) -> str:
    return " ".join(text.replace("\u202f", " ").split())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", samples.SAMPLES)
def test_a_mail_is_whole_in_text_and_html(seller: Seller, name: str, locale: str) -> None:
    kind, parameters = samples.SAMPLES[name]
    mail = render(kind, locale, kinds.write(parameters), seller)
    page = outline(mail.html)
    read = squeezed("".join(page.words))
    assert page.open == []
    assert page.unstyled == []
    assert mail.locale == locale
    assert f'<html lang="{locale}"' in mail.html
    assert not re.search(r"\{\w*\}|None|Undefined", mail.subject + mail.text + read)
    assert all(len(line) <= WIDTH for line in mail.text.splitlines())
    for paragraph in mail.text.split("\n\n-- \n")[0].split("\n\n"):
        if not paragraph.startswith("- ") and "https://" not in paragraph:
            assert squeezed(paragraph) in read


def test_a_mail_loads_nothing_and_counts_nobody() -> None:
    for name, mail in samples.mails():
        page = outline(mail.html)
        assert not {"img", "link", "script", "iframe", "video", "object"} & set(page.tags), name
        assert not re.search(
            r"url\(|@import|@font-face|https?://(?!([\w.]+\.)?chatwell)", mail.html
        )
        for address in page.addresses:
            assert address.startswith(
                (samples.URL, "https://chatwell.example", "mailto:billing@chatwell.example")
            )


def test_no_mail_says_anything_in_another_language(seller: Seller) -> None:
    for name, (kind, parameters) in samples.SAMPLES.items():
        lines = {
            locale: {
                squeezed(p)
                for p in render(kind, locale, kinds.write(parameters), seller).text.split("\n\n")
                if not p.startswith("- ") and "chatwell" not in p
            }
            for locale in LOCALES
        }
        for one in LOCALES:
            for other in LOCALES:
                assert one == other or not lines[one] & lines[other], (name, one, other)


def test_a_dark_screen_and_a_phone_change_the_look(seller: Seller) -> None:
    html = render("unblocked", "en", {}, seller).html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media (max-width: 620px)" in html
    assert html.index('charset="utf-8"') < 1024


def test_what_can_be_overridden_by_a_screen_is_inlined_without_important(seller: Seller) -> None:
    html = render("unblocked", "en", {}, seller).html
    assert "important" not in " ".join(re.findall(r'style="([^"]*)"', html))
    assert f"background-color: {palette.LIGHT['page']}" in html


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK])
def test_text_stands_out_from_its_ground(colours: dict[str, str]) -> None:
    for text, ground in palette.READ_TOGETHER:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_what_came_from_outside_is_escaped_in_html_and_plain_in_text(seller: Seller) -> None:
    mail = render(
        "vat_number_refused", "en", {"number": "<b>CZ1</b>&\r\nBcc: x", "reason": "x"}, seller
    )
    assert "&lt;b&gt;CZ1&lt;/b&gt;&amp;" in mail.html
    assert "<b>" not in mail.html
    assert "<b>CZ1</b>&" in mail.text


def test_a_subject_is_one_line_whatever_the_number_is(seller: Seller) -> None:
    parameters = {"amount": {"amount": 100, "currency": "EUR"}}
    mail = render("credit_note_issued", "en", parameters, seller, number="CN-1\r\nBcc: x@y.z")
    assert mail.subject == "Your credit note CN-1 Bcc: x@y.z"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", 'https://x"y', "x"])
def test_a_button_leads_to_web_addresses_alone(seller: Seller, url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        render("unblocked", "en", {"url": url}, seller)


@pytest.mark.parametrize("name", sorted(samples.SAMPLES))
def test_the_button_of_whatever_asks_for_something_leads_to_the_app(
    seller: Seller, name: str
) -> None:
    kind, parameters = samples.SAMPLES[name]
    bare = {key: value for key, value in kinds.write(parameters).items() if "url" not in key}
    mail = render(kind, "fr", bare, seller, url=APP)
    informs = kind in {"refund_done", "credit_note_issued"}
    assert (f'href="{APP}"' in mail.html, f"\n{APP}\n" in mail.text) == (not informs, not informs)


def test_the_number_of_a_paper_is_not_broken_over_two_lines(seller: Seller) -> None:
    for number in ("2026-000001", "CN-2026-000001"):
        parameters = {"amount": {"amount": 100, "currency": "EUR"}}
        mail = render("credit_note_issued", "fr", parameters, seller, number=number)
        assert f'nowrap;">{number}</span>' in mail.html
        assert number in mail.text


def test_parameters_that_name_their_own_address_keep_it(seller: Seller) -> None:
    own = "https://app.chatwell.example/elsewhere"
    assert f'href="{own}"' in render("unblocked", "en", {"url": own}, seller, url=APP).html


def test_without_an_address_there_is_no_button(seller: Seller) -> None:
    assert "button-link" not in render("unblocked", "en", {}, seller).html.split("</head>")[1]


def test_a_receipt_without_its_number_is_refused(seller: Seller) -> None:
    _, parameters = samples.SAMPLES["receipt"]
    document = {**kinds.write(parameters), "number": None}
    with pytest.raises(ValueError, match="needs the number"):
        render("receipt", "en", document, seller)
    assert "2026-000009" in render("receipt", "en", document, seller, number="2026-000009").subject


def test_an_unknown_kind_or_field_is_refused(seller: Seller) -> None:
    with pytest.raises(ValueError, match="there is no mail 'greeting'"):
        render("greeting", "en", {}, seller)
    with pytest.raises(msgspec.ValidationError):
        render("unblocked", "en", {"mood": "good"}, seller)


def test_an_instant_without_a_time_zone_is_refused(seller: Seller) -> None:
    with pytest.raises(msgspec.ValidationError):
        render("expiry_warning", "en", {"days": 1, "ends_at": "2026-05-12T10:00:00"}, seller)


@pytest.mark.parametrize(
    "locale, amount, day",
    [
        ("en", "CZK 1,234.50", "3 May 2026, 14:05 UTC"),
        ("cs", "1 234,50 Kč", "3. května 2026, 14:05 UTC"),
        ("fr", "1 234,50 CZK", "3 mai 2026, 14:05 UTC"),
        ("pl", "1 234,50 CZK", "3 maja 2026, 14:05 UTC"),
    ],
)
def test_amounts_and_dates_are_written_as_the_language_writes_them(
    locale: str, amount: str, day: str
) -> None:
    speech = Speech(locale)
    assert squeezed(speech.money(Money(123_450, "CZK"))) == amount
    assert squeezed(speech.instant(datetime(2026, 5, 3, 14, 5, tzinfo=UTC))) == day


@pytest.mark.parametrize(
    "means, words",
    [
        (Means(kind="card", brand="visa", last4="4242"), "Visa •••• 4242"),
        (Means(kind="card", brand="amex"), "American Express"),
        (Means(kind="card", last4="1234"), "payment card •••• 1234"),
        (Means(kind="wallet", brand="purse"), "The Purse"),
        (Means(kind="wallet", brand="other_purse"), "Other Purse"),
        (Means(kind="wallet"), "wallet"),
    ],
)
def test_a_means_of_payment_is_named_as_people_know_it(means: Means, words: str) -> None:
    assert squeezed(Speech("en", {"purse": "The Purse"}).means(means)) == words


def test_samples_are_written_in_every_language(tmp_path: Path) -> None:
    samples.main([str(tmp_path)])
    pages = {path.name for path in tmp_path.glob("*.*.html")}
    assert pages == {f"{name}.{locale}.html" for name in samples.SAMPLES for locale in LOCALES}
    assert {path.with_suffix(".html").name for path in tmp_path.glob("*.*.txt")} == pages
    assert all(name in (tmp_path / "index.html").read_text() for name in pages)

"""The PDF: its bytes, its archive form, what is in it and how much of it fits."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import facturx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from domain.papers import declaration, phrases
from domain.papers.einvoice import cii
from domain.papers.figures import figures
from domain.papers.glyphs import BREAK, UNKNOWN, coverage, printable
from domain.papers.paper import Paper
from domain.papers.pdf import pictures, render
from domain.papers.samples import sample_papers

replace = msgspec.structs.replace


def _text(paper: Paper) -> str:
    pages = PdfReader(io.BytesIO(render(paper)), strict=True).pages
    return "\f".join(page.extract_text() for page in pages).replace(BREAK, "")


def test_the_same_paper_gives_the_same_bytes_on_every_compiler(domestic: Paper) -> None:
    first, others = render(domestic), []
    for _ in range(2):
        # A thread of its own has a compiler of its own.
        thread = Thread(target=lambda: others.append(render(domestic)))
        thread.start()
        thread.join()
    assert others == [first, first]


def test_threads_render_side_by_side() -> None:
    papers = list(sample_papers("pl").values()) * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(render, papers)) == [render(paper) for paper in papers]


def test_another_revision_has_other_bytes(domestic: Paper) -> None:
    assert render(replace(domestic, revision=2)) != render(domestic)
    assert "revize 2" in _text(replace(domestic, revision=2))


@pytest.mark.parametrize("name", sorted(sample_papers("cs")))
def test_the_xml_is_embedded_and_declared_as_factur_x(name: str) -> None:
    paper = sample_papers("cs")[name]
    pdf = render(paper)
    assert facturx.get_facturx_xml_from_pdf(pdf, check_xsd=False) == ("factur-x.xml", cii(paper))
    metadata = re.search(rb"<x:xmpmeta.*</x:xmpmeta>", pdf, re.DOTALL)
    assert metadata is not None
    for said in (
        b"<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
        b"<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>",
        b"<pdfaSchema:prefix>fx</pdfaSchema:prefix>",
        b"<pdfaid:part>3</pdfaid:part>",
        b"<pdfuaid:part>1</pdfuaid:part>",
    ):
        assert said in metadata[0]
    assert b"/AFRelationship/Alternative" in pdf


def test_every_object_stands_where_the_table_says(domestic: Paper) -> None:
    pdf = render(domestic)
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    assert pdf[start:].startswith(b"xref\n0 ")
    offsets = [int(row) for row in re.findall(rb"(\d{10}) 00000 n", pdf[start:])]
    assert len(offsets) > 10
    for number, offset in enumerate(offsets, 1):
        assert pdf[offset:].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7\nstartxref\n0\n%%EOF"])
def test_a_pdf_of_another_make_is_refused(pdf: bytes) -> None:
    with pytest.raises(ValueError, match="this PDF has no"):
        declaration.declare(pdf)


def test_only_the_shipped_fonts_are_used(domestic: Paper) -> None:
    fonts = set(re.findall(rb"/BaseFont/[A-Z]{6}\+([\w-]+)", render(domestic)))
    weights = {name.removesuffix(b"-Identity-H") for name in fonts}
    assert weights == {b"Inter-Regular", b"Inter-Medium", b"Inter-SemiBold"}


def test_letters_of_every_language_have_glyphs() -> None:
    letters = "ěščřžýáíéúůďťňĚŠČŘŽ àâæçéèêëîïôœùûüÿÀÇÉŒ ąćęłńóśźżĄĆĘŁŃÓŚŹŻ €«»„“’–−•·№ ΑΩ Жя"
    assert {letter for letter in letters if ord(letter) not in coverage()} == set()
    assert ord("中") not in coverage()


def test_forty_lines_flow_onto_a_second_page_that_says_what_it_is() -> None:
    first, second = _text(sample_papers("cs")["many-lines"]).split("\f")
    assert "Strana 1 z 2" in first
    assert "Strana 2 z 2" in second
    assert "Faktura – daňový doklad 2026-000042" in second
    assert "Množství" in first
    assert "Množství" in second
    assert "Celkem s DPH" not in first
    assert "Celkem s DPH" in second


@pytest.mark.parametrize("locale", ["en", "cs", "fr", "pl"])
def test_every_name_and_figure_of_a_paper_is_on_the_page(locale: str) -> None:
    paper, write = sample_papers(locale)["discount-and-credit"], figures(locale)
    paper = replace(paper, note="Order 2026/118")
    assert paper.payment is not None
    assert paper.payment.at is not None
    (tax,) = paper.taxes
    wanted = [
        *(paper.number, paper.seller.name, paper.seller.street, paper.seller.vat_number),
        *(paper.seller.registration, paper.buyer.name, paper.buyer.street, paper.buyer.vat_number),
        *(paper.buyer.postal_code, paper.buyer.ref, paper.buyer.email, paper.note),
        *(phrases.item_name(paper, item) for item in paper.lines),
        *(write.amount(item.net) for item in paper.lines),
        *map(write.money, (paper.discount, paper.net, tax.tax, paper.total, paper.credit_used)),
        *map(write.money, (paper.payment.amount, paper.due)),
        *(write.amount(tax.base), write.percent(tax.percent)),
        *(write.day(paper.issued_at.date()), write.day(paper.taxable_on)),
        *(*phrases.period_parts(paper), paper.payment.label, paper.payment.reference),
    ]
    page = _solid(_text(paper))
    assert [each for each in wanted if _solid(each) not in page] == []


def _solid(text: str) -> str:
    """Without spaces of any kind, which a reader of PDF puts where it likes."""
    return "".join(text.split())


@pytest.mark.parametrize("name", sorted(sample_papers("en")))
@pytest.mark.parametrize("locale", ["en", "cs", "fr", "pl"])
def test_a_normal_paper_is_one_page(locale: str, name: str) -> None:
    pages = PdfReader(io.BytesIO(render(sample_papers(locale)[name]))).pages
    assert len(pages) == (2 if name == "many-lines" else 1)


def test_long_names_wrap_and_nothing_is_lost(domestic: Paper) -> None:
    name = "Sdružení přátel velmi dlouhých obchodních firem a nekonečných názvů " * 2 + "s.r.o."
    street = "Nejneobhospodařovávatelnějšími" * 5
    text = _text(replace(domestic, buyer=replace(domestic.buyer, name=name, street=street)))
    assert "".join(name.split()) in "".join(text.split())
    assert street in "".join(text.split())


def test_what_a_customer_writes_is_text_and_not_markup(domestic: Paper) -> None:
    note = '#panic("x") $x$ *bold* \\ "quoted" #sys.inputs <label> @ref // no comment'
    assert note in _text(replace(domestic, note=note))


def test_a_character_without_a_glyph_is_marked_and_the_xml_keeps_it(domestic: Paper) -> None:
    paper = replace(domestic, buyer=replace(domestic.buyer, name="東京 Łódź 🎉"))
    assert f"{UNKNOWN}{UNKNOWN} Łódź {UNKNOWN}" in _text(paper)
    assert "東京 Łódź 🎉" in cii(paper).decode()


@pytest.mark.parametrize(
    "written,printed",
    [
        ("e\u0301", "é"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\tb\x07c", "a b c"),
        ("ＡＢＣ", "ABC"),
        ("a\u202eb\u2066c", "abc"),
        ("👩\u200d👩", f"{UNKNOWN}{UNKNOWN}"),
        ("x" * 40, f"{'x' * 36}{BREAK}xxxx"),
        ("\ue0a5 \uf8ff", f"{UNKNOWN} {UNKNOWN}"),
    ],
)
def test_text_is_made_printable(written: str, printed: str) -> None:
    assert printable(written) == printed


def test_every_character_that_the_fonts_draw_may_stand_on_an_invoice(domestic: Paper) -> None:
    everything = " ".join(map(chr, sorted(coverage())))
    assert render(replace(domestic, note=everything)).startswith(b"%PDF-1.7")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=120))
def test_no_text_stops_an_invoice(text: str) -> None:
    paper = sample_papers("cs")["domestic"]
    buyer = replace(paper.buyer, name=text, street=text, ref=text)
    pdf = render(replace(paper, buyer=buyer, note=text))
    assert pdf.startswith(b"%PDF-1.7")


def test_a_picture_is_made_of_every_page() -> None:
    pages = pictures(sample_papers("en")["many-lines"], 30)
    assert len(pages) == 2
    assert all(page.startswith(b"\x89PNG") for page in pages)

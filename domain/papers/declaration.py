"""Declares in a PDF's metadata that the attached XML is its invoice, as Factur-X 1.0 wants it.

The compiler attaches the file but cannot write this part of XMP, and libraries that rewrite the
whole PDF take longer than making it did. So the metadata stream grows in place, and the offsets of
what lies behind it move by as much.
"""

from __future__ import annotations

import re
from typing import Final

_NAMESPACE: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = {
    "DocumentFileName": ("factur-x.xml", "The name of the embedded XML document"),
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters"),
    "Version": ("1.0", "The version of the standard applying to the embedded XML document"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}
_STREAM: Final = re.compile(rb"<</Length (\d+)/Type/Metadata/Subtype/XML>>\s*stream\r?\n")
_SCHEMAS: Final = b"<pdfaExtension:schemas><rdf:Bag>"
_END: Final = b"</rdf:RDF>"
_TABLE: Final = re.compile(rb"xref\n0 (\d+)\n((?:\d{10} \d{5} [fn]\r?\n?){1,})trailer")
_START: Final = re.compile(rb"startxref\n(\d+)\n%%EOF\s*$")


def declare(pdf: bytes) -> bytes:
    """The PDF with its invoice declared.

    Raises ValueError when the PDF is not built as the compiler builds it: one metadata stream and
    a plain cross-reference table.
    """
    stream, start = _STREAM.search(pdf), _START.search(pdf)
    if stream is None or start is None:
        raise ValueError("this PDF has no plain metadata stream or no plain end to extend")
    begin, end = stream.end(), stream.end() + int(stream[1])
    xmp = _extended(pdf[begin:end])
    head = pdf[: stream.start()] + stream[0].replace(stream[1], b"%d" % len(xmp), 1)
    table_at = int(start[1])
    moved = len(head) + len(xmp) - end
    table = _moved(pdf[table_at : start.start()], behind=begin, by=moved)
    tail = b"startxref\n%d\n%%%%EOF" % (table_at + moved)
    return head + xmp + pdf[end:table_at] + table + tail


def _extended(xmp: bytes) -> bytes:
    if xmp.count(_SCHEMAS) != 1 or xmp.count(_END) != 1:
        raise ValueError("this PDF's metadata has no single list of extension schemas")
    with_schema = xmp.replace(_SCHEMAS, _SCHEMAS + _schema().encode())
    return with_schema.replace(_END, _values().encode() + _END)


def _schema() -> str:
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, (_, meaning) in _PROPERTIES.items()
    )
    return (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>"
        f"{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )


def _values() -> str:
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _PROPERTIES.items())
    return f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description>'


def _moved(section: bytes, *, behind: int, by: int) -> bytes:
    """The cross-reference table with every offset behind a position moved."""
    table = _TABLE.match(section)
    if table is None:
        raise ValueError("this PDF has no plain cross-reference table")

    def shift(entry: re.Match[bytes]) -> bytes:
        offset = int(entry[1])
        return b"%010d" % (offset + by if offset > behind else offset)

    rows = re.sub(rb"(\d{10})(?= \d{5} n)", shift, table[2])
    return section[: table.start(2)] + rows + section[table.end(2) :]

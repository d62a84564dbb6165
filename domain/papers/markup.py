"""Builds XML as nested calls; what has no content is left out: EN 16931 forbids empty elements."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, tostring

Content = Element | str | None

_NOT_XML: Final = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def node(tag: str, *content: Content, **attributes: str) -> Element | None:
    """An element, or None when there is nothing in it. Characters that XML cannot hold become
    spaces."""
    made = Element(tag, attributes)
    for each in content:
        if isinstance(each, str):
            made.text = _NOT_XML.sub(" ", each).strip()
        elif each is not None:
            made.append(each)
    return made if made.text or len(made) else None


def document(tag: str, namespaces: dict[str, str], *content: Content) -> bytes:
    """A whole document in UTF-8; tags carry the prefixes of ``namespaces``."""
    root = Element(tag, {f"xmlns:{prefix}".rstrip(":"): uri for prefix, uri in namespaces.items()})
    root.extend(each for each in content if isinstance(each, Element))
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))

"""The paper for machines: EN 16931 in both of its syntaxes."""

from domain.papers.cii import cii
from domain.papers.ubl import ubl

__all__ = ["cii", "ubl"]

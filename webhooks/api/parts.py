"""What the API's handlers work with; made once a process."""

from __future__ import annotations

from dataclasses import dataclass

from domain.catalogue import Catalogue
from domain.database import Database
from domain.ports import Bell
from domain.settings import Settings
from webhooks.providers import Registry


@dataclass(frozen=True)
class Services:
    """The parts of the process that answer requests."""

    settings: Settings
    database: Database
    providers: Registry
    catalogue: Catalogue
    bell: Bell

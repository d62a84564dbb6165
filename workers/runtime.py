"""What a job works with: settings, database, providers, catalogue and bell, made once a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import getpid
from socket import gethostname

from sqlalchemy.exc import ArgumentError

from domain import catalogue as catalogues
from domain import clock
from domain.catalogue import Catalogue
from domain.database import Database
from domain.errors import Misconfigured
from domain.keyring import SETTING
from domain.ports import Bell
from domain.settings import Settings
from webhooks.providers import Registry, registry


class SilentBell:
    """A bell that nobody hears: the sweeper finds the work all the same."""

    def ring(self, job: str) -> None:
        """Do nothing."""


@dataclass
class Runtime:
    """The parts of a running process."""

    settings: Settings
    database: Database
    providers: Registry
    catalogue: Catalogue
    bell: Bell = field(default_factory=SilentBell)
    worker: str = field(default_factory=lambda: f"{gethostname()}:{getpid()}")

    def close(self) -> None:
        """Close what is open."""
        self.database.dispose()


def build(settings: Settings, bell: Bell | None = None) -> Runtime:
    """Make the parts. Raises ``Misconfigured`` when a setting is missing or wrong."""
    providers = registry(settings.environ, settings.sandbox)
    if settings.now is not None:
        _refuse_live(providers)
        clock.travel(settings.now)
    if settings.data_keys is None:
        _refuse_plain(providers)
    return Runtime(
        settings=settings,
        database=_database(settings),
        providers=providers,
        catalogue=catalogues.load(settings.catalogue or catalogues.BUNDLED),
        bell=bell or SilentBell(),
    )


def _database(settings: Settings) -> Database:
    try:
        return Database(settings.database_url, ring=settings.ring)
    except (ArgumentError, ImportError) as error:
        # The URL holds a password: it is not repeated.
        raise Misconfigured(
            f"DATABASE_URL cannot be used ({type(error).__name__}): write it like "
            "postgresql+psycopg://user:password@host/billhook or sqlite:///var/billhook.db"
        ) from error


def _live(providers: Registry) -> str:
    """The providers that move real money, in words."""
    return " and ".join(each.spec.title for each in providers if each.configuration.livemode)


def _refuse_plain(providers: Registry) -> None:
    live = _live(providers)
    if live:
        raise Misconfigured(
            f"{live} would send personal data of real customers, and {SETTING} is not set, so they "
            "would be stored as they come: `billhook keys make` prints a key for it"
        )


def _refuse_live(providers: Registry) -> None:
    live = _live(providers)
    if live:
        raise Misconfigured(
            f"BILLHOOK_NOW stops the clock, and {live} would move real money: "
            "unset BILLHOOK_NOW, or use test keys"
        )


_current: Runtime | None = None


def install(runtime: Runtime) -> Runtime:
    """Make ``runtime`` the one that the jobs of this process use."""
    global _current  # noqa: PLW0603 - one runtime a process
    _current = runtime
    return runtime


def current() -> Runtime:
    """The process's runtime. Raises RuntimeError before ``install``."""
    if _current is None:
        raise RuntimeError("no runtime was installed in this process")
    return _current

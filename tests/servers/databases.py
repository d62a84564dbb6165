"""Makes and drops databases on a PostgreSQL server, ours or one that was named by URL."""

from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import make_url


def libpq_url(url: str) -> str:
    """Return an SQLAlchemy URL in the form that psycopg itself reads."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Databases:
    """One administrative connection, kept open because every test asks for a new database."""

    def __init__(self, url: str) -> None:
        """Connect to `url`, an SQLAlchemy URL of any database whose user may create others."""
        self._url = make_url(url)
        self._connection = psycopg.connect(libpq_url(url), autocommit=True)
        self._copying = self._clause()

    def __enter__(self) -> Self:
        """Return itself, to be closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of the database `name` on this server."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, template: str | None = None) -> str:
        """Make the database `name`, empty or a copy of `template`, and return its URL."""
        source = sql.Identifier(template or "template0")
        self._connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' {}").format(
                sql.Identifier(name), source, self._copying
            )
        )
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop the database `name` if it is there, and throw out who is still connected."""
        self._connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def drop_all(self, prefix: str) -> None:
        """Drop every database whose name begins with `prefix`."""
        names = self._connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        )
        for (name,) in names.fetchall():
            self.drop(name)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _clause(self) -> sql.SQL:
        # PostgreSQL 15 began to copy templates through the log; copying files is faster when
        # nothing is flushed, and older servers do nothing else.
        return sql.SQL(
            "STRATEGY file_copy" if self._connection.info.server_version >= 150000 else ""
        )

"""What the sandbox remembers: JSON documents by kind and id.

Everything is held in memory; with a path every change is written through to an SQLite file, so
that a sandbox started again continues with the same data.
"""

from __future__ import annotations

import random
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

Document = dict[str, Any]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

# What the public part of an id looks like at the providers: a generation mark, then this many
# letters and digits.
_LOOKS: dict[str, tuple[str, int]] = {
    "pi": ("3", 23),
    "ch": ("3", 23),
    "re": ("3", 23),
    "cus": ("", 14),
    "prod": ("", 14),
    "cs_test": ("a1", 56),
    "req": ("", 14),
}
_ORDINARY_LOOK = ("1", 23)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    place INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS drawn (one INTEGER PRIMARY KEY CHECK (one = 1), ids INTEGER NOT NULL);
"""


class _Shelf:
    """The documents of one kind, with an index for every text field that was searched by."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self._places: dict[str, int] = {}
        self._numbers = count()
        self._indexes: dict[str, dict[str, set[str]]] = {}

    def put(self, key: str, document: Document) -> None:
        self._unindex(key)
        self.documents[key] = document
        if key not in self._places:
            self._places[key] = next(self._numbers)
        for field, index in self._indexes.items():
            _note(index, document.get(field), key)

    def remove(self, key: str) -> bool:
        self._unindex(key)
        self._places.pop(key, None)
        return self.documents.pop(key, None) is not None

    def find(self, equal: dict[str, Any]) -> Iterator[Document]:
        for key in self._candidates(equal):
            document = self.documents[key]
            if all(document.get(field) == value for field, value in equal.items()):
                yield document

    def _candidates(self, equal: dict[str, Any]) -> Iterable[str]:
        texts = [(field, value) for field, value in equal.items() if isinstance(value, str)]
        if not texts:
            return list(self.documents)
        sets = [self._index(field).get(value, set()) for field, value in texts]
        fewest, *_ = sorted(sets, key=len)
        return sorted(fewest, key=self._places.__getitem__)

    def _index(self, field: str) -> dict[str, set[str]]:
        if field not in self._indexes:
            index = self._indexes[field] = {}
            for key, document in self.documents.items():
                _note(index, document.get(field), key)
        return self._indexes[field]

    def _unindex(self, key: str) -> None:
        before = self.documents.get(key)
        if before is None:
            return
        for field, index in self._indexes.items():
            value = before.get(field)
            if isinstance(value, str):
                index[value].discard(key)


def _note(index: dict[str, set[str]], value: Any, key: str) -> None:
    if isinstance(value, str):
        index.setdefault(value, set()).add(key)


_EMPTY = _Shelf()


class Store:
    """Documents by ``(kind, id)``, in the order in which they were first put. Thread-safe.

    Documents go in and come out as copies. With a ``seed`` the ids are the same in every run that
    asks for them in the same order.
    """

    def __init__(self, path: Path | None = None, *, seed: int | None = None) -> None:
        self._lock = threading.RLock()
        self._kinds: dict[str, _Shelf] = {}
        self._seed = secrets.token_hex(8) if seed is None else str(seed)
        self._drawn = 0
        self._file = _open(path) if path is not None else None
        self._load()

    def put(self, kind: str, key: str, document: Document) -> None:
        """Keep ``document``, in the place of an earlier one of the same kind and id."""
        body = msgspec.json.encode(document)
        with self._lock:
            self._kinds.setdefault(kind, _Shelf()).put(key, msgspec.json.decode(body))
            if self._file is not None:
                self._write(self._file, kind, key, body)

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None."""
        with self._lock:
            found = self._kinds.get(kind, _EMPTY).documents.get(key)
            return None if found is None else _copy(found)

    def find(self, kind: str, **equal: Any) -> list[Document]:
        """Documents whose top-level fields equal what is given, oldest first."""
        with self._lock:
            return [_copy(each) for each in self._kinds.get(kind, _EMPTY).find(equal)]

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind, oldest first."""
        return self.find(kind)

    def delete(self, kind: str, key: str) -> bool:
        """Forget a document; False when there was none."""
        with self._lock:
            gone = self._kinds.get(kind, _EMPTY).remove(key)
            if gone and self._file is not None:
                self._file.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, key))
            return gone

    def new_id(self, prefix: str) -> str:
        """A fresh id that looks like the provider's own: ``pi_3…``, ``evt_1…``, ``cus_…``."""
        mark, length = _LOOKS.get(prefix, _ORDINARY_LOOK)
        return f"{prefix}_{mark}{self.letters(length)}"

    def letters(self, length: int, alphabet: str = _ALPHABET) -> str:
        """Fresh letters for ids of other shapes."""
        return "".join(self.dice().choices(alphabet, k=length))

    def dice(self) -> random.Random:
        """A generator of its own; the next call gives another one."""
        with self._lock:
            self._drawn += 1
            return random.Random(f"{self._seed}:{self._drawn}")  # ids are no secrets

    def close(self) -> None:
        """Close the file; the store must not be written afterwards."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, file: sqlite3.Connection, kind: str, key: str, body: bytes) -> None:
        with file:
            file.execute("BEGIN")
            file.execute(
                "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, key, body),
            )
            # An id drawn but never kept may be drawn again after a restart; nobody knows it.
            file.execute(
                "INSERT INTO drawn VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET ids = ?",
                (self._drawn, self._drawn),
            )

    def _load(self) -> None:
        if self._file is None:
            return
        rows = self._file.execute("SELECT kind, id, body FROM documents ORDER BY place")
        for kind, key, body in rows:
            self._kinds.setdefault(kind, _Shelf()).put(key, msgspec.json.decode(body))
        row = self._file.execute("SELECT ids FROM drawn").fetchone()
        self._drawn = row[0] if row else 0


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    # A sandbox may lose its last moments with the machine, but not with the process.
    file.execute("PRAGMA synchronous = OFF")
    file.executescript(_SCHEMA)
    return file


def _copy(document: Document) -> Document:
    copied: Document = msgspec.json.decode(msgspec.json.encode(document))
    return copied

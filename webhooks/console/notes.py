"""What the store notes with events, effects and replays, in the visitor's language.

Notes are stored in English, as the code words them, and the API tells them so. The files
``words/<language>/notes.toml`` have each with its places for what varies; a test reads the code for
new ones. What a provider, a library or a person wrote is shown as it is stored.
"""

from __future__ import annotations

import re
import string
import tomllib
from functools import lru_cache
from typing import Final

import msgspec

from webhooks.console.speech import WORDS, Speech, speech

_ERROR: Final = re.compile(r"(?:NotYet|Transient|Permanent|Unknown|Erased): ")
"""How a note begins that an error left (``domain.discretion``)."""
_NAMED: Final = re.compile(r"([a-z_]+)[ :](\S+)")
"""Something by its kind and id: ``order 42``, ``payment:pi_1``."""
_WRITTEN: Final = frozenset({"description", "masked", "note", "reason", "said", "user_message"})
"""Places for what somebody else wrote: no word in it is one of the store."""
_DEEPEST: Final = 3
"""Notes in notes: ``not about any account of ours (NotYet: no account is known by order 42)``."""


class Form(msgspec.Struct, frozen=True):
    """A note that varies: the ``pieces`` between its places, their ``names``, and its words."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]
    words: str

    def values_in(self, note: str) -> dict[str, str] | None:
        """What stands at the places; None when the note has another form. Takes as long as the note
        is, whatever it holds."""
        first, *middle, last = self.pieces
        if not (note.startswith(first) and note.endswith(last)):
            return None
        values, at, end = [], len(first), len(note) - len(last)
        for piece in middle:
            found = note.find(piece, at + 1, end)
            if found < 0:
                return None
            values.append(note[at:found])
            at = found + len(piece)
        return dict(zip(self.names, [*values, note[at:end]], strict=True)) if at < end else None


def said(speaker: Speech, note: str) -> str:
    """A stored note in the language of the speech; in English, and when it is not known, itself."""
    return note if speaker.language == "en" else _said(speaker.language, note)


@lru_cache(maxsize=4096)
def _said(language: str, note: str) -> str:
    told = _known(speech(language), note, 0)
    return note if told is None else told


def _known(speaker: Speech, note: str, depth: int) -> str | None:
    text = _ERROR.sub("", note, count=1) if _ERROR.match(note) else note
    plain, forms = _table(speaker.language)
    if text in plain:
        return plain[text]
    for form in forms:
        values = form.values_in(text)
        if values is not None:
            return form.words.format_map(
                {name: _part(speaker, name, value, depth + 1) for name, value in values.items()}
            )
    return None


def _part(speaker: Speech, name: str, value: str, depth: int) -> str:
    """What varies: a note of its own, or ids, words of the store, amounts and instants."""
    told = _known(speaker, value, depth) if depth < _DEEPEST else None
    if told is not None or name in _WRITTEN:
        return value if told is None else told
    return ", ".join(_item(speaker, each) for each in value.split(", "))


def _item(speaker: Speech, item: str) -> str:
    named = _NAMED.fullmatch(item)
    if named is not None and speaker.words_of(named[1]) != named[1]:
        return f"{speaker.words_of(named[1])} {named[2]}"
    return speaker.told(speaker.words_of(item))


@lru_cache(maxsize=8)
def _table(language: str) -> tuple[dict[str, str], tuple[Form, ...]]:
    """The notes of a language: those that never vary, and the forms of the others, the one that
    says most first."""
    text = (WORDS / language / "notes.toml").read_text(encoding="utf-8")
    notes: dict[str, str] = tomllib.loads(text)
    forms = [form for form in (_form(note, words) for note, words in notes.items()) if form.names]
    forms.sort(key=lambda form: -sum(map(len, form.pieces)))
    return notes, tuple(forms)


def _form(note: str, words: str) -> Form:
    parsed = list(string.Formatter().parse(note))
    names = tuple(name for _, name, _, _ in parsed if name is not None)
    pieces = [literal for literal, _, _, _ in parsed]
    return Form(tuple(pieces if len(pieces) > len(names) else [*pieces, ""]), names, words)

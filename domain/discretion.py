"""What may be told of an error in a log or beside an event: where and what, but nobody's data.

Messages of ours hold none. Those of a library, or of a bug, may quote whatever was worked on.
"""

from __future__ import annotations

import re
import traceback
from typing import Final

from domain.errors import BillhookError

LONGEST: Final = 500
FRAMES: Final = 12
COVER: Final = "…"
NO_LETTER: Final = "\N{REPLACEMENT CHARACTER}"
_TOKENS: Final = re.compile(
    r"(sk_live_|sk_test_|rk_live_|rk_test_|whsec_|bh_(?:viewer|operator|app)_|Bearer\s+)[\w.-]+"
)
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_LONG_NUMBER: Final = re.compile(r"(?<![\w.-])\+?\d(?:[ -]?\d){11,18}(?![\w.-])")
"""Cards, telephones and bank accounts; our own ids and the providers' are shorter or have
letters."""
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NAME_IN_CODE: Final = re.compile(r"[A-Za-z_$][\w.$/-]{0,60}")


def blanked(text: str) -> str:
    """The text without tokens, e-mail addresses and long numbers, wherever they stand in it."""
    return _LONG_NUMBER.sub(COVER, _EMAIL.sub("…@…", _TOKENS.sub(r"\1…", text)))


def told(error: BaseException) -> str:
    """The error in one line: its class, and the first line of its message.

    What a message that is not ours has in quotes is told only when it reads like a name in code: a
    key, an attribute, a column.
    """
    message = str(error).splitlines()[0] if str(error) else ""
    if not isinstance(error, BillhookError):
        message = _QUOTED.sub(_discreet, message)
    return _printable(f"{type(error).__name__}: {blanked(message)}"[:LONGEST])


def _printable(line: str) -> str:
    # It may quote a provider's words, and PostgreSQL's text holds no NUL and no half characters.
    return "".join(letter if letter.isprintable() else NO_LETTER for letter in line)


def trace(error: BaseException) -> str:
    """Where the error and those behind it came from, frame by frame, and each in one line."""
    parts: list[str] = []
    at: BaseException | None = error
    while at is not None and len(parts) < FRAMES:
        frames = traceback.format_tb(at.__traceback__)[-FRAMES:]
        parts.append("".join([*frames, told(at)]))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\nbecause of\n".join(parts)


def _discreet(quoted: re.Match[str]) -> str:
    inner = quoted[1] if quoted[1] is not None else quoted[2]
    mark = quoted[0][0]
    return quoted[0] if _NAME_IN_CODE.fullmatch(inner) else f"{mark}{COVER}{mark}"

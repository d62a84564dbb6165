"""Few digits, looked for in much text."""

from __future__ import annotations

import re


def stand_alone(digits: str, text: str | bytes) -> bool:
    """Do the digits stand in the text as a number of their own?

    Four digits turn up by chance in microseconds, in checksums and in the times of creation that
    the metrics tell; nobody reads the end of a card number there.
    """
    read = text if isinstance(text, str) else text.decode("latin-1")
    return re.search(rf"(?<![\w.]){digits}(?!\w|\.\d)", read) is not None

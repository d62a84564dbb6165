"""Where mail goes: to the SMTP server of ``SMTP_URL``, or into files while there is none.

What a server answers becomes an error that says what to do. Errors never carry an address.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from domain.errors import Misconfigured, Permanent, Transient

TIMEOUT: Final = 10.0
"""Seconds for each answer of the server."""
PREPARATION: Final = 40.0
"""Seconds after which a slow server is left before the mail itself is begun: the other effects of
the batch wait behind it."""
PORTS: Final = {"smtp": 587, "smtps": 465}
_ADDRESS: Final = re.compile(r"[^\s<>:;,\"]+@[^\s<>:;,\"]+")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """An SMTP server. ``smtps`` speaks TLS from the start; ``smtp`` changes to TLS when the server
    offers it, and must when there are credentials."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None


def server(url: str) -> Server:
    """Read ``SMTP_URL``: ``smtp://user:password@host:port`` or ``smtps://…``.

    Raises ``Misconfigured``, which does not repeat the URL since it holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Misconfigured("SMTP_URL: the port must be a number up to 65535") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise Misconfigured(
            "SMTP_URL must be smtp://user:password@host:port or smtps://user:password@host:port"
        )
    if bool(parts.username) != bool(parts.password):
        raise Misconfigured("SMTP_URL names a user without a password, or the other way round")
    return Server(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def send(to: Server, message: EmailMessage, sender: str, recipient: str) -> None:
    """Hand a message over to the server.

    Raises ``Permanent`` when the server refuses this recipient or this message for good, and
    ``Transient`` for everything that may pass or that settings can mend. When the connection breaks
    after the message was sent, it may have been taken: another try carries the same Message-ID, by
    which the receiver's mail program knows it for the same mail.
    """
    begun = time.monotonic()
    with _judged(to), _connection(to) as connection:
        _secure(to, connection)
        if time.monotonic() - begun > PREPARATION:
            raise Transient(f"{to.host}: the mail server answers too slowly")
        connection.send_message(message, sender, [recipient])


@contextmanager
def _connection(to: Server) -> Iterator[smtplib.SMTP]:
    if to.scheme == "smtps":
        context = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            to.host, to.port, timeout=TIMEOUT, context=context
        )
    else:
        connection = smtplib.SMTP(to.host, to.port, timeout=TIMEOUT)
    try:
        yield connection
        _part(connection)
    finally:
        connection.close()


def _part(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        # The message was accepted before; that the farewell was not heard changes nothing.
        return


def _secure(to: Server, connection: smtplib.SMTP) -> None:
    connection.ehlo_or_helo_if_needed()
    if to.scheme == "smtp" and connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
    elif to.scheme == "smtp" and to.user is not None:
        raise Transient(
            f"{to.host} offers no STARTTLS, and a password is not sent in the clear; "
            "use smtps:// in SMTP_URL, or leave user and password out"
        )
    if to.user is not None and to.password is not None:
        connection.login(to.user, to.password)


@contextmanager
def _judged(to: Server) -> Iterator[None]:
    """Map what smtplib raises; codes are those of RFC 5321, section 4.2."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refusal(code, f"{to.host} refused the recipient", words) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(
            error.smtp_code, f"{to.host} refused the message", error.smtp_error
        ) from error
    except ssl.SSLError as error:
        raise Transient(
            f"{to.host}: no secure connection ({error.reason or type(error).__name__}); a private "
            "certificate can be trusted through SSL_CERT_FILE"
        ) from error
    except smtplib.SMTPResponseException as error:
        # The sender or the login is refused: about our settings, not about this mail.
        said = f"{error.smtp_code} {masked(error.smtp_error)}"
        raise Transient(f"{to.host} answered {said}".strip()) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Transient(f"{to.host} cannot do what the mail needs: {masked(str(error))}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Transient(f"{to.host}:{to.port}: {masked(str(error))}") from error


def _refusal(code: int, what: str, answer: bytes | str) -> Permanent | Transient:
    kind = Permanent if code >= 500 else Transient
    return kind(f"{what}: {code} {masked(answer)}")


def masked(answer: bytes | str) -> str:
    """What a server said, on one line, without the addresses that servers like to repeat."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return _ADDRESS.sub("…@…", " ".join(text.split()))[:200]


def file(folder: Path, name: str, message: bytes) -> bool:
    """Put a message into ``folder`` as ``name``, whole or not at all; False when it is there.

    Mails hold personal data: only this user may read them.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, draft = tempfile.mkstemp(dir=folder, suffix=".draft")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(message)
        # Unlike a rename, a link never replaces what another worker has put there.
        Path(folder / name).hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        Path(draft).unlink()
    return True

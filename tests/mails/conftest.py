"""What the tests of the mails share: the seller, and an SMTP server that keeps what it gets."""

from __future__ import annotations

import ipaddress
import ssl
from asyncio import Server, Transport
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain import catalogue
from domain.catalogue import Seller


@pytest.fixture(scope="session")
def seller() -> Seller:
    """The seller of the bundled catalogue."""
    return catalogue.load().seller


@dataclass
class PostOffice:
    """What a server got, and what it answers: None takes the mail."""

    taken: list[Envelope] = field(default_factory=list)
    to_recipient: str | None = None
    to_message: str | None = None
    hang_up: bool = False
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.to_recipient is not None:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take or refuse a message, or hang up after it."""
        if self.to_message is not None:
            return self.to_message
        self.taken.append(envelope)
        if self.hang_up:
            assert isinstance(server.transport, Transport)
            server.transport.abort()
        return "250 OK"


class OnFreePort(Controller):
    """A controller that asks the system for a port, and then knows which one it got."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class PostOffices:
    """Opens servers on free ports of the loopback and closes them all."""

    def __init__(self) -> None:
        self._open: list[Controller] = []

    def open(self, **options: Any) -> PostOffice:
        """A server; ``options`` are those of aiosmtpd's controller."""
        office = PostOffice()
        controller = OnFreePort(office, hostname="127.0.0.1", port=0, **options)
        controller.start()
        self._open.append(controller)
        office.port = controller.port
        return office

    def close(self) -> None:
        """Close them all."""
        for controller in self._open:
            controller.stop()


@pytest.fixture
def post_offices() -> Iterator[PostOffices]:
    """Servers that are closed after the test."""
    offices = PostOffices()
    yield offices
    offices.close()


def only_mail_user(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    """Let ``mail`` in with the password ``p@ss/word``."""
    wanted = LoginPassword(login=b"mail", password=b"p@ss/word")
    return AuthResult(success=data == wanted, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with the key and the certificate of localhost and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    since = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context

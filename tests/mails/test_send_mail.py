"""Mails are sent over real SMTP, or filed; once per cause, and errors say what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import Envelope

from domain import clock
from domain.catalogue import load
from domain.database import Database
from domain.effects import Effect
from domain.errors import Misconfigured, Permanent, Transient
from domain.mails.kinds import KINDS
from domain.settings import Settings
from tests.mails.conftest import PostOffices, only_mail_user
from webhooks.providers import registry
from workers import postman
from workers.effects.send_mail import perform
from workers.runtime import Runtime

AT = datetime(2026, 5, 12, 14, 5, tzinfo=UTC)
TO = "jana.novakova@customers.example"


@pytest.fixture(autouse=True)
def _still_clock() -> Iterator[None]:
    clock.travel(AT)
    yield
    clock.reset()


def runtime(smtp_url: str | None, state_dir: Path = Path("nowhere")) -> Runtime:
    return Runtime(
        settings=Settings(smtp_url=smtp_url, state_dir=state_dir),
        database=Database("sqlite://"),
        providers=registry({}),
        catalogue=load(),
    )


def effect(kind: str = "unblocked", locale: str = "cs", **more: Any) -> Effect:
    payload = {"to": TO, "locale": locale, "parameters": {}, **more}
    return Effect(
        cause="order:1", kind="send_mail", target=kind, payload=payload, created_at=AT, attempts=1
    )


def parsed(envelope: Envelope) -> EmailMessage:
    content = envelope.content
    message = message_from_bytes(
        content if isinstance(content, bytes) else (content or "").encode(), policy=default
    )
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_mail_arrives_with_text_html_and_its_own_message_id(post_offices: PostOffices) -> None:
    office = post_offices.open()
    wanted = effect()
    result = perform(runtime(f"smtp://127.0.0.1:{office.port}"), wanted)
    (envelope,) = office.taken
    message = parsed(envelope)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("billing@chatwell.example", [TO])
    assert message["Message-ID"] == f"<{wanted.key}@chatwell.example>" == result["message_id"]
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (
        "Chatwell s.r.o.",
        "billing@chatwell.example",
    )
    assert message["Subject"] == "Váš účet opět funguje"
    assert message["Date"].datetime == AT
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "cs"
    assert message.get_content_type() == "multipart/alternative"
    assert "Blokace vašeho účtu byla zrušena." in part(message, "plain")
    assert '<html lang="cs"' in part(message, "html")


def test_every_line_on_the_wire_is_short_and_of_seven_bits(post_offices: PostOffices) -> None:
    office = post_offices.open()
    perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect(locale="pl"))
    content = office.taken[0].content
    assert isinstance(content, bytes)
    assert content.isascii()
    assert max(map(len, content.splitlines())) <= 90
    # Folded, it is lawful, but not every program finds it again.
    assert b"\r\nMessage-ID: <send_mail-" in content


def test_a_second_try_carries_the_same_message_id(post_offices: PostOffices) -> None:
    office = post_offices.open()
    for _ in range(2):
        perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect())
        clock.advance(timedelta(minutes=5))
    first, second = map(parsed, office.taken)
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    "answer, error",
    [
        ("450 4.2.1 greylisted <jana@customers.example>", Transient),
        ("550 5.1.1 <jana@customers.example> is unknown here", Permanent),
    ],
)
def test_a_refused_recipient_is_tried_again_or_given_up_as_the_server_says(
    post_offices: PostOffices, answer: str, error: type[Exception]
) -> None:
    office = post_offices.open()
    office.to_recipient = answer
    with pytest.raises(error, match=r"refused the recipient: [45]50") as caught:
        perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect())
    assert type(caught.value) is error
    assert "@c" not in str(caught.value)
    assert "…@…" in str(caught.value)


@pytest.mark.parametrize(
    "answer, error", [("451 later", Transient), ("554 5.7.1 looks like spam", Permanent)]
)
def test_a_refused_message_is_tried_again_or_given_up_as_the_server_says(
    post_offices: PostOffices, answer: str, error: type[Exception]
) -> None:
    office = post_offices.open()
    office.to_message = answer
    with pytest.raises(error, match="refused the message"):
        perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect())


def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with pytest.raises(Transient, match=f"127.0.0.1:{port}"):
        perform(runtime(f"smtp://127.0.0.1:{port}"), effect())


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postman, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Transient, match="timed out"):
            perform(runtime(f"smtp://127.0.0.1:{port}"), effect())


def test_the_button_leads_where_the_settings_say(post_offices: PostOffices) -> None:
    office = post_offices.open()
    sending = runtime(f"smtp://127.0.0.1:{office.port}")
    app = "https://app.chatwell.example/billing?tab=1&x=2"
    for app_url in (app, None):
        sending.settings = msgspec.structs.replace(sending.settings, app_url=app_url)
        perform(sending, effect("unblocked"))
    first, second = map(parsed, office.taken)
    assert app in part(first, "plain")
    assert f'href="{app.replace("&", "&amp;")}"' in part(first, "html")
    assert "Otevřít účet" not in part(second, "plain")


def test_a_connection_that_breaks_after_the_message_is_tried_again(
    post_offices: PostOffices,
) -> None:
    office = post_offices.open()
    office.hang_up = True
    with pytest.raises(Transient):
        perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect())
    assert len(office.taken) == 1


def test_a_password_is_never_sent_in_the_clear(post_offices: PostOffices) -> None:
    office = post_offices.open(authenticator=only_mail_user, auth_require_tls=False)
    url = f"smtp://mail:p%40ss%2Fword@127.0.0.1:{office.port}"
    with pytest.raises(Transient, match="offers no STARTTLS") as caught:
        perform(runtime(url), effect())
    assert "p@ss" not in str(caught.value)
    assert office.taken == []


def test_a_password_goes_over_starttls_to_a_server_that_is_trusted(
    post_offices: PostOffices,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office = post_offices.open(tls_context=tls, authenticator=only_mail_user, auth_required=True)
    perform(runtime(f"smtp://mail:p%40ss%2Fword@127.0.0.1:{office.port}"), effect())
    assert len(office.taken) == 1
    with pytest.raises(Transient, match="535"):
        perform(runtime(f"smtp://mail:wrong@127.0.0.1:{office.port}"), effect())


def test_a_server_with_an_unknown_certificate_gets_no_mail(
    post_offices: PostOffices, tls: ssl.SSLContext
) -> None:
    office = post_offices.open(tls_context=tls)
    with pytest.raises(Transient, match="no secure connection"):
        perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect())
    assert office.taken == []


def test_smtps_speaks_tls_from_the_start(
    post_offices: PostOffices,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office = post_offices.open(ssl_context=tls)
    perform(runtime(f"smtps://127.0.0.1:{office.port}"), effect())
    assert len(office.taken) == 1


@pytest.mark.parametrize("to", ["", "nobody", "@x.example", "a@", "a@b..c", "a\r\nb@x.example"])
def test_an_address_that_cannot_be_one_is_given_up_and_not_repeated(to: str) -> None:
    with pytest.raises(Permanent, match="no address") as caught:
        perform(runtime(None), effect(to=to))
    assert to == "" or to not in str(caught.value)


def test_an_international_domain_is_written_as_dns_knows_it(post_offices: PostOffices) -> None:
    office = post_offices.open()
    perform(runtime(f"smtp://127.0.0.1:{office.port}"), effect(to="jana@háček.example"))
    assert office.taken[0].rcpt_tos == ["jana@xn--hek-ela4t.example"]


def test_without_smtp_a_mail_is_filed_once_for_this_user_alone(tmp_path: Path) -> None:
    wanted = effect("unblocked", "fr")
    first = perform(runtime(None, tmp_path), wanted)
    clock.advance(timedelta(minutes=5))
    second = perform(runtime(None, tmp_path), wanted)
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == f"2026-05-12T140500Z-unblocked-{wanted.key}.eml"
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert path.stat().st_mode & 0o077 == 0
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert message["Subject"] == "Votre compte fonctionne à nouveau"
    assert message["Date"].datetime == AT


def test_nothing_that_an_effect_leaves_behind_names_the_customer(tmp_path: Path) -> None:
    result = perform(runtime(None, tmp_path), effect())
    assert "jana" not in str(result)
    assert set(KINDS) >= {"unblocked"}


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:port",
        "smtp://secret-user@mail.example",
    ],
)
def test_a_wrong_smtp_url_is_named_and_not_repeated(url: str) -> None:
    with pytest.raises(Misconfigured, match="SMTP_URL") as caught:
        postman.server(url)
    assert "secret-user" not in str(caught.value)


def test_ports_follow_from_the_scheme_unless_named() -> None:
    assert postman.server("smtp://m.example").port == 587
    assert postman.server("smtps://m.example").port == 465
    assert postman.server("smtp://m.example:25").port == 25

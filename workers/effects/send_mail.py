"""Send one mail to a customer: the effect's target is the kind, its key the Message-ID."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any, Final

from domain import clock
from domain.catalogue import Seller
from domain.effects import Effect
from domain.errors import Permanent
from domain.mails.mail import Mail
from domain.mails.render import render
from webhooks.providers import specs
from workers import postman
from workers.effects.render_invoice import printed
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

NO_ADDRESS: Final = (
    "the e-mail of the account is no address that mail can be sent to; correct it with "
    "PUT /api/accounts/{ref}"
)
Attachment = tuple[str, bytes]


class UnfoldedId(EmailPolicy):
    """Leaves the Message-ID on the line of its name: some programs do not look for it below."""

    def fold(self, name: str, value: str) -> str:
        """Fold every other header as usual."""
        if name == "Message-ID":
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: str) -> bytes:
        """The same for bytes."""
        if name == "Message-ID":
            return self.fold(name, value).encode("ascii")
        folded: bytes = super().fold_binary(name, value)
        return folded


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Render and send; ``payload`` is ``{to, locale, parameters, attach: {invoice}|absent}``.

    Without ``SMTP_URL`` the mail becomes a file under ``mail/`` in the state directory. Raises
    ``Permanent`` when this mail can never be delivered, ``Transient`` when it may be later.
    """
    payload = effect.payload
    if "to" not in payload:
        raise Overtaken("the personal data of the account were erased: nobody can be written to")
    attached = _attached(runtime, payload)
    mail = render(
        effect.target,
        payload["locale"],
        payload["parameters"],
        runtime.catalogue.seller,
        number=attached[0].removesuffix(".pdf") if attached else None,
        titles={spec.name: spec.title for spec in specs(runtime.settings.environ)},
        url=runtime.settings.app_url,
    )
    recipient = _recipient(payload["to"])
    message = _message(effect, runtime.catalogue.seller, recipient, mail, attached)
    return _post(runtime, effect, message, recipient)


def attachment(runtime: Runtime, invoice_id: int) -> Attachment:
    """The file name and the PDF of an invoice or credit note, as it is kept.

    Raises ``NotYet`` while it has no number.
    """
    number, pdf = printed(runtime, invoice_id)
    return f"{number}.pdf", pdf


def _attached(runtime: Runtime, payload: dict[str, Any]) -> Attachment | None:
    attach = payload.get("attach")
    return attachment(runtime, attach["invoice"]) if attach else None


def _recipient(to: str) -> Address:
    """The address, its domain as DNS knows it. Raises ``Permanent`` without repeating it."""
    local, _, domain = to.strip().rpartition("@")
    try:
        address = Address(username=local, domain=domain.encode("idna").decode())
    except (HeaderParseError, ValueError) as error:
        raise Permanent(NO_ADDRESS) from error
    if not local or not domain:
        raise Permanent(NO_ADDRESS)
    return address


def _message(
    effect: Effect, seller: Seller, to: Address, mail: Mail, attached: Attachment | None
) -> EmailMessage:
    message = EmailMessage(policy=UnfoldedId(linesep="\r\n"))
    message["Subject"] = mail.subject
    message["From"] = Address(display_name=seller.name, addr_spec=seller.email)
    message["To"] = to
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = message_id(effect, seller)
    # No holiday notice answers a machine (RFC 3834); the other header tells Exchange.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    # Seven bits get through every server, and no line grows longer than mail allows.
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    if attached is not None:
        name, content = attached
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    # Last: what is set earlier goes down into the parts.
    message["Content-Language"] = mail.locale
    return message


def message_id(effect: Effect, seller: Seller) -> str:
    """The same for every try, so that a mail sent twice is known as one."""
    return f"<{effect.key}@{seller.email.rpartition('@')[2]}>"


def _post(runtime: Runtime, effect: Effect, message: EmailMessage, to: Address) -> dict[str, Any]:
    seller = runtime.catalogue.seller
    result = {"message_id": message_id(effect, seller)}
    if runtime.settings.smtp_url is not None:
        server = postman.server(runtime.settings.smtp_url)
        postman.send(server, message, seller.email, to.addr_spec)
        return {**result, "via": server.host}
    # Named by when it was wanted: another try makes the same name.
    name = f"{effect.created_at:%Y-%m-%dT%H%M%SZ}-{effect.target}-{effect.key}.eml"
    is_new = postman.file(runtime.settings.state_dir / "mail", name, message.as_bytes())
    return {**result, "via": "file", "file": name, "repeated": not is_new}

"""Settings from the environment, read once and typed; a mistake names the variable and stops.

A provider's own settings are read by the provider (``webhooks/providers``); here stands what the
rest of the process needs. ``.env`` in the working directory is read when present; the real
environment wins over it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from domain import keeping, keyring
from domain.errors import Misconfigured
from domain.keeping import Keeping
from domain.keyring import KeyRing

KNOWN: Final = frozenset(
    {
        "BILLHOOK_STATE_DIR",
        "BILLHOOK_CATALOGUE",
        "BILLHOOK_SANDBOX",
        "BILLHOOK_SECRET_KEY",
        keyring.SETTING,
        "BILLHOOK_APP_URL",
        "BILLHOOK_APP_WEBHOOK_URL",
        "BILLHOOK_APP_WEBHOOK_SECRET",
        "BILLHOOK_ALERT_WEBHOOK_URL",
        "BILLHOOK_ALERT_WEBHOOK_SECRET",
        "BILLHOOK_DOCS_URL",
        "BILLHOOK_NOW",
        "BILLHOOK_PROVIDERS",
        "BILLHOOK_LOG_FORMAT",
        "BILLHOOK_LOG_LEVEL",
        "BILLHOOK_WORKER_NICE",
        "BILLHOOK_WORKER_THREADS",
        "BILLHOOK_METRICS_PORT",
        "BILLHOOK_PUBLIC_URL",
        *keeping.VARIABLES,
    }
)
VIES: Final = "https://ec.europa.eu/taxation_customs/vies/rest-api/check-vat-number"
FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
_NEVER_IN_URLS: Final = frozenset(' \t"<>')
REFERENCE_RATES: Final = "https://www.ecb.europa.eu/stats/eurofxref"
KEPT_DATA_KEYS: Final = "data_keys"
"""The file in the state directory in which the embedded form keeps its master key."""
QUEUE_SCHEMES: Final = ("redis", "rediss", "redis+sentinel")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the process was told, except what belongs to one provider."""

    database_url: str = "sqlite:///var/billhook.db"
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    state_dir: Path = Path("var")
    catalogue: Path | None = None
    sandbox: str | None = None
    secret_key: str | None = None
    data_keys: str | None = None
    """The master keys as they were given; ``ring`` reads them."""
    app_url: str | None = None
    app_webhook_url: str | None = None
    app_webhook_secret: str | None = None
    smtp_url: str | None = None
    alert_urls: tuple[str, ...] = ()
    alert_webhook_url: str | None = None
    alert_webhook_secret: str | None = None
    docs_url: str = "docs"
    """Where the documentation can be read: what an alert's runbook link begins with."""
    now: datetime | None = None
    log_format: str = "auto"
    log_level: str = "info"
    worker_threads: int = 8
    worker_nice: int = 5
    """By how much a worker lowers its priority, so that web's answers do not wait behind it."""
    metrics_port: int = 0
    """Where a worker or a clock serves its figures; 0: nowhere."""
    public_url: str | None = None
    vies_url: str | None = None
    keeping: Keeping = Keeping()
    environ: dict[str, str] = {}
    """The environment that the providers read their own settings from."""

    @property
    def vat_register(self) -> str:
        """Where VAT numbers are asked about: as told, else the sandbox's, else the real VIES."""
        played = f"{self.sandbox}/vies/check-vat-number" if self.sandbox else VIES
        return self.vies_url or played

    @property
    def exchange_rates(self) -> str:
        """Below which address the European Central Bank's rates are, or the sandbox's."""
        return f"{self.sandbox}/ecb" if self.sandbox else REFERENCE_RATES

    @property
    def ring(self) -> KeyRing | None:
        """The master keys of personal data; None when there are none. Raises ``Misconfigured``."""
        return keyring.parse(self.data_keys) if self.data_keys else None

    def secrets(self) -> tuple[str, ...]:
        """Values that must appear in no log, error or metric."""
        signing = (self.secret_key, self.app_webhook_secret, self.alert_webhook_secret)
        sealing = (each.partition(":")[2] for each in _list(self.data_keys or ""))
        return tuple(filter(None, (*signing, *sealing, self.smtp_url, *self.alert_urls)))


def read(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read the settings. Raises ``Misconfigured`` naming the variable, the rule and the way out."""
    kept, given = _dotenv(dotenv), os.environ if environ is None else environ
    if FIGURES in kept and FIGURES not in given:
        # The library reads it when it is loaded, long before this: it would be without effect.
        raise Misconfigured(f"{FIGURES} must be set in the environment itself, not in {dotenv}")
    merged = {**kept, **given}
    values = {name: value.strip() for name, value in merged.items() if value.strip()}
    _refuse_unknown(values)
    _require_pairs(values)
    state_dir = Path(values.get("BILLHOOK_STATE_DIR", "var"))
    return Settings(
        database_url=_database_url(values, state_dir),
        redis_url=_queue_url(values),
        host=values.get("HOST", "127.0.0.1"),
        port=_number(values, "PORT", 8000, 0, 65535),
        state_dir=state_dir,
        catalogue=Path(values["BILLHOOK_CATALOGUE"]) if "BILLHOOK_CATALOGUE" in values else None,
        sandbox=_http_url(values, "BILLHOOK_SANDBOX"),
        secret_key=_secret_key(values),
        data_keys=_data_keys(values, state_dir),
        app_url=_http_url(values, "BILLHOOK_APP_URL"),
        app_webhook_url=_http_url(values, "BILLHOOK_APP_WEBHOOK_URL"),
        app_webhook_secret=values.get("BILLHOOK_APP_WEBHOOK_SECRET"),
        smtp_url=values.get("SMTP_URL"),
        alert_urls=_list(values.get("ALERT_URLS", "")),
        alert_webhook_url=_http_url(values, "BILLHOOK_ALERT_WEBHOOK_URL"),
        alert_webhook_secret=values.get("BILLHOOK_ALERT_WEBHOOK_SECRET"),
        docs_url=_http_url(values, "BILLHOOK_DOCS_URL") or "docs",
        now=_instant(values, "BILLHOOK_NOW"),
        log_format=_choice(values, "BILLHOOK_LOG_FORMAT", ("auto", "json", "console")),
        log_level=_choice(values, "BILLHOOK_LOG_LEVEL", ("info", "debug", "warning", "error")),
        worker_nice=_number(values, "BILLHOOK_WORKER_NICE", 5, 0, 19),
        worker_threads=_number(values, "BILLHOOK_WORKER_THREADS", 8, 1, 64),
        metrics_port=_number(values, "BILLHOOK_METRICS_PORT", 0, 0, 65535),
        public_url=_http_url(values, "BILLHOOK_PUBLIC_URL"),
        vies_url=_http_url(values, "VIES_URL"),
        keeping=keeping.read(values),
        environ=dict(merged),
    )


def _dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    pairs: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator or not name.strip().isidentifier():
            raise Misconfigured(f"{path}, line {number}: expected NAME=value")
        pairs[name.strip()] = _unquoted(value.strip())
    return pairs


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _refuse_unknown(values: Mapping[str, str]) -> None:
    for name in values:
        if name.startswith("BILLHOOK_") and name not in KNOWN and "_TEST_" not in name:
            near = difflib.get_close_matches(name, KNOWN, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Misconfigured(f"{name} is not a setting of Billhook{hint}")


def _require_pairs(values: Mapping[str, str]) -> None:
    for who, what in (("APP", "the app is told of changes"), ("ALERT", "alerts are told")):
        url, secret = f"BILLHOOK_{who}_WEBHOOK_URL", f"BILLHOOK_{who}_WEBHOOK_SECRET"
        for given, missing in ((url, secret), (secret, url)):
            if given in values and missing not in values:
                raise Misconfigured(
                    f"{given} is set and {missing} is not: {what} by signed webhooks, which need "
                    "both"
                )


def _database_url(values: Mapping[str, str], state_dir: Path) -> str:
    url = values.get("DATABASE_URL")
    if url is None:
        return f"sqlite:///{state_dir / 'billhook.db'}"
    # What most hosts hand out; the driver is psycopg 3.
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _queue_url(values: Mapping[str, str]) -> str | None:
    url = values.get("REDIS_URL")
    if url is not None and urlsplit(url).scheme not in QUEUE_SCHEMES:
        raise Misconfigured(f"REDIS_URL must begin with {', '.join(QUEUE_SCHEMES)}://")
    return url


def _secret_key(values: Mapping[str, str]) -> str | None:
    key = values.get("BILLHOOK_SECRET_KEY")
    if key is not None and len(key) < 32:
        raise Misconfigured("BILLHOOK_SECRET_KEY is too short: use 32 random characters or more")
    return key


def _data_keys(values: Mapping[str, str], state_dir: Path) -> str | None:
    """What is set, or what ``billhook up`` made there: its data need it, whatever runs on them."""
    kept = state_dir / KEPT_DATA_KEYS
    given = values.get(keyring.SETTING)
    if given is None and kept.is_file():
        given = kept.read_text(encoding="utf-8").strip()
    if given is not None:
        keyring.parse(given)
    return given


def _http_url(values: Mapping[str, str], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
        raise Misconfigured(f"{name} must be an http:// or https:// URL")
    if set(value) & _NEVER_IN_URLS:
        raise Misconfigured(f"{name} must be a URL without spaces, quotes and angle brackets")
    return value.rstrip("/")


def _number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise Misconfigured(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _choice(values: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, allowed[0]).lower()
    if value not in allowed:
        raise Misconfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def _instant(values: Mapping[str, str], name: str) -> datetime | None:
    text = values.get(name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(f"{name} must be an ISO 8601 instant, not {text!r}") from error
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _list(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))

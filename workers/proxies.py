"""Keeps what is called on this host away from the proxy that the environment names."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

THIS_HOST: Final = ("localhost", "127.0.0.1", "::1")
PROXIES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy"})
EXCEPTIONS: Final = ("no_proxy", "NO_PROXY")


def spare_this_host(environ: MutableMapping[str, str] = os.environ) -> None:
    """Where a proxy is named, add this host to the exceptions.

    The providers' libraries would ask the proxy for the sandbox otherwise, as requests does.
    """
    if not any(name.lower() in PROXIES and value for name, value in environ.items()):
        return
    given = next((environ[name] for name in EXCEPTIONS if environ.get(name)), "")
    listed = [each.strip() for each in given.split(",") if each.strip()]
    missing = [] if "*" in listed else [name for name in THIS_HOST if name not in listed]
    for name in EXCEPTIONS:
        environ[name] = ",".join((*listed, *missing))

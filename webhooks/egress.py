"""Calls that leave this host: straight, or through the proxy that the environment names.

Many networks let nothing out but through a proxy, which ``HTTPS_PROXY``, ``HTTP_PROXY`` and
``NO_PROXY`` name as everywhere (upper or lower case). The providers' libraries follow them by
themselves; what is called with urllib3 does it here. Addresses of this host are never asked of a
proxy: the sandbox listens there (``workers/proxies.py`` tells the libraries so).
"""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import make_headers


def proxy_for(url: str) -> str | None:
    """The URL of the proxy that a call of ``url`` goes through; None when it goes straight."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_this_host(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def open_pool(url: str, **options: Any) -> urllib3.PoolManager:
    """A new pool of connections for ``url``, with urllib3's ``options``; the caller closes it."""
    return _opened(proxy_for(url), **options)


def shared_pool(url: str) -> urllib3.PoolManager:
    """The process's pool for ``url``: connections stay open, and nothing is tried twice."""
    return _shared(proxy_for(url))


@cache
def _shared(proxy: str | None) -> urllib3.PoolManager:
    return _opened(proxy, retries=False)


def _opened(proxy: str | None, **options: Any) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(**options)
    who = urlsplit(proxy)
    headers = None
    if who.username is not None:
        pair = f"{unquote(who.username)}:{unquote(who.password or '')}"
        headers = make_headers(proxy_basic_auth=pair)
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def _is_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

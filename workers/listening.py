"""Sockets that processes listen on, opened before anything else so that a taken port is told."""

from __future__ import annotations

import socket

from domain.errors import Misconfigured


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Open a listening socket. Raises ``Misconfigured`` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"{setting}: cannot listen on {host}:{port} ({error.strerror}); "
            "stop what runs there or choose another port"
        ) from error
    return listener

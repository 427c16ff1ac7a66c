"""Who answers where."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def reaches(host: str, url: str) -> bool:
    """Tell whether a host of this machine takes connections at the port of an address."""
    try:
        socket.create_connection((host, urlsplit(url).port or 0), timeout=30).close()
    except OSError:
        return False
    return True

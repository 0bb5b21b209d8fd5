"""Put on PYTHONPATH, this keeps a Python process and its children from the network.

Whatever reaches for an address that is not this machine's own is refused, and noted in the file
that SWAPDECK_TEST_NETWORK names, so that an attempt which is hushed up is seen as well. What a
native library does by itself is not seen here; a test without any network covers that.
"""

import os
import sys


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host is None or not isinstance(host, str):
        return host is None
    return host in ("", "localhost", "::1", "0.0.0.0") or host.startswith("127.")


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    host: object = None
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if not isinstance(address, tuple):  # not the internet's: a path, a kernel's number
            return
        host = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if _is_here(host):
        return
    if path := os.environ.get("SWAPDECK_TEST_NETWORK"):
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - imports as little as it can
            file.write(f"{event} {arguments!r:.300}\n")
    raise PermissionError(f"this test has no network: {event} {host}")


sys.addaudithook(_refuse)

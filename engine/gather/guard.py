"""Keeps what strangers wrote (links, redirects, names in DNS) away from this machine's network.

Everything in engine.gather that opens a connection does so inside `guarded`, which looks at the
address that a socket really connects to. What a name meant when somebody looked it up before, and
where a redirect says it leads, does not count, so a name that changes its address gains nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine.gather.addresses import is_address, is_forbidden, is_public
from projects.errors import SwapdeckError
from projects.names import printable

if TYPE_CHECKING:
    from requests import Session

SHOWN: Final = 120  # characters of a link in a sentence


class LinkError(SwapdeckError):
    """A link that is refused, or that gives nothing; the text says what to do."""


class PrivateAddressError(OSError):
    """A connection into this machine's own network; an OSError, so that libraries let it pass."""


def check_link(link: str, *, allow_private: bool) -> str:
    """`link` without outer white space, when it may be opened as far as its text tells.

    Raises LinkError for another scheme than http and https, no host, or a private address. Where a
    name leads is found out when it is connected to.
    """
    link = link.strip()
    try:
        parts = urlsplit(link)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise LinkError(f"{shown(link)} is not a valid link ({error}). Check it.") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise LinkError(
            f"{shown(link)} is refused: only http and https links are opened, not "
            f"{printable(parts.scheme)[:20] or 'others'}."
        )
    if not host or port == 0:
        raise LinkError(f"{shown(link)} is not a valid link: it names no host. Check it.")
    if is_address(host) and is_forbidden(host):
        raise LinkError(forbidden_sentence(link))
    if not allow_private and (_is_local_name(host) or (is_address(host) and not is_public(host))):
        raise LinkError(private_sentence(link))
    return link


def forbidden_sentence(link: str) -> str:
    """Why a link is not opened even with --allow-private."""
    return f"{shown(link)} is refused: it leads to an address that no web server should have."


def private_sentence(link: str) -> str:
    """Why a link into a private network is not opened."""
    return (
        f"{shown(link)} is refused: it leads to this machine or a private network. If that is "
        "meant, say --allow-private."
    )


def shown(link: str) -> str:
    """A link as it is shown and recorded: without a password, on one line, not endless."""
    try:
        parts = urlsplit(link)
        if "@" in parts.netloc:
            link = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        pass
    text = printable(link)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


class Guard:
    """What `guarded` gives: whether private addresses are allowed, and a way to hang up."""

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private
        self._proxies = _proxy_endpoints()
        self._open: dict[int, int] = {}  # file descriptor: inode of its socket

    def check_link(self, link: str) -> str:
        """See the function of the same name."""
        return check_link(link, allow_private=self.allow_private)

    def check_host(self, link: str) -> None:
        """Raise LinkError when any address that the link's host has now is private.

        For libraries that open their connections themselves, beside Python's sockets.
        """
        parts = urlsplit(self.check_link(link))
        if self._proxies:
            return
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise LinkError(unreachable(link, error)) from error
        addresses = [str(entry[4][0]) for entry in found]
        if any(is_forbidden(address) for address in addresses):
            raise LinkError(forbidden_sentence(link))
        if not self.allow_private and not all(map(is_public, addresses)):
            raise LinkError(private_sentence(link))

    def check_address(self, address: Any) -> None:
        """Raise PrivateAddressError when a socket must not connect to `address`."""
        host, port = str(address[0]), int(address[1])
        if (host, port) in self._proxies or is_public(host):
            return
        if self.allow_private and not is_forbidden(host):
            return
        raise PrivateAddressError(f"{printable(host)} is not a public address")

    def watch_session(self, session: Session) -> None:
        """Check every link that a requests session opens, also those that redirects lead to."""
        for adapter in session.adapters.values():
            adapter.send = _checking(self, adapter.send)  # type: ignore[method-assign]

    @contextlib.contextmanager
    def hurry(self, seconds: float) -> Iterator[None]:
        """Hang up when the body takes longer, and raise TimeoutError: a server that drips a byte
        now and then is never silent long enough for a socket's own timeout."""
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            self.hang_up()

        timer = threading.Timer(seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if late.is_set():  # what was read may look whole and is not
            raise TimeoutError("timed out")

    def hang_up(self) -> None:
        """End every connection; whoever reads from one gets an error or the end."""
        # TLS takes a socket's descriptor over into another object, so the descriptors are kept.
        for descriptor, inode in list(self._open.items()):
            with contextlib.suppress(OSError):
                if os.fstat(descriptor).st_ino == inode:
                    one = socket.socket(fileno=descriptor)
                    try:
                        one.shutdown(socket.SHUT_RDWR)
                    finally:
                        one.detach()
        self._open.clear()

    def opened(self, one: socket.socket) -> None:
        """Remember a connection, to hang up."""
        self._open[one.fileno()] = os.fstat(one.fileno()).st_ino


@contextlib.contextmanager
def guarded(allow_private: bool) -> Iterator[Guard]:
    """Let this process's sockets connect to public addresses only, unless `allow_private`.

    The proxies that the environment names (http_proxy, …) may be connected to; what lies behind
    one is then the proxy's decision. Not for two threads at a time.
    """
    guard = Guard(allow_private)
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(one: socket.socket, address: Any) -> None:
        connect(one, _looked_up(guard, one, address))

    def checked_ex(one: socket.socket, address: Any) -> int:
        return connect_ex(one, _looked_up(guard, one, address))

    socket.socket.connect = checked  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = checked_ex  # type: ignore[method-assign, assignment]
    try:
        yield guard
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]


def refusal(error: BaseException) -> SwapdeckError | PrivateAddressError | None:
    """The error of this module, or another that is a sentence, that a library wrapped in its own
    ones."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, SwapdeckError | PrivateAddressError):
            return one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None)]
        waiting += [getattr(one, "cause", None), *one.args]
        for several in ("unexpected_errors", "exc_info"):  # yt-dlp's ways to wrap
            waiting += getattr(one, several, None) or ()
    return None


def unreachable(link: str, error: BaseException) -> str:
    """Why a host cannot be reached, without a library's words around it."""
    host = printable(urlsplit(link).hostname or link)
    text = str(error).lower()
    if isinstance(error, socket.gaierror) or "resolve" in text or "dns" in text:
        return (
            f"{host} is not known to the name service. Check the link, and that this machine is "
            "on the internet."
        )
    if "certificate" in text:
        return f"{host} could not prove who it is (its certificate is not valid)."
    if "timed out" in text or "timeout" in text:
        return f"{host} does not answer. Try again later, or give it more time with --timeout."
    if "refused" in text:
        return f"{host} refuses connections. Check the link, or try again later."
    if "unreachable" in text or "no route" in text:
        return f"{host} cannot be reached. Check that this machine is on the internet."
    return f"The connection to {host} broke off. Try again; what was fetched is kept."


def _looked_up(guard: Guard, one: socket.socket, address: Any) -> Any:
    """The numeric address to connect to, checked."""
    if one.family not in (socket.AF_INET, socket.AF_INET6):
        return address
    if not is_address(str(address[0])):
        entries = socket.getaddrinfo(address[0], address[1], one.family, socket.SOCK_STREAM)
        address = entries[0][4]
    guard.check_address(address)
    guard.opened(one)
    return address


def _checking(guard: Guard, send: Callable[..., Any]) -> Callable[..., Any]:
    def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
        guard.check_link(request.url)
        return send(request, *args, **kwargs)

    return checked


def _is_local_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith((".localhost", ".local", ".internal"))


def _proxy_endpoints() -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for scheme, proxy in urllib.request.getproxies().items():
        if scheme == "no":
            continue
        with contextlib.suppress(ValueError, OSError):
            parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            port = parts.port or {"https": 443, "socks5": 1080}.get(parts.scheme, 80)
            for entry in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM):
                found.add((str(entry[4][0]), port))
    return found

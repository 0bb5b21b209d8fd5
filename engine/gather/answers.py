"""Asking a web server, and what its answer says: redirects, refusals, sizes, names, lies."""

from __future__ import annotations

import os
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urljoin, urlsplit

from engine.gather.guard import (
    Guard,
    LinkError,
    PrivateAddressError,
    private_sentence,
    refusal,
    shown,
    unreachable,
)
from projects.errors import SwapdeckError
from projects.names import printable

if TYPE_CHECKING:
    from requests import Response, Session

AGENT: Final = "Mozilla/5.0 (compatible; swapdeck)"
REDIRECTS: Final = 10
HEAD: Final = 1024  # bytes that tell what a body is
_AGAIN: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
_FINAL: Final = ("resolve", "refused", "certificate", "unreachable", "no route")
_REASONS: Final = {
    401: "wants a login",
    403: "does not give access to it (it may want a login or a browser)",
    404: "has no such page or file",
    410: "has it no more",
    451: "may not show it for legal reasons",
}
_SECRETS: Final = ("cookie", "authorization")
_AUTHORITIES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_LISTS: Final = ("mpegurl", "dash+xml")


class AgainError(Exception):
    """This attempt did not finish, and another may, `after` seconds where the server says so."""

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.after = after


def new_session(guard: Guard) -> Session:
    """A session that opens only what the guard lets pass, and knows no passwords."""
    import requests

    session = requests.Session()
    session.trust_env = False  # nothing out of ~/.netrc to whoever asks
    session.verify = next((os.environ[n] for n in _AUTHORITIES if os.environ.get(n)), True)
    guard.watch_session(session)
    return session


def ask(
    link: str, session: Session, guard: Guard, timeout: float, headers: dict[str, str]
) -> Response:
    """The answer to a GET after redirects, its body not yet read.

    Raises LinkError when a link on the way is refused, AgainError when the connection fails.
    """
    import requests
    from requests.utils import get_environ_proxies

    here = guard.check_link(link)
    base = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    for _ in range(REDIRECTS + 1):
        try:
            with guard.hurry(timeout * 2):
                response = session.get(
                    here,
                    headers=base | headers,
                    timeout=timeout,
                    stream=True,
                    allow_redirects=False,
                    proxies=dict(get_environ_proxies(here)),
                )
        except (requests.RequestException, OSError, ValueError) as error:
            raise connection_error(here, error) from error
        target = response.headers.get("Location")
        if response.status_code not in (301, 302, 303, 307, 308) or not target:
            return response
        response.close()
        try:
            before, here = here, guard.check_link(urljoin(here, target))
            if urlsplit(before).netloc != urlsplit(here).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() not in _SECRETS}
        except (LinkError, ValueError) as error:
            raise LinkError(f"{shown(link)} leads elsewhere: {error}") from error
    raise LinkError(f"{shown(link)} leads from one address to the next without end.")


def connection_error(link: str, error: Exception) -> Exception:
    """What to raise for a library's error: LinkError where asking again changes nothing."""
    cause = refusal(error)
    if isinstance(cause, PrivateAddressError):
        return LinkError(private_sentence(link))
    if isinstance(cause, SwapdeckError):
        return cause
    sentence = unreachable(link, error)
    if any(word in str(error).lower() for word in _FINAL):
        return LinkError(sentence)
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return LinkError(f"{shown(link)} is not a valid link. Check it.")
    return AgainError(sentence)


def accept(link: str, response: Response, start: int) -> int:
    """Where in the file the body begins: `start`, as asked, or 0 where all of it is sent.

    Raises LinkError for a refusal or a compressed body, AgainError for what may pass.
    """
    code = response.status_code
    if code == 206 and start > 0:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise ChangedError(f"{shown(link)} answers with another part than was asked for.")
    elif code == 416 and start > 0:  # the file has become shorter
        raise ChangedError(changed(link))
    elif code == 200:
        start = 0
    else:
        host = printable(urlsplit(link).hostname or "")
        failed = f"{shown(link)} could not be fetched: {host}"
        if code in _AGAIN:
            after = response.headers.get("Retry-After", "")
            raise AgainError(
                f"{failed} answers {code} again and again. Try again later.",
                float(after) if after.isascii() and after.isdigit() else None,
            )
        raise LinkError(f"{failed} {_REASONS.get(code, 'does not give it')} ({code}).")
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise LinkError(
            f"{shown(link)} is sent compressed ({printable(encoding)[:20]}) although that was "
            "declined: pictures and videos are not unpacked, because little could fill the disk."
        )
    return start


class ChangedError(AgainError):
    """What was fetched before is of no use any more."""


def changed(link: str) -> str:
    """That a file is another one than before."""
    return f"{shown(link)} changes while it is being downloaded. Try again later."


def total_size(response: Response, start: int) -> int | None:
    """The whole file's bytes, where the server says so."""
    if start > 0:
        text = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def validator(response: Response) -> str:
    """What If-Range takes to tell whether the file is still the same; "" where there is none."""
    tag = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified", "") if tag[:2] in ("", "W/") else tag


def file_name(response: Response) -> str:
    """The file's name as its server or its link has it, fit to be shown; never used as a path."""
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    parts = urlsplit(str(response.url))
    given = header.get_filename() or unquote(parts.path)
    last = printable(given.replace("\\", "/").rstrip("/").rpartition("/")[2])
    return last[:200] or printable(parts.hostname or "download")


def is_page(link: str, start_of_body: Path, response: Response) -> bool:
    """Whether a body is a page, or a list of streams, in which a video may be; False for media.

    Raises LinkError for any other text.
    """
    with start_of_body.open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head or not _is_text(head):
        return False
    said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_list = text.startswith((b"#extm3u", b"<mpd")) or any(word in said for word in _LISTS)
    looks_like_page = text.startswith((b"<!doctype html", b"<html"))
    if said.startswith(("video/", "image/")) and not is_list:
        what = "a web page" if looks_like_page else "text"
        raise LinkError(f"{shown(link)} says it is {printable(said)[:40]}, but holds {what}.")
    if is_list or looks_like_page or "html" in said:
        return True
    raise LinkError(f"{shown(link)} holds text: no picture, no video and no web page.")


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # cut in the middle of a character
    return True

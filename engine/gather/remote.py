"""A file on a web server, read where it is needed: for a part of a video without all the rest."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from engine.gather.answers import (
    HEAD,
    AgainError,
    ask,
    connection_error,
    file_name,
    is_page,
    new_session,
    total_size,
)
from engine.gather.fetch import progress, too_large
from engine.gather.guard import Guard, LinkError
from engine.gather.settings import GatherSettings
from engine.media import MediaError
from engine.media.cut import Cut, PastEndError, copy_part
from engine.reporting import Reporter

if TYPE_CHECKING:
    from requests import Response

REQUESTS: Final = 200  # after which a file is too scattered to be read in parts
_PASSED: Final = 1 << 19  # bytes that are read and dropped rather than asked for anew behind them
_CHUNK: Final = 1 << 16
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*")


class NoPartsError(Exception):
    """The server, or the file, does not lend itself to being read in parts: fetch it whole."""


class RemoteFile(io.RawIOBase):
    """Reads like an open file; each jump is a request for the bytes from there on.

    What it raises, beside NoPartsError: LinkError when more than the allowed bytes have been read,
    and StopRequested.
    """

    def __init__(
        self,
        link: str,
        headers: Mapping[str, str],
        guard: Guard,
        settings: GatherSettings,
        reporter: Reporter,
    ) -> None:
        self._link, self._headers = link, dict(headers)
        self._guard, self._settings, self._reporter = guard, settings, reporter
        self._session = new_session(guard)
        self._response: Response | None = None
        self._at = self._place = 0  # where the answer goes on, and where is to be read
        self._requests = self.fetched = 0
        self.size = 0
        self.name = ""
        self._open(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as are there at once; none at the end."""
        self._reporter.check()
        if self._place >= self.size:
            return b""
        if self._response is None or not 0 <= self._place - self._at <= _PASSED:
            self._open(self._place)
        while self._at < self._place:
            self._receive(min(_CHUNK, self._place - self._at))
        data = self._receive(_CHUNK if size < 0 else size)
        self._place += len(data)
        return data

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        self._session.close()
        super().close()

    def head(self, folder: Path) -> None:
        """Raise NoPartsError unless the file may be a video, as far as its first bytes tell."""
        start = folder / "head"
        start.write_bytes(self.read(HEAD))
        self.seek(0)
        try:
            if self._response is None or is_page(self._link, start, self._response):
                raise NoPartsError
            begin = start.read_bytes()
            if begin.startswith(_PICTURES) or begin[8:12] == b"WEBP":
                raise NoPartsError
        finally:
            start.unlink()

    def _open(self, place: int) -> None:
        self._requests += 1
        if self._requests > REQUESTS:
            raise NoPartsError
        if self._response is not None:
            self._response.close()
        headers = self._headers | {"Range": f"bytes={place}-"}
        answer = ask(self._link, self._session, self._guard, self._settings.timeout, headers)
        self._response, self._at = answer, place
        size = total_size(answer, max(place, 1))
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {place}-")
        encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
        if answer.status_code != 206 or not begins or size is None or encoded:
            raise NoPartsError
        if self.size not in (0, size):
            raise NoPartsError
        self.size, self.name = size, file_name(answer)

    def _receive(self, size: int) -> bytes:
        from urllib3.exceptions import HTTPError

        if self._response is None:
            raise NoPartsError
        try:
            with self._guard.hurry(self._settings.patience):
                data: bytes = self._response.raw.read1(size)
        except (HTTPError, OSError, ValueError) as error:
            raise connection_error(self._link, error) from error
        if not data:
            raise NoPartsError
        self._at += len(data)
        self.fetched += len(data)
        if self.fetched > self._settings.max_size:
            raise LinkError(too_large(self._link, self._settings))
        progress(self._reporter, f"a part of {self.name[:50]}", self.fetched, None, None, None)
        return data


def copy_remote_part(
    links: Sequence[tuple[str, Mapping[str, str]]],
    place: Path,
    guard: Guard,
    settings: GatherSettings,
    reporter: Reporter,
) -> tuple[Cut, str] | None:
    """Copy the part that the settings ask for out of a video on a server, and the video's name.

    `links`: one file, or the picture's and the sound's, each with the headers to be sent. None
    where the server does not give parts, or the file is none that they make sense of.

    Raises:
        LinkError: refused, over before the part begins, or more would have to be read than is
            allowed.
        StopRequested: between two pieces.
    """
    with ExitStack() as stack:
        try:
            files: list[Any] = []
            for link, headers in links:
                one = RemoteFile(link, headers, guard, settings, reporter)
                files.append(stack.enter_context(closing(one)))
                one.head(place)
            cut = copy_part(
                cast(BinaryIO, files[0]),
                place / "part",
                sound=cast(BinaryIO, files[1]) if len(files) > 1 else None,
                start=settings.start,
                end=settings.end,
                check=reporter.check,
            )
        except PastEndError as error:
            raise LinkError(str(error)) from error
        except (NoPartsError, AgainError, MediaError):
            return None
        return cut, str(files[0].name)

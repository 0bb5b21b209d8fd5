"""One file by http or https: resumed where it broke off, and given up where it would not end."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.gather.answers import (
    HEAD,
    AgainError,
    ChangedError,
    accept,
    ask,
    changed,
    connection_error,
    file_name,
    is_page,
    new_session,
    total_size,
    validator,
)
from engine.gather.guard import Guard, LinkError, shown
from engine.gather.settings import GatherSettings
from engine.reporting import Reporter
from projects.errors import DamagedError, SwapdeckError
from projects.files import remove_tree, write_errors
from projects.names import printable
from projects.texts import read_json, write_json

if TYPE_CHECKING:
    from requests import Response, Session

VERSION: Final = 1
ATTEMPTS: Final = 50  # in all, however much each of them brought
_CHUNK: Final = 1 << 18
_OVERLAP: Final = 4096  # bytes fetched again on resuming, to see that it is the same file
_WORTH: Final = 1 << 16  # bytes after which a connection counts as progress
_LONGEST_WAIT: Final = 60.0  # seconds
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_SPARE: Final = 100_000_000  # bytes of disk that downloads leave free


@dataclass(frozen=True)
class Fetched:
    """A file that was downloaded whole; `name` is what its server calls it, fit to be shown."""

    path: Path
    name: str


class _UnfinishedError(LinkError):
    """Given up, but what came is worth keeping."""


def fetch(
    link: str, place: Path, guard: Guard, settings: GatherSettings, reporter: Reporter
) -> Fetched | None:
    """Download `link` into the folder `place`; None when it is a web page or a list of streams.

    What an earlier call left in `place` is gone on with where the server can, after its last bytes
    have been compared. Failed connections, 429 and 5xx are tried again, later each time.

    Raises:
        LinkError: refused, too large, too slow, or not there. What came is left for another try
            unless that cannot help.
        StopRequested: between two pieces.
    """
    download = _Download(link, place, guard, settings, reporter)
    misses = 0
    with closing(new_session(guard)) as session:
        for _ in range(ATTEMPTS):
            before = download.size()
            try:
                return download.attempt(session)
            except AgainError as again:
                misses = 0 if download.size() - before >= _WORTH else misses + 1
                if misses > settings.retries:
                    raise LinkError(str(again)) from again
                delay = settings.wait * 2 ** max(misses - 1, 0)
                wait(min(again.after or delay, _LONGEST_WAIT), reporter)
    raise LinkError(f"{shown(link)} broke off {ATTEMPTS} times. Try again later.")


def wait(seconds: float, reporter: Reporter) -> None:
    """Let time pass, and stop or pause meanwhile when that is asked."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        reporter.check()
        time.sleep(min(left, 0.1))


def progress(
    reporter: Reporter,
    name: str,
    done: int,
    total: int | None,
    rate: float | None,
    eta: float | None,
) -> None:
    """Report a download's bytes, and bytes a second, as megabytes."""
    reporter.event(
        "progress",
        stage="download",
        done=round(done / 1e6, 1),
        total=None if total is None else round(total / 1e6, 1),
        rate=None if rate is None else round(rate / 1e6, 2),
        eta=eta,
        text=f"MB of {name}",
    )


def too_large(link: str, settings: GatherSettings, total: int | None = None) -> str:
    """Why a download is given up that has, or will have, too many bytes."""
    has = "" if total is None else f" ({total / 1e6:.1f} MB)"
    return (
        f"{shown(link)} is larger{has} than the {settings.max_size / 1e6:.6g} MB that are allowed. "
        "Allow more with --max-size."
    )


def no_room(place: Path, missing: int) -> str:
    """A sentence when `missing` more bytes do not fit beside `place`, or ""."""
    free = shutil.disk_usage(place).free
    if missing + _SPARE <= free:
        return ""
    return (
        f"The disk of {place} has {free / 1e6:.0f} MB of room, and {missing / 1e6:.0f} MB more are "
        "to come. Free some space, then run the same command again: it goes on from there."
    )


def is_disk(error: SwapdeckError) -> bool:
    """Whether no other link will do better, because the disk is the trouble."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK


class _Download:
    """One link's file, on its way into a folder."""

    def __init__(
        self, link: str, place: Path, guard: Guard, settings: GatherSettings, reporter: Reporter
    ) -> None:
        self._link = link
        self._guard = guard
        self._settings = settings
        self._reporter = reporter
        self._part = place / "part"
        self._record = place / "record.json"

    def size(self) -> int:
        """The bytes that are there."""
        try:
            return self._part.stat().st_size
        except OSError:
            return 0

    def attempt(self, session: Session) -> Fetched | None:
        """Go on with the download by one request. Raises AgainError when another may help."""
        record = self._read_record()
        have = self.size() if record else 0
        start = max(0, have - _OVERLAP)
        try:
            headers = _range(start, record)
            with ask(self._link, session, self._guard, self._settings.timeout, headers) as response:
                start = accept(self._link, response, start)
                total = total_size(response, start)
                self._check_size(total, start)
                self._write_record(total, response)
                name = file_name(response)
                if self._receive(response, name, start, have, total):
                    self._forget()
                    return None
        except ChangedError:
            self._forget()
            raise
        except LinkError as error:
            if not isinstance(error, _UnfinishedError):
                self._forget()
            raise
        return Fetched(self._part, name)

    def _receive(
        self, response: Response, name: str, start: int, have: int, total: int | None
    ) -> bool:
        """Write the body; True, with no more read, when it turns out to be a page."""
        pieces = self._pieces(response)
        known = start > 0
        if known:
            pieces = self._after_overlap(pieces, start, have)
        began = time.monotonic()
        with write_errors(self._part), self._part.open("r+b" if start else "wb") as file:
            first = done = file.seek(0, os.SEEK_END)
            for piece in pieces:
                file.write(piece)
                done += len(piece)
                if done > self._settings.max_size:
                    raise LinkError(too_large(self._link, self._settings))
                if not known and done >= HEAD:
                    file.flush()
                    if is_page(self._link, self._part, response):
                        return True
                    known = True
                rate = (done - first) / max(time.monotonic() - began, 1e-3)
                eta = None if total is None or not rate else max(total - done, 0) / rate
                progress(self._reporter, printable(name)[:60], done, total, rate, eta)
        if done == 0:
            raise LinkError(f"{shown(self._link)} is empty.")
        if total is not None and done < total:
            raise AgainError(
                f"{shown(self._link)} broke off after {done / 1e6:.1f} of {total / 1e6:.1f} MB. "
                "Run the same command again: it goes on from there."
            )
        return not known and is_page(self._link, self._part, response)

    def _pieces(self, response: Response) -> Iterator[bytes]:
        """The body as it comes, down to the slowest speed that is borne."""
        from urllib3.exceptions import HTTPError

        settings = self._settings
        since, count = time.monotonic(), 0
        while True:
            asked = time.monotonic()
            self._reporter.check()
            since += time.monotonic() - asked  # a pause is not the server's fault
            try:
                piece: bytes = response.raw.read1(_CHUNK)
            except (HTTPError, OSError, ValueError) as error:
                raise connection_error(self._link, error) from error
            if not piece:
                return
            count += len(piece)
            yield piece
            passed = time.monotonic() - since
            if passed >= settings.patience:
                if count < settings.slowest * passed:
                    raise _UnfinishedError(
                        f"{shown(self._link)} comes too slowly ({count / passed:.0f} bytes a "
                        "second) and was given up. Run the same command again to go on."
                    )
                since, count = time.monotonic(), 0

    def _after_overlap(self, pieces: Iterator[bytes], start: int, have: int) -> Iterator[bytes]:
        """The pieces without their first bytes, which are there already and are compared."""
        with self._part.open("rb") as file:
            file.seek(start)
            expected = file.read(have - start)
        for piece in pieces:
            common = min(len(piece), len(expected))
            if piece[:common] != expected[:common]:
                raise ChangedError(changed(self._link))
            expected = expected[common:]
            if piece[common:]:
                yield piece[common:]

    def _check_size(self, total: int | None, start: int) -> None:
        if total is None:
            return
        if total > self._settings.max_size:
            raise LinkError(too_large(self._link, self._settings, total))
        missing = no_room(self._part.parent, total - start)
        if missing:
            raise _UnfinishedError(missing)

    def _write_record(self, total: int | None, response: Response) -> None:
        record = {"version": VERSION, "link": shown(self._link), "total": total}
        write_json(self._record, record | {"validator": validator(response)})

    def _read_record(self) -> dict[str, Any]:
        try:
            found = read_json(self._record)
        except DamagedError:
            return {}
        return found if isinstance(found, dict) and found.get("version") == VERSION else {}

    def _forget(self) -> None:
        for path in (self._part, self._record):
            remove_tree(path)


def _range(start: int, record: dict[str, Any]) -> dict[str, str]:
    if start == 0:
        return {}
    condition = str(record.get("validator") or "")
    return {"Range": f"bytes={start}-"} | ({"If-Range": condition} if condition else {})

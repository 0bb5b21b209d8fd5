"""One training a device: who has it, and who is next. A training may want several at once.

A folder of the user's, outside every workspace, holds a lock for each device and a ticket for each
job that waits for one. Both are held with flock, so that nothing is left behind by what was killed:

    STATE/swapdeck/devices-HOST/
        GPU-….lock           held by the supervisor and the worker that have it; who that is
        queue/TIME-PID       held by a supervisor that waits; which devices it would take

A device goes to the oldest ticket that would take it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from projects.devices import Device
from projects.files import write_errors
from projects.names import printable, slug

_MOST = 4096  # bytes of a record


def queue_folder() -> Path:
    """Where this user's locks and tickets for this machine's devices are."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    host = slug(os.uname().nodename or "this")
    return Path(state).expanduser() / "swapdeck" / f"devices-{host}"


class Place:
    """A place in the queue for any of some devices; use it in a `with` statement.

    `who` is told to those who wait: {"job": id, "what": "train ada-as-ben", "jobs": folder}.
    """

    def __init__(self, devices: Sequence[Device], who: Mapping[str, Any]) -> None:
        self._devices = devices
        self._who = who
        self._folder = queue_folder()
        self._ticket: Path | None = None
        self._held = -1

    def __enter__(self) -> Self:
        """Raises SwapdeckError when the queue's folder cannot be written."""
        queue = self._folder / "queue"
        with write_errors(queue):
            queue.mkdir(parents=True, exist_ok=True)
            name = f"{time.time_ns():020}-{os.getpid()}"
            hidden = queue / f".{name}-{secrets.token_hex(4)}"
            self._held = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)
            os.write(self._held, json.dumps([one.id for one in self._devices]).encode())
            self._ticket = queue / name
            hidden.rename(self._ticket)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ticket is not None:
            with contextlib.suppress(OSError):
                self._ticket.unlink()
        if self._held >= 0:
            os.close(self._held)

    def take(self, count: int = 1) -> list[tuple[Device, int]] | None:
        """So many devices that are free and that no older ticket would take, and the descriptors of
        their locks; they are ours until those are closed, also in a child that inherits them. None
        when there are not so many yet: of fewer none is kept.

        Raises:
            SwapdeckError: a lock cannot be written.
        """
        wanted = set(self._wanted_by_older())
        taken: list[tuple[Device, int]] = []
        try:
            for device in self._devices:
                if device.id in wanted or len(taken) == count:
                    continue
                if (descriptor := self._try(device)) is not None:
                    taken.append((device, descriptor))
            if len(taken) < count:
                return None
            found, taken = taken, []
        finally:
            for _, descriptor in taken:
                os.close(descriptor)
        record = json.dumps(dict(self._who)).encode()[:_MOST]
        for _, descriptor in found:
            with contextlib.suppress(OSError):  # a full disk: the lock counts, not what is in it
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, record, 0)
        return found

    def _try(self, device: Device) -> int | None:
        """The descriptor of a device's lock, which is held; None where somebody else holds it."""
        path = self._lock(device)
        with write_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
        return descriptor

    def sentence(self, count: int = 1) -> str:
        """What is waited for: so many of the devices, and who has them or is to have them first."""
        names = f"{' or '.join(device.name for device in self._devices)} is free"
        if count > 1:
            names = f"{count} of {', '.join(device.name for device in self._devices)} are free"
        holders = [words for device in self._devices if (words := self._holder(device))]
        if not holders:
            return f"It begins when {names}; another job is to have it first."
        return f"It begins when {names}; now it is used by {' and '.join(holders)}."

    def _holder(self, device: Device) -> str:
        try:
            descriptor = os.open(self._lock(device), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            if _is_free(descriptor):
                return ""
            record = json.loads(os.read(descriptor, _MOST))
            words = f"{printable(str(record['what']))} ({printable(str(record['job']))}"
            if record["jobs"] != self._who["jobs"]:
                words += f" in {printable(str(Path(record['jobs']).parent))}"
            return words + ")"
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        finally:
            os.close(descriptor)

    def _lock(self, device: Device) -> Path:
        return self._folder / f"{re.sub('[^A-Za-z0-9-]', '_', device.id)}.lock"

    def _wanted_by_older(self) -> Iterator[str]:
        if self._ticket is None:
            return
        for ticket in sorted((self._folder / "queue").iterdir()):
            if ticket.name.startswith(".") or ticket.name >= self._ticket.name:
                continue
            try:
                descriptor = os.open(ticket, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:  # it has just gone
                continue
            try:
                if _is_free(descriptor):
                    with contextlib.suppress(OSError):
                        ticket.unlink()  # whoever had it is gone
                else:
                    with contextlib.suppress(ValueError):
                        yield from json.loads(os.read(descriptor, _MOST))
            finally:
                os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

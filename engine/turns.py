"""A job's turn: what its supervisor waits for before it starts the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from projects.devices import Device, choose, environment_of, wanted_of
from projects.errors import SwapdeckError
from projects.files import inside
from projects.jobs import (
    EventLog,
    Job,
    Requests,
    load_job,
    record_processes,
    requested,
    state,
)
from projects.slots import Place

TRAINS = ("train", "demo", "find-rate", "pretrain")  # the verbs that want a device for themselves
PACE = 0.25  # seconds between two looks at what a job waits for
_HOW = {"failed": "failed", "stopped": "was stopped", "crashed": "crashed"}


class NotBegunError(SwapdeckError):
    """The job ends before it begins; `because` is the id of the job before it, when that is why."""

    def __init__(self, code: int, reason: str, because: str = "") -> None:
        super().__init__(reason)
        self.exit_code = code
        self.because = because


class Waiting:
    """Says what a job waits for, in its lock and once as an event, and answers what is asked of it
    meanwhile."""

    def __init__(
        self, job: Job, descriptor: int, told: list[int], started: Callable[[], None]
    ) -> None:
        """descriptor: of the job's lock. told: signals that ask the job to end, as they come.
        started: called once, when there is something to wait for, or the waiting is over."""
        self._job = job
        self._descriptor = descriptor
        self._told = told
        self._started = started
        self._said: str | None = None
        self._paused = False

    def over(self) -> None:
        """Nothing has to be waited for any more."""
        if self._said is None:
            self._said = ""
            self._started()

    def wait(self, text: str) -> None:
        """Wait a moment for what `text`, one sentence, says. Raises NotBegunError when the job was
        asked to end."""
        if text != self._said:
            self._event("waiting", text=text)
            with suppress(SwapdeckError):
                record_processes(self._job, self._descriptor, None, text)
            self.over()
            self._said = text
        self.is_paused()
        time.sleep(PACE)

    def is_paused(self) -> bool:
        """Whether the job was asked not to begin for now. Raises NotBegunError when it was asked to
        end."""
        asked = self._asked()
        if asked.kill:
            raise NotBegunError(137, "It was killed on request, before it began.")
        if asked.stop:
            self._event("request", what="stop", answered=True)
        if self._told or asked.stop:
            raise NotBegunError(130, "Stopped as asked, before it began.")
        if asked.pause != self._paused:
            self._paused = asked.pause
            self._event("request", what="pause" if asked.pause else "resume", answered=True)
        return asked.pause

    def _asked(self) -> Requests:
        try:
            return requested(self._job)
        except SwapdeckError:  # the worker will say that the file is damaged
            return Requests()

    def _event(self, kind: str, **fields: Any) -> None:
        with suppress(SwapdeckError):  # a full disk: it may have room when the turn comes
            EventLog(self._job).emit(kind, **fields)


def wait_for_job(job: Job, waiting: Waiting) -> None:
    """Wait until the job that this one is to follow is done.

    Raises NotBegunError when that one ends in another way, is gone, or this one is asked to end.
    """
    if not job.after:
        return
    gone = (
        f"It did not begin, because the job that it waited for, {job.after}, is not there any more."
    )
    while True:
        try:
            before = load_job(inside(job.root.parent, job.after))
        except SwapdeckError as error:
            raise NotBegunError(1, gone, job.after) from error
        now = state(before)
        what = f"{before.verb} {before.subject}"
        if now.name == "done":
            return
        if now.ended:
            code = 130 if now.name == "stopped" else 1
            reason = (
                f"It did not begin, because {what}, which it waited for, {_HOW[now.name]}. Go on "
                f"with both: swapdeck jobs retry {before.id}"
            )
            raise NotBegunError(code, reason, before.id)
        waiting.wait(f"It begins when {what} is done ({before.id}).")


def wait_while_paused(waiting: Waiting) -> None:
    """Wait while the job is asked not to begin; raises NotBegunError when it is asked to end."""
    while waiting.is_paused():
        waiting.wait("It is paused before it began. It begins when it is resumed.")


@dataclass(frozen=True)
class Turn:
    """What a worker gets: its devices, whether it has them alone, and the descriptors of those
    devices' locks, to be inherited."""

    devices: tuple[Device, ...] = ()
    alone: bool = False
    inherited: tuple[int, ...] = ()

    def added_to(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The worker's environment. Who does not have a GPU alone takes of its memory only what
        it needs, unless the user said otherwise."""
        modest = {} if self.alone else {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        return {**modest, **environment, **environment_of(self.devices)}


def wait_for_device(job: Job, arguments: Mapping[str, Any], waiting: Waiting) -> Turn:
    """Wait until a device is free, for a job that trains; the first that waits is the first to go.

    `arguments` may say which `device`, how many `devices`, and to `share` them with whoever has
    them. Raises NotBegunError when there are none such, or the job is asked to end.
    """
    if job.verb not in TRAINS:
        wait_while_paused(waiting)
        return Turn()
    try:
        devices = choose(str(arguments.get("device") or "auto"))
        count = wanted_of(devices, str(arguments.get("devices") or "1"))
    except SwapdeckError as error:
        raise NotBegunError(error.exit_code, str(error)) from error
    who = {"job": job.id, "what": f"{job.verb} {job.subject}", "jobs": str(job.root.parent)}
    while True:
        wait_while_paused(waiting)
        try:
            with Place(devices, who) as place:
                while not waiting.is_paused():  # who is paused keeps no place
                    if (taken := place.take(count)) is not None:
                        found, locks = zip(*taken, strict=True)
                        return Turn(found, alone=True, inherited=locks)
                    if arguments.get("share"):
                        return Turn(tuple(devices[:count]))
                    waiting.wait(place.sentence(count))
        except NotBegunError:
            raise
        except SwapdeckError as error:
            text = f"It does not wait for other trainings on {devices[0].name}: {error}"
            EventLog(job).emit("warning", text=text)
            return Turn(tuple(devices[:count]))

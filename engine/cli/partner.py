"""`swapdeck train` of the processes that help process 0: no job, but a process to watch over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Any

from engine.cli.session import Session
from engine.memory import with_large_pages
from projects.devices import choose, environment_of, wanted_of
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.slots import Place
from projects.together import LOST

if TYPE_CHECKING:
    from projects.devices import Device
    from projects.workspace import Workspace

PARTNER = (sys.executable, "-P", "-u", "-m", "engine.partner")


def help_train(session: Session, workspace: Workspace, arguments: Mapping[str, Any]) -> None:
    """Help process 0 until it ends the training.

    Raises:
        CommandError: there is no such device, or another training has it.
        SwapdeckError: the work failed, or another process was lost.
        StopRequested: it was left.
    """
    with ExitStack() as stack:
        devices, locks = stack.enter_context(_devices(workspace, arguments))
        child = subprocess.Popen(
            [*PARTNER, str(workspace.root), json.dumps(dict(arguments))],
            stdin=subprocess.PIPE,
            env={**with_large_pages(os.environ), **environment_of(devices)},
            pass_fds=locks,
            start_new_session=True,
        )
        session.output.remark(
            f"Process {arguments.get('process')} helps to train {arguments['swap']}. It ends when "
            "process 0 does; Ctrl-C leaves the training, and ends it for all."
        )
        status = _watched(child)
    if status == 0:
        session.output.done({"swap": arguments["swap"]}, "Process 0 has ended the training.")
    elif status < 0:
        raise SwapdeckError(LOST)
    else:
        raise SwapdeckError("This process has ended; the reason is above.")


@contextlib.contextmanager
def _devices(
    workspace: Workspace, arguments: Mapping[str, Any]
) -> Iterator[tuple[list[Device], list[int]]]:
    """The devices of this process, and the descriptors of their locks. On a CPU there is no queue:
    process 0 may be on the same one."""
    there = choose(str(arguments.get("device") or "auto"))
    count = wanted_of(there, str(arguments.get("devices") or "1"))
    if there[0].id == "cpu" or arguments.get("share"):
        yield there[:count], []
        return
    who = {
        "job": "another process of a training",
        "what": f"train {arguments['swap']}",
        "jobs": str(workspace.jobs),
    }
    with Place(there, who) as place:
        taken = place.take(count)
        if taken is None:
            raise CommandError(
                f"{place.sentence(count)} Name another one with --device, or give --share."
            )
    try:
        yield [device for device, _ in taken], [lock for _, lock in taken]
    finally:
        for _, lock in taken:
            os.close(lock)


def _watched(child: subprocess.Popen[bytes]) -> int:
    """How the child ended. Raises StopRequested for Ctrl-C."""

    def nothing(number: int, frame: FrameType | None) -> None:
        """A scheduler asks all at once to end; process 0 does, and the child with it."""

    before = signal.signal(signal.SIGTERM, nothing)
    try:
        return child.wait()
    except KeyboardInterrupt as error:
        raise StopRequested(
            "Left the training, which ends for all; it was saved before."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)
        if child.stdin is not None:
            child.stdin.close()  # with it the child ends
        child.wait()

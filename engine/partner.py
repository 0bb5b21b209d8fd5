"""The process that helps a training: `python -m engine.partner WORKSPACE ARGUMENTS`.

ARGUMENTS are those of the job, as JSON, with another number of the process. It is no job: it has
no files of its own, and lives no longer than the command line that holds its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from engine.reporting import STOPPED
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.jobs import Requests
from projects.swaps import get_swap
from projects.together import meeting_of
from projects.workspace import open_workspace


class Told:
    """Says warnings and what is under way; what is asked of the training is process 0's to know."""

    def event(self, kind: str, **fields: Any) -> None:
        """Print what matters where nobody follows a job."""
        if kind in ("warning", "feed"):
            _say(str(fields["text"]))

    def check(self) -> Requests:
        """Nothing is ever asked here."""
        return Requests()

    def results(self) -> list[dict[str, Any]]:
        """There are none."""
        return []


def main(root: str, arguments: str) -> int:
    """Help until process 0 ends the training; the exit code."""
    # A scheduler asks all processes at once to end. Process 0 does, and then says so to this one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _help(Path(root), json.loads(arguments))
    except StopRequested:
        return _end(StopRequested.exit_code, STOPPED)
    except SwapdeckError as error:
        return _end(error.exit_code, str(error))
    return 0


def _help(root: Path, arguments: dict[str, Any]) -> None:
    from engine.training.processes import joined

    workspace = open_workspace(root)
    swap = get_swap(workspace, arguments["swap"])
    with joined(meeting_of(arguments)) as orders:
        if orders is None:
            raise CommandError("A training by one process needs no help.")
        from engine.training.partner import help_train

        help_train(workspace, swap, orders, Told())


def _end(code: int, sentence: str) -> int:
    """Say why and be gone: to part in order would wait for those who are gone."""
    _say(sentence)
    os._exit(code)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

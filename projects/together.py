"""What is said about a training by several processes, of one machine or of many.

Each of them is started with the same command. Process 0 is the job; the others help it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projects.errors import CommandError
from projects.names import printable
from projects.options import Option

OPTIONS: tuple[Option, ...] = (
    Option(
        "coordinator", "Coordinator", "text", None, group="Several processes",
        help="Where process 0 can be reached by the others, as HOST:PORT with any free port.",
    ),
    Option(
        "processes", "Processes", "int", None, 2, 10_000, group="Several processes",
        help="How many processes train together.",
    ),
    Option(
        "process", "Process", "int", None, 0, 9_999, group="Several processes",
        help="Which one this is, from 0. Process 0 is the job, and writes.",
    ),
    Option(
        "distributed", "Distributed", "bool", False, group="Several processes",
        help="Ask Slurm, Open MPI or the TPU pod for all of that.",
    ),
)  # fmt: skip
"""Of `train`, besides what is said about the run."""

LOST = (
    "Another process of the training was lost, or could not be reached any more, so all of them "
    "ended. What was saved is there. See what the others say, then start all of them again with "
    "the same commands, or one alone without --coordinator: it goes on from the newest checkpoint."
)
"""Said by each process that is left."""

_RANKS = ("SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "TPU_WORKER_ID")
_ADDRESS = re.compile(r"[\w.\-]+:\d{1,5}|\[[0-9A-Fa-f:.%\w]+\]:\d{1,5}")


@dataclass(frozen=True)
class Meeting:
    """How several processes find each other, and which of them this one is."""

    process: int
    coordinator: str | None = None
    """None where what started them knows."""
    processes: int | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the job."""
        return self.process == 0


def meeting_of(
    arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Meeting | None:
    """What `arguments`, by the names of OPTIONS, say; None for a training by one process.

    Raises:
        CommandError: something is left out, or does not go together.
    """
    said = {name: arguments.get(name) for name in ("coordinator", "processes", "process")}
    if arguments.get("distributed"):
        if said["coordinator"] is not None or said["processes"] is not None:
            raise CommandError(
                "--distributed asks Slurm, Open MPI or the TPU pod for the address and the number. "
                "Leave out --coordinator and --processes."
            )
        return Meeting(_rank(os.environ if environment is None else environment, said["process"]))
    given = [f"--{name}" for name, value in said.items() if value is not None]
    if not given:
        return None
    if len(given) < len(said):
        raise CommandError(
            f"{' and '.join(given)} alone will not do. Several processes need all of --coordinator "
            "HOST:PORT, --processes N and --process I, or --distributed."
        )
    coordinator = str(said["coordinator"])
    process, processes = int(said["process"] or 0), int(said["processes"] or 0)
    if not _ADDRESS.fullmatch(coordinator):
        raise CommandError(
            f"'{printable(coordinator)}' is no address. Write --coordinator HOST:PORT, as in "
            "10.0.0.7:29500."
        )
    if process >= processes:
        raise CommandError(
            f"--process goes from 0 to {processes - 1} with --processes {processes}."
        )
    return Meeting(process, coordinator, processes)


def _rank(environment: Mapping[str, str], said: int | None) -> int:
    if said is not None:
        return said
    for name in _RANKS:
        if environment.get(name, "").isdigit():
            return int(environment[name])
    raise CommandError(
        f"--distributed finds none of {', '.join(_RANKS)} that says which process this is. Say it "
        "with --process I, or give the address: --coordinator HOST:PORT --processes N --process I."
    )

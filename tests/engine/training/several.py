"""Trains swaps of the tests' tiny preset in a process of its own, for the tests of several devices.

    python -m tests.engine.training.several WORKSPACE STEPS SWAP:DEVICES:DATASET…
    python -m tests.engine.training.several WORKSPACE STEPS SWAP COORDINATOR PROCESSES PROCESS

The first form trains one swap after the other on devices of this process; the second takes part in
a training by several.
"""

import sys
from pathlib import Path

from engine.nets import presets
from engine.reporting import CollectingReporter, NullReporter
from engine.training.limits import Limits
from engine.training.loop import train
from engine.training.partner import help_train
from engine.training.processes import joined
from projects.swaps import get_swap
from projects.together import Meeting
from projects.workspace import open_workspace
from tests.engine.training.conftest import tiny


def main() -> None:
    """As the module says."""
    presets.PRESETS = {"tiny": tiny()}
    workspace = open_workspace(Path(sys.argv[1]))
    limits = {"steps": int(sys.argv[2])}
    if ":" in sys.argv[3]:
        for word in sys.argv[3:]:
            name, devices, dataset = word.split(":")
            swap = get_swap(workspace, name)
            train(workspace, swap, Limits(**limits, devices=devices, dataset=dataset), Loud())
        return
    name, coordinator, processes, process = sys.argv[3:]
    swap = get_swap(workspace, name)
    meeting = Meeting(int(process), coordinator, int(processes))
    with joined(meeting) as orders:
        assert orders is not None
        if meeting.leads:
            train(workspace, swap, Limits(**limits), Loud(), orders)
        else:
            help_train(workspace, swap, orders, NullReporter())


class Loud(CollectingReporter):
    """Prints the step after which it was told."""

    def event(self, kind: str, **fields: object) -> None:
        super().event(kind, **fields)
        if kind == "step":
            sys.stdout.write(f"step {fields['step']}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

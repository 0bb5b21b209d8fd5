"""Kill a training again and again, saves included: `python -m tests.hardening.training_kills`.

One training of a tiny model saves at every step. It is killed by SIGKILL at a random moment, and
goes on, until it was killed as often as was asked for. After each kill the newest checkpoint must
be complete, and not older than the last one that the training said it had saved; the next run must
go on from exactly there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projects.checkpoints import newest
from tests.hardening.fuzz import make_good
from tests.hardening.pool import own_folders

ROOT = Path(__file__).resolve().parents[2]
SWAP = "ada-as-ben"
MOMENT = 1.0  # seconds after the first step, at most, at which it is killed
START = 300.0  # seconds within which a training must have made its first step, compiled anew
TRAIN = """
import json, sys
from pathlib import Path
from engine.reporting import CollectingReporter
from engine.training.loop import Limits, train
from projects.jobs import Requests
from projects.swaps import get_swap
from projects.workspace import open_workspace
from tests.hardening.tiny import register_tiny

def say(event):
    if event["kind"] in ("step", "checkpoint", "warning"):
        print(json.dumps(event), flush=True)

class Saving(CollectingReporter):
    def check(self):
        self.events.clear()
        super().check()
        return Requests(save=1)

register_tiny()
workspace = open_workspace(Path(sys.argv[1]))
train(workspace, get_swap(workspace, sys.argv[2]), Limits(steps=10**6), Saving(say))
"""


@dataclass
class Tally:
    kills: int = 0
    while_training: int = 0
    while_saving: int = 0  # a temporary folder was left behind
    steps: int = 0
    failures: list[str] = field(default_factory=list)


class Training:
    """One run of the training, as a process, and what it said."""

    def __init__(self, root: Path, cache: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", TRAIN, str(root), SWAP],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, **own_folders(cache), "OMP_NUM_THREADS": "1"},
        )
        self._rest = b""
        self.said: list[dict[str, Any]] = []

    def begin(self) -> bool:
        """Wait for the first step; False when it does not come."""
        end = time.monotonic() + START
        while not any(event["kind"] == "step" for event in self.said):
            assert self._process.stdout is not None
            ready, _, _ = select.select([self._process.stdout], [], [], end - time.monotonic())
            if not ready or not self._read():
                return False
        return True

    def kill(self) -> list[dict[str, Any]]:
        """Kill it; everything that it had said."""
        self._process.kill()
        while self._read():
            pass
        self._process.wait()
        return self.said

    def _read(self) -> bool:
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.said += [json.loads(line) for line in lines]
        return bool(data)


def torment(root: Path, cache: Path, kills: int, seed: int) -> Tally:
    """Kill the training of `root` so often, the first two times while it starts."""
    draw, tally = random.Random(seed), Tally()
    folder = root / "swaps" / SWAP / "checkpoints"
    before = _newest_step(folder, tally)
    for number in range(kills):
        training = Training(root, cache)
        began = number % 10 != 9 and training.begin()
        if began:
            time.sleep(draw.uniform(0, MOMENT))
        elif number % 10 == 9:
            time.sleep(draw.uniform(0, 3))
        said = training.kill()
        tally.kills += 1
        tally.while_training += began
        tally.while_saving += any(name.name.startswith(".tmp-") for name in folder.iterdir())
        after = _newest_step(folder, tally)
        saved = max((one["step"] for one in said if one["kind"] == "checkpoint"), default=before)
        first = next((one["step"] for one in said if one["kind"] == "step"), before + 1)
        warned = [one["text"] for one in said if one["kind"] == "warning"]
        if not began and number % 10 != 9:
            tally.failures.append(f"kill {number}: the training did not begin again: {warned}")
        if after < saved:
            tally.failures.append(f"kill {number}: step {saved} was saved, {after} is left")
        if first != before + 1:
            tally.failures.append(f"kill {number}: went on at {first} instead of {before + 1}")
        if any("damaged" in text for text in warned):
            tally.failures.append(f"kill {number}: {warned}")
        tally.steps, before = tally.steps + after - before, after
    return tally


def _newest_step(folder: Path, tally: Tally) -> int:
    checkpoint, warnings = newest(folder)
    tally.failures += warnings
    if checkpoint is None:
        tally.failures.append("no checkpoint is left")
        return 0
    return int(checkpoint.name)


def main(arguments: list[str]) -> int:
    """Torment a training; 1 when it did not come back once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="swapdeck-kills-") as name:
        root = Path(name) / "workspace"
        make_good(root)
        tally = torment(root, Path(name) / "cache", options.kills, options.seed)
    for failure in tally.failures:
        sys.stdout.write(f"{failure}\n")
    sys.stdout.write(
        f"{tally.kills} kills, {tally.while_training} of them while it trained, "
        f"{tally.while_saving} within a save; {tally.steps} steps made, "
        f"{len(tally.failures)} failures, {time.monotonic() - began:.0f} s\n"
    )
    return 1 if tally.failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

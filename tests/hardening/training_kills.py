"""Kill a training again and again, saves included: `python -m tests.hardening.training_kills`.

A training of a tiny model saves at every step. It is killed by SIGKILL at a random moment, and goes
on, until it was killed as often as was asked for; several are, in workspaces of their own. After
each kill the newest checkpoint must be complete, and not older than the last one that the training
said it had saved; the next run must go on from exactly there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from projects.checkpoints import newest
from projects.jobs import Requests
from tests.hardening.fuzz import make_good
from tests.hardening.pool import own_folders

SWAP = "ada-as-ben"
SAVES = 5  # that a run has made, at most, when its moment comes
MOMENT = 0.1  # seconds from then, at most, to the kill: about what a step and a save take
STARTING = (
    3.0  # seconds after its start, at most, for those that are killed before their first step
)
START = 300.0  # seconds within which a training must have made its first step, compiled anew


def train_and_save(root: Path) -> None:
    """Train without end, saving at every step, and print what happens."""
    from engine.reporting import CollectingReporter
    from engine.training.loop import Limits, train
    from projects.swaps import get_swap
    from projects.workspace import open_workspace

    def say(event: dict[str, Any]) -> None:
        if event["kind"] in ("step", "checkpoint", "warning"):
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    class Saving(CollectingReporter):
        def check(self) -> Requests:
            self.events.clear()
            super().check()
            return Requests(save=1)

    workspace = open_workspace(root)
    train(workspace, get_swap(workspace, SWAP), Limits(steps=10**6), Saving(say))


def prepare(cache: Path) -> None:
    """Import what a training needs, once, but start none of its threads: JAX starts its own when
    it is first used, so that a process forked from here is as good as a fresh one."""
    os.environ.update({**own_folders(cache), "OMP_NUM_THREADS": "1"})
    from engine.training import loop
    from tests.hardening.tiny import register_tiny

    assert loop
    register_tiny()


@dataclass
class Tally:
    kills: int = 0
    while_training: int = 0
    while_saving: int = 0  # a temporary folder was left behind
    steps: int = 0
    failures: list[str] = field(default_factory=list)


COUNTS = [one for one in fields(Tally) if one.type == "int"]


class Training:
    """One run of the training, as a process forked from this one, and what it said."""

    def __init__(self, root: Path) -> None:
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.dup2(writer, 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                train_and_save(root)
            finally:
                os._exit(1)
        os.close(writer)
        self._rest = b""
        self.said: list[dict[str, Any]] = []

    def wait(self, kind: str, number: int) -> bool:
        """Wait for so many events of a kind; False when they do not come."""
        end = time.monotonic() + START
        while sum(event["kind"] == kind for event in self.said) < number:
            ready, _, _ = select.select([self._reader], [], [], max(0, end - time.monotonic()))
            if not ready or not self._read():
                return False
        return True

    def kill(self) -> list[dict[str, Any]]:
        """Kill it; everything that it had said."""
        os.kill(self._pid, signal.SIGKILL)
        while self._read():
            pass
        os.close(self._reader)
        os.waitpid(self._pid, 0)
        return self.said

    def _read(self) -> bool:
        data = os.read(self._reader, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.said += [json.loads(line) for line in lines]
        return bool(data)


def torment(root: Path, kills: int, seed: int) -> Tally:
    """Kill the training of `root` so often, every tenth time while it starts."""
    draw, tally = random.Random(seed), Tally()
    folder = root / "swaps" / SWAP / "checkpoints"
    before = _newest_step(folder, tally)
    for number in range(kills):
        training = Training(root)
        early = number % 10 == 9
        began = not early and training.wait("step", 1)
        if began:
            training.wait("checkpoint", draw.randint(0, SAVES))
        time.sleep(draw.uniform(0, STARTING if early else MOMENT))
        said = training.kill()
        tally.kills += 1
        if tally.kills % 10 == 0:
            sys.stderr.write(f"{root.parent.name}: {tally.kills} kills, step {before}\n")
        tally.while_training += began
        tally.while_saving += any(name.name.startswith(".tmp-") for name in folder.iterdir())
        after = _newest_step(folder, tally)
        saved = max((one["step"] for one in said if one["kind"] == "checkpoint"), default=before)
        first = next((one["step"] for one in said if one["kind"] == "step"), before + 1)
        warned = [one["text"] for one in said if one["kind"] == "warning"]
        if not began and not early:
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
    """Torment trainings; 1 when one did not come back once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="in all")
    parser.add_argument("--at-once", type=int, default=4, help="trainings that are tormented")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    trainings = max(1, min(options.at_once, options.kills))
    with tempfile.TemporaryDirectory(prefix="swapdeck-kills-") as name:
        roots = [Path(name) / str(number) / "workspace" for number in range(trainings)]
        make_good(roots[0])
        for root in roots[1:]:
            shutil.copytree(roots[0], root)
        prepare(Path(name) / "cache")
        kills = [
            options.kills // trainings + (n < options.kills % trainings) for n in range(trainings)
        ]
        seeds = [options.seed * 1000 + number for number in range(trainings)]
        with ProcessPoolExecutor(trainings, mp_context=get_context("fork")) as pool:
            tallies = list(pool.map(torment, roots, kills, seeds))
    failures = [f"training {n}, {one}" for n, tally in enumerate(tallies) for one in tally.failures]
    for failure in failures:
        sys.stdout.write(f"{failure}\n")
    sums = {f.name: sum(getattr(tally, f.name) for tally in tallies) for f in COUNTS}
    sys.stdout.write(
        f"{sums['kills']} kills of {trainings} trainings, {sums['while_training']} of them while "
        f"it trained, {sums['while_saving']} within a save; {sums['steps']} steps made, "
        f"{len(failures)} failures, {time.monotonic() - began:.0f} s\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Kill a training again and again, saves included: `python -m tests.hardening.training_kills`.

A training of a tiny model saves at every step. It is killed by SIGKILL at a random moment, and goes
on, until it was killed as often as was asked for; several are, in workspaces of their own. After
each kill the newest checkpoint must be complete, and not older than the last one that the training
said it had saved; the next run must go on from exactly there. After every fifth kill a bit of the
newest checkpoint is flipped: the next run must say so and go on from the one before.
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

from projects.checkpoints import newest, steps
from projects.jobs import Requests
from tests.hardening.fuzz import make_good
from tests.hardening.pool import own_folders

SWAP = "ada-as-ben"
SAVES = 5  # that a run has made, at most, when its moment comes
MOMENT = 0.1  # seconds from then, at most, to the kill: about what a step and a save take
STARTING = (
    3.0  # seconds after its start, at most, for those that are killed before their first step
)
FLIP_EVERY = 5  # kills
LOST = 2  # steps that a kill may cost: the interval of one, and the one that is being saved
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
    flips: int = 0
    most_lost: int = 0  # steps that one kill cost
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
    flipped: int | None = None
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
        tally.failures += [f"kill {number}: {one}" for one in _wrong(said, before, after, flipped)]
        if not began and not early:
            tally.failures.append(f"kill {number}: the training did not begin again: {said}")
        made = max((one["step"] for one in said if one["kind"] == "step"), default=after)
        tally.most_lost = max(tally.most_lost, made - after)
        tally.steps, before, flipped = tally.steps + after - before, after, None
        there = steps(folder)
        if number % FLIP_EVERY == FLIP_EVERY - 1 and number + 1 < kills and len(there) > 1:
            flipped, before = there[-1], there[-2]
            _flip(folder / f"{flipped:08d}", draw)
            tally.flips += 1
    return tally


def _wrong(said: list[dict[str, Any]], before: int, after: int, flipped: int | None) -> list[str]:
    """What is not as it must be after a run that had to go on from `before` and left `after`.

    flipped: the step of the checkpoint in which a bit was flipped before the run.
    """
    made = [one["step"] for one in said if one["kind"] == "step"]
    saved = max((one["step"] for one in said if one["kind"] == "checkpoint"), default=before)
    warned = [one["text"] for one in said if one["kind"] == "warning"]
    damaged = [text for text in warned if "damaged" in text]
    wrong = []
    if after < saved:
        wrong.append(f"step {saved} was saved, {after} is left")
    if made and made[0] != before + 1:
        wrong.append(f"went on at {made[0]} instead of {before + 1}")
    if made and made[-1] - after > LOST:
        wrong.append(f"{made[-1] - after} steps are lost, more than {LOST}")
    if flipped is None and damaged:
        wrong.append(f"{damaged}")
    expected = (f"step {flipped} is damaged", "the one before it is used")
    if flipped is not None and not any(all(p in text for p in expected) for text in damaged):
        wrong.append(f"nothing was said of the flipped bit in step {flipped}: {warned}")
    return wrong


def _flip(checkpoint: Path, draw: random.Random) -> None:
    """Flip one bit of one of its files, whichever."""
    path = draw.choice(sorted(checkpoint.iterdir()))
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


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
    most = max(tally.most_lost for tally in tallies)
    sys.stdout.write(
        f"{sums['kills']} kills of {trainings} trainings, {sums['while_training']} of them while "
        f"it trained, {sums['while_saving']} within a save; {sums['flips']} bits flipped, each "
        f"found or listed above; {sums['steps']} steps made, at most {most} lost by a kill; "
        f"{len(failures)} failures, {time.monotonic() - began:.0f} s\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

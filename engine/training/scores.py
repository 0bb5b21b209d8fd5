"""The held-out scores of a swap, in scores.jsonl, and which checkpoint is the best by them."""

import json
import math
import time
from typing import Final

from engine.training.validate import Score
from projects.checkpoints import best_score, mark_best, marked_best
from projects.files import write_bytes
from projects.swaps import Swap
from projects.texts import append_line, read_jsonl

PATIENCE: Final = 6
"""Scores that may pass without a rise before the training counts as levelled off."""
RISE: Final = 0.002
"""A smaller gain than this is chance."""


class Scores:
    """Adds scores to the file, from `step` on."""

    def __init__(self, swap: Swap, step: int, run: int = 1) -> None:
        """Scores after `step` are forgotten: the training goes back to the checkpoint there."""
        self._path = swap.root / "scores.jsonl"
        self._run = run
        self._folder = swap.checkpoints_dir
        rows, _ = read_jsonl(self._path)
        kept = [row for row in rows if row.get("step", 0) <= step]
        if len(kept) < len(rows):
            write_bytes(self._path, "".join(json.dumps(row) + "\n" for row in kept).encode())
        told = [row for row in kept if "value" in row]
        self._values = [float(row["value"]) for row in told]
        falls = [number for number, row in enumerate(told) if row.get("fall")]
        self._waited = len(told) - 1 - max(falls) if falls else PATIENCE
        marked = marked_best(self._folder)
        # A best one that lies ahead was put away when the training was taken back.
        ahead = marked is not None and marked > step
        self._marked = None if ahead else best_score(self._folder)
        self._newest: Score | None = None
        self._has_fallen = False

    @property
    def last_step(self) -> int | None:
        """The step of this run's newest score."""
        return None if self._newest is None else self._newest.step

    @property
    def has_fallen(self) -> bool:
        """Whether the newest score let the learning rate fall."""
        return self._has_fallen

    @property
    def levelled_off(self) -> bool:
        """Whether the last PATIENCE scores, at the present learning rate, are no better than the
        best before them."""
        before, recent = self._values[:-PATIENCE], self._values[-PATIENCE:]
        return self._waited >= PATIENCE and bool(before) and max(recent) < max(before) + RISE

    @property
    def patience(self) -> int:
        """How many more scores without a rise there must be until it has levelled off."""
        for more in range(max(0, PATIENCE - self._waited), PATIENCE + 1):
            recent = self._values[len(self._values) + more - PATIENCE :]
            before = self._values[: max(0, len(self._values) + more - PATIENCE)]
            if before and max(recent, default=-math.inf) < max(before) + RISE:
                return more
        return PATIENCE + 1 - len(self._values)

    def add(self, score: Score, seconds: float, *, may_fall: bool = False) -> bool:
        """Write a score; whether it is the best so far. `seconds` of this run.

        may_fall: when this score makes the training level off, the learning rate is to fall, see
        `has_fallen`; that is written with the score, and the patience begins anew.
        """
        self._newest = score
        self._values.append(score.value)
        self._waited += 1
        self._has_fallen = may_fall and self.levelled_off
        if self._has_fallen:
            self._waited = 0
        fall = {"fall": True} if self._has_fallen else {}
        written = {"run": self._run, "seconds": round(seconds, 2), "at": time.time()}
        append_line(self._path, {**score.row(), **fall, **written})
        return self._marked is None or score.value > self._marked

    def mark(self) -> None:
        """Mark the checkpoint of the newest score as the best; it has been written."""
        assert self._newest is not None  # a score comes first
        self._marked = self._newest.value
        mark_best(self._folder, self._newest.step, self._marked)

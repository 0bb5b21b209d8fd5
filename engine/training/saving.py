"""Checkpoints written in the background, so that training goes on meanwhile."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import jax
import numpy as np

from engine.training.checkpoint import save_state
from engine.training.settings import TrainSettings
from engine.training.step import State


class Saver:
    """Writes one checkpoint at a time. Use it in a `with` statement: its end waits for the last."""

    def __init__(
        self,
        folder: Path,
        settings: TrainSettings,
        fingerprints: dict[str, str],
        keep: int,
        saved: Callable[[int, Path], None],
    ) -> None:
        """saved: called with the step and the folder, in another thread, once it is complete."""
        self._folder = folder
        self._settings = settings
        self._fingerprints = fingerprints
        self._keep = keep
        self._saved = saved
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[Path] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True)

    def start(self, state: State) -> None:
        """Copy the state and write it; waits first for the checkpoint before.

        Raises SwapdeckError when the one before could not be written.
        """
        self.wait()
        # A copy: the next step is given the arrays themselves to write its answer into.
        copy = jax.tree.map(lambda leaf: np.array(leaf, copy=True), state)
        self._pending = self._pool.submit(self._write, copy)

    def wait(self) -> Path | None:
        """Wait until everything is written; the newest checkpoint of this run.

        Raises SwapdeckError when it could not be.
        """
        return None if self._pending is None else self._pending.result()

    def _write(self, state: State) -> Path:
        path = save_state(self._folder, state, self._settings, self._fingerprints, self._keep)
        self._saved(int(state.step), path)
        return path

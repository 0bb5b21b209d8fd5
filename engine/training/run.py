"""What a training leaves behind while it runs: events, history, scores, checkpoints, previews."""

from pathlib import Path
from types import TracebackType
from typing import Self

import jax
import jax.numpy as jnp

from engine.reporting import Reporter
from engine.training.clock import Clock, Stall
from engine.training.divergence import DivergedError, Watch
from engine.training.history import History
from engine.training.limits import Limits, seconds_left
from engine.training.model import Params
from engine.training.optimisers import FALL, LEAST_FACTOR, factor_of, with_factor
from engine.training.preview import Draw, thin_previews
from engine.training.saving import Saver
from engine.training.scores import Scores
from engine.training.settings import TrainSettings
from engine.training.step import Metrics, State
from engine.training.tensorboard import Board
from engine.training.usage import memory_in_use
from engine.training.validate import Validator
from projects.checkpoints import steps
from projects.runs import begin_run
from projects.swaps import Swap


class Run:
    """One run of a training. Use it in a `with` statement: its end waits for the last save."""

    def __init__(
        self,
        swap: Swap,
        settings: TrainSettings,
        limits: Limits,
        reporter: Reporter,
        fingerprints: dict[str, str],
        step: int,
        clock: Clock,
        saved: Path | None,
        watch: Watch,
    ) -> None:
        """saved: the checkpoint of `step`, from which the run goes on."""
        self._swap = swap
        self._settings = settings
        self._watch = watch
        self._limits = limits
        self._reporter = reporter
        self._clock = clock
        device = jax.local_devices()[0].device_kind
        number = begin_run(swap, step, clock.seconds(), fingerprints, device)
        self._board = Board(swap, step) if limits.tensorboard else None
        shown = None if self._board is None else self._board.row
        self._history = History(swap.history_path, step, number, shown)
        self._scores = Scores(swap, step, number)
        self._saved = saved
        self._unseen = False
        self._scored = 0.0
        self._saver = Saver(
            swap.checkpoints_dir, settings, fingerprints, limits.keep, self._was_saved
        )

    def __enter__(self) -> Self:
        self._saver.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._saver.__exit__(kind, error, trace)
        if self._board is not None:
            self._board.close()

    @property
    def levelled_off(self) -> bool:
        """Whether the training is to end because its score does not rise any more."""
        return self._limits.until_plateau and self._scores.levelled_off

    def tell(self, step: int, metrics: Metrics, stall: Stall) -> None:
        """Read the metrics of a call and make them known. Raises DivergedError."""
        values = {name: float(value) for name, value in metrics.items()}
        loss = values.pop("loss")
        seconds = self._clock.seconds()
        if how := self._watch.take(step, loss):
            raise DivergedError(self._swap, step, self._clock, how)
        rate = self._clock.rate(step)
        memory = memory_in_use()
        machine = {
            "rate": rate,
            "stall": round(stall.share, 4),
            "memory": None if memory is None else memory.used,
        }
        self._history.add(step, loss, values, seconds, machine)
        self._reporter.event(
            "step",
            step=step,
            steps=self._limits.steps,
            loss=loss,
            losses=values,
            rate=rate,
            eta=seconds_left(self._limits, step, rate, seconds),
            seconds=seconds,
            stall=machine["stall"],
            memory=machine["memory"],
            memory_limit=None if memory is None else memory.limit,
            plateau=self._seconds_to_plateau(seconds),
        )

    def save(self, state: State) -> None:
        """Write a checkpoint while the training goes on. Raises DivergedError, SwapdeckError."""
        if not _finite(state.params):
            how = "its weights are not numbers any more"
            raise DivergedError(self._swap, int(state.step), self._clock, how)
        self._saver.start(state)
        self._history.flush()
        self._unseen = True

    def score(self, validator: Validator, state: State) -> State:
        """Look at the held-out faces; the best state so far gets a checkpoint that is kept.

        The state to go on with: by the schedule `plateau`, with a lower learning rate where the
        score has levelled off.
        """
        return self._score(validator, state, may_fall=self._settings.schedule == "plateau")

    @property
    def saved_unseen(self) -> bool:
        """Whether a checkpoint was written since the last preview: each gets one of its own."""
        return self._unseen

    def preview(self, draw: Draw, state: State) -> None:
        """Draw the preview picture."""
        path = self._swap.previews_dir / f"{int(state.step):08d}.png"
        self._unseen = False
        draw(state.average, path)
        if self._board is not None:
            self._board.picture(int(state.step), path)
        thin_previews(self._swap.previews_dir, steps(self._swap.checkpoints_dir))
        self._reporter.event("preview", step=int(state.step), path=str(path))

    def finish(self, draw: Draw, state: State, validator: Validator | None) -> Path:
        """Score, save and show the last state, unless that was done; its checkpoint."""
        step = int(state.step)
        if self._saved is None or self._saved.name != f"{step:08d}":
            if validator is not None and self._scores.last_step != step:
                self._score(validator, state, may_fall=False)
            saved = self._saver.wait()
            if saved is None or saved.name != f"{step:08d}":
                self.save(state)
                saved = self._saver.wait()
            assert saved is not None  # it was just written
            self._saved = saved
            self.preview(draw, state)
        return self._saved

    def _score(self, validator: Validator, state: State, *, may_fall: bool) -> State:
        step, factor = int(state.step), factor_of(state.optimiser)
        score = validator.score(state.average, step)
        self._scored = self._clock.seconds()
        may_fall = may_fall and factor > LEAST_FACTOR
        best = self._scores.add(score, self._scored, may_fall=may_fall)
        self._reporter.event("score", **score.row(), best=best)
        if self._board is not None:
            self._board.row(score.row())
        if self._scores.has_fallen:
            # Before it is saved, so that a training that goes on from here has it too.
            state = state._replace(optimiser=with_factor(state.optimiser, factor * FALL))
            rate = self._settings.learning_rate * factor * FALL
            self._reporter.event(
                "rate",
                step=step,
                learning_rate=rate,
                text=f"The held-out score has levelled off at step {step}: the learning rate falls "
                f"to {rate:.3g}.",
            )
        if best:
            self.save(state)
            self._saver.wait()
            self._scores.mark()
        return state

    def _seconds_to_plateau(self, seconds: float) -> float | None:
        """How long it takes at least until the score has levelled off; None where that is no
        limit."""
        if not self._limits.until_plateau:
            return None
        return max(0.0, self._scored + self._scores.patience * self._limits.score_every - seconds)

    def _was_saved(self, step: int, path: Path) -> None:
        self._reporter.event("checkpoint", step=step, path=str(path))


@jax.jit
def _finite(params: Params) -> jax.Array:
    """Whether all weights are numbers, looked at in one program: bool []."""
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]).all()

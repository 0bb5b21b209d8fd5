"""A swap's checkpoints as rows to look at, and what can be done with one of them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects import checkpoints, ledger
from projects.errors import CommandError, RefusedError
from projects.files import locked
from projects.swaps import Swap
from projects.texts import read_jsonl
from projects.workspace import Workspace, move_to_trash

SCORES = "scores.jsonl"


@dataclass(frozen=True)
class CheckpointRow:
    """One checkpoint. `saved` in seconds since the epoch, `size` in bytes.

    `score` and its parts are of the look at the held-out faces that was nearest to its step, which
    is `scored_at`; nothing was measured where they are None. `loss` is of the history's row then.
    """

    step: int
    path: Path
    saved: float
    size: int
    score: float | None = None
    scored_at: int | None = None
    ssim: tuple[tuple[str, float], ...] = ()
    identity: float | None = None
    landmarks: float | None = None
    loss: float | None = None
    newest: bool = False
    best: bool = False
    chosen: bool = False
    used: bool = False
    """Whether a conversion takes this one."""


def list_checkpoints(swap: Swap) -> list[CheckpointRow]:
    """The swap's checkpoints, the newest first. What a damaged log says is left out.

    Raises SwapdeckError when the folder cannot be read.
    """
    folder = swap.checkpoints_dir
    there = checkpoints.steps(folder)
    scores = _by_step(swap.root / SCORES)
    history = _by_step(swap.history_path)
    best, chosen = checkpoints.marked_best(folder), checkpoints.chosen(folder)
    used = checkpoints.used_step(folder)
    rows = []
    for step in reversed(there):
        path = folder / f"{step:08d}"
        with suppress(FileNotFoundError):  # deleted meanwhile
            score = _nearest(scores, step)
            rows.append(
                CheckpointRow(
                    step,
                    path,
                    path.stat().st_mtime,
                    sum(file.stat().st_size for file in path.iterdir()),
                    **_scored(score),
                    loss=_number(_nearest(history, step).get("loss")),
                    newest=step == there[-1],
                    best=step == best,
                    chosen=step == chosen,
                    used=step == used,
                )
            )
    return rows


def trash_checkpoint(ws: Workspace, swap: Swap, step: int) -> Path:
    """Move one checkpoint to the trash; the path there.

    Raises:
        RefusedError: a training of the swap runs.
        CommandError: there is no such checkpoint.
    """
    with _nobody_trains(swap):
        return _trash(ws, swap, step)


def go_back(ws: Workspace, swap: Swap, step: int) -> list[Path]:
    """Let the training go on from the checkpoint of `step`: newer ones go to the trash.

    The paths there, the newest checkpoint's first. Losses and scores after the step are forgotten
    once it trains again; until then, restoring what went to the trash undoes this entirely.

    Raises:
        RefusedError: a training of the swap runs.
        CommandError: there is no such checkpoint, or no newer one.
    """
    with _nobody_trains(swap):
        there = checkpoints.steps(swap.checkpoints_dir)
        if step not in there:
            raise _unknown(swap, step)
        newer = [one for one in reversed(there) if one > step]
        if not newer:
            raise CommandError(
                f"Step {step} is the newest checkpoint of {swap.name}: a training goes on from it "
                "as it is."
            )
        return [_trash(ws, swap, one) for one in newer]


def put_away_newer(ws: Workspace, swap: Swap, step: int) -> list[Path]:
    """Move all checkpoints after `step` to the trash; the paths there.

    For the training itself, which holds the lock and has run away since. Where none would be left,
    all stay.
    """
    there = checkpoints.steps(swap.checkpoints_dir)
    newer = [one for one in reversed(there) if one > step]
    return [_trash(ws, swap, one) for one in newer] if len(newer) < len(there) else []


@contextmanager
def _nobody_trains(swap: Swap) -> Iterator[None]:
    """Hold the lock that a training holds."""
    with locked(swap.checkpoints_dir, wait=False) as free:
        if not free:
            raise RefusedError(
                f"{swap.name} is being trained now, which writes its checkpoints. Stop that first: "
                "swapdeck jobs list"
            )
        yield


def _trash(ws: Workspace, swap: Swap, step: int) -> Path:
    path = swap.checkpoints_dir / f"{step:08d}"
    if not path.is_dir():
        raise _unknown(swap, step)
    trashed = move_to_trash(ws, path)
    ledger.append(
        ws,
        "removal",
        swap=swap.slug,
        people=list(swap.people),
        step=step,
        trash=trashed.relative_to(ws.root),
    )
    return trashed


def _unknown(swap: Swap, step: int) -> CommandError:
    there = ", ".join(map(str, checkpoints.steps(swap.checkpoints_dir))) or "none"
    return CommandError(f"{swap.name} has no checkpoint of step {step}. There are: {there}.")


def _by_step(path: Path) -> dict[int, dict[str, Any]]:
    rows, _ = read_jsonl(path)
    return {row["step"]: row for row in rows if type(row.get("step")) is int}


def _nearest(rows: dict[int, dict[str, Any]], step: int) -> dict[str, Any]:
    """The row of the step, or the last one before it."""
    before = [one for one in rows if one <= step]
    return rows[max(before)] if before else {}


def _scored(row: dict[str, Any]) -> dict[str, Any]:
    if _number(row.get("value")) is None:
        return {}
    ssim = row.get("ssim")
    parts = ssim.items() if isinstance(ssim, dict) else ()
    return {
        "score": _number(row["value"]),
        "scored_at": row["step"],
        "ssim": tuple((str(n), v) for n, value in parts if (v := _number(value)) is not None),
        "identity": _number(row.get("identity")),
        "landmarks": _number(row.get("landmarks")),
    }


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        return None
    return float(value)

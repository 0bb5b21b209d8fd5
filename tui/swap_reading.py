"""Reads a swap's training and its checkpoints: what the screens behind the Swaps mode show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects.checkpoint_rows import SCORES, list_checkpoints
from projects.checkpoints import best_score, marked_best
from projects.errors import SwapdeckError
from projects.files import inside
from projects.swaps import Swap, load_swap
from projects.texts import read_jsonl
from projects.training_options import values_of
from projects.workspace import Workspace
from tui.progress import Event, Progress, parts
from tui.snapshot import CheckpointsDetail, CompareDetail, Detail, TrainingDetail
from tui.text import clean

if TYPE_CHECKING:
    from tui.reading import Reader

_PARTS = ("identity", "landmarks")


def read_training(reader: Reader, ws: Workspace, slug: str) -> Detail:
    """The swap's training so far. Raises SwapdeckError when the swap cannot be read."""
    try:
        swap = load_swap(inside(ws.swaps, slug))
        scores = swap.root / SCORES
        last = _last(scores)
        return TrainingDetail(
            slug,
            history(reader, swap.history_path, "loss"),
            history(reader, scores, "value").curve,
            (*parts(last.get("ssim")), *parts({name: last.get(name) for name in _PARTS})),
            _best(swap),
            previews(swap),
        )
    except SwapdeckError as error:
        return TrainingDetail(slug, Progress(), problem=clean(error))


def read_checkpoints(reader: Reader, ws: Workspace, slug: str) -> Detail:
    """The swap's checkpoints. Raises SwapdeckError when the swap cannot be read."""
    try:
        swap = load_swap(inside(ws.swaps, slug))
        return CheckpointsDetail(slug, tuple(list_checkpoints(swap)), previews(swap))
    except SwapdeckError as error:
        return CheckpointsDetail(slug, problem=clean(error))


def read_comparison(reader: Reader, ws: Workspace, key: str) -> Detail:
    """The trainings of the swaps whose slugs are in `key`, with a blank between them."""
    trainings, swaps, problems = [], [], []
    for slug in key.split():
        try:
            swaps.append(load_swap(inside(ws.swaps, slug)))
        except SwapdeckError as error:
            problems.append(clean(error))
            continue
        found = read_training(reader, ws, slug)
        if isinstance(found, TrainingDetail):
            trainings.append(found)
            problems += [found.problem] if found.problem else []
    return CompareDetail(tuple(trainings), tuple(_differs(swaps)), " ".join(problems))


def _differs(swaps: list[Swap]) -> list[tuple[str, tuple[str, ...]]]:
    settings = [
        {"preset": one.preset, "seed": one.seed, **values_of(one.preset, one.settings)}
        for one in swaps
    ]
    prints = [{f"{who}'s faces": print_[:12] for who, print_ in one.fingerprints.items()}
              for one in swaps]  # fmt: skip
    found = []
    for tables in (settings, prints):
        for name in dict.fromkeys(name for table in tables for name in table):
            values = [table.get(name) for table in tables]
            if any(value != values[0] for value in values):
                shown = tuple("not set" if v is None else clean(_yes_or(v)) for v in values)
                found.append((name, shown))
    return found


def _yes_or(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def history(reader: Reader, path: Path, value: str) -> Progress:
    """The log of a training at `path`, the values named as its curve."""

    def read(offset: int) -> tuple[list[Event], int]:
        records, after = read_jsonl(path, offset)
        return [{"kind": "step", **row, "loss": row.get(value)} for row in records], after

    return reader.follower(path, read).follow()


def previews(swap: Swap) -> tuple[tuple[int, Path], ...]:
    """The previews that training drew, with their steps, in order."""
    try:
        found = [path for path in swap.previews_dir.iterdir() if path.suffix == ".png"]
    except OSError:
        return ()
    numbered = [(int(path.stem), path) for path in found if path.stem.isdecimal()]
    return tuple(sorted(numbered))


def _last(path: Path) -> dict[str, Any]:
    rows, _ = read_jsonl(path, -4096)
    return rows[-1] if rows else {}


def _best(swap: Swap) -> tuple[int, float] | None:
    step, score = marked_best(swap.checkpoints_dir), best_score(swap.checkpoints_dir)
    return None if step is None or score is None else (step, score)

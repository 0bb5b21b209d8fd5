"""Checkpoints: one folder a step, complete or absent, with the SHA-256 of every file.

checkpoints/00001234/state.safetensors  config.json  manifest.json
            best.json    which has the best held-out score
            chosen.json  which somebody chose to be used instead; absent where nobody did
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects.errors import CommandError, DamagedError, NewerVersionError
from projects.files import (
    folder_replacing,
    read_errors,
    remove_tree,
    sha256_file,
    sweep,
    write_bytes,
    write_errors,
)
from projects.texts import check_version, read_json, write_json

VERSION = 2  # 1 had no checksum of the manifest itself
MARK_VERSION = 3  # the marks before had no checksum
MANIFEST = "manifest.json"
BEST = "best.json"
CHOSEN = "chosen.json"
_STEP = re.compile(r"[0-9]{8,12}")


def save(folder: Path, step: int, files: Mapping[str, bytes], keep: int = 3) -> Path:
    """Write the checkpoint of `step`, then delete all but the newest `keep`, the best and the one
    that was chosen.

    Returns its folder.

    A checkpoint of the same step is replaced. When anything fails, what was there stays.

    Raises:
        SwapdeckError: the disk is full or cannot be written.
    """
    if step < 0 or keep < 1 or not files:
        raise ValueError(f"cannot save step {step} with {len(files)} files, keeping {keep}")
    for name in files:
        if not _is_plain(name):
            raise ValueError(f"{name!r} cannot be the name of a checkpoint's file")
    path = folder / f"{step:08d}"
    with write_errors(folder):
        folder.mkdir(exist_ok=True)
        sweep(folder)
    with folder_replacing(path) as temporary:
        for name, data in files.items():
            write_bytes(temporary / name, data)
        records = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        }
        manifest = {"version": VERSION, "step": step, "files": records}
        write_json(temporary / MANIFEST, seal(manifest))
    for entry in folder.glob("*.old"):  # what a process left that was killed while it deleted
        remove_tree(entry)
    spared = {step, marked_best(folder), chosen(folder)}
    for old in steps(folder)[:-keep]:
        if old not in spared:
            _delete(folder / f"{old:08d}")
    return path


def steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint, in order; they may be damaged."""
    if not folder.is_dir():
        return []
    with read_errors(folder):
        names = [entry.name for entry in folder.iterdir() if _STEP.fullmatch(entry.name)]
    return sorted(int(name) for name in names if name == f"{int(name):08d}")


def verify(checkpoint: Path) -> None:
    """Compare every file of the checkpoint with its manifest.

    Raises:
        DamagedError: a file is missing, shorter, longer or changed; the sentence names it.
        NewerVersionError: a newer swapdeck wrote it.
        SwapdeckError: it cannot be read.
    """
    path = checkpoint / MANIFEST
    manifest = read_json(path)
    # Before the version is believed: a changed digit of it must not look like a newer swapdeck.
    sealed = isinstance(manifest, dict) and ("sha256" in manifest or manifest.get("version") != 1)
    if sealed and manifest != seal(manifest):
        raise DamagedError(f"{path} is damaged: it does not match its own checksum.")
    check_version(path, manifest, VERSION)
    files = manifest.get("files")
    if (
        not isinstance(files, dict)
        or not files
        or str(manifest.get("step")).zfill(8) != (checkpoint.name)
    ):
        raise DamagedError(f"{path} is damaged: its step or its list of files cannot be right.")
    for name, record in files.items():
        if not _is_plain(name) or not isinstance(record, dict):
            raise DamagedError(f"{path} is damaged: its entry for {name!r} cannot be right.")
        file = checkpoint / name
        with read_errors(file):
            size = file.stat().st_size
        if size != record.get("bytes"):
            raise DamagedError(
                f"{file} is damaged: it has {size} bytes instead of {record.get('bytes')}."
            )
        if sha256_file(file) != record.get("sha256"):
            raise DamagedError(f"{file} is damaged: its bytes do not match their checksum.")


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the SHA-256 of all else in it."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return {**said, "sha256": hashlib.sha256(canonical.encode()).hexdigest()}


def newest(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that verifies, and a warning for each newer one that does not.

    A damaged one is moved aside to NAME.damaged, so that nothing loads it by accident.

    Raises:
        NewerVersionError: the newest was written by a newer swapdeck.
        SwapdeckError: one cannot be read; that says nothing about its bytes, so it stays.
    """
    warnings: list[str] = []
    for step in reversed(steps(folder)):
        checkpoint = folder / f"{step:08d}"
        try:
            verify(checkpoint)
        except NewerVersionError:
            raise
        except DamagedError as error:
            aside = _set_aside(checkpoint)
            warnings.append(
                f"The checkpoint of step {step} is damaged and was set aside as {aside}; the one "
                f"before it is used. {error}"
            )
        else:
            return checkpoint, warnings
    return None, warnings


def mark_best(folder: Path, step: int, score: float) -> None:
    """Record that the checkpoint of `step` is the best by its held-out score; it is then kept."""
    write_json(folder / BEST, seal({"version": MARK_VERSION, "step": step, "score": score}))


def marked_best(folder: Path) -> int | None:
    """The step that was marked as the best, None when none was or the mark cannot be read."""
    record = _best_record(folder)
    return None if record is None else record[0]


def best_score(folder: Path) -> float | None:
    """The score of the step that was marked as the best."""
    record = _best_record(folder)
    return None if record is None else record[1]


def choose(folder: Path, step: int | None) -> None:
    """Use the checkpoint of `step` from now on, and keep it; None goes by the scores again.

    Raises:
        CommandError: there is no such checkpoint.
        SwapdeckError: it cannot be written.
    """
    if step is None:
        with write_errors(folder):
            (folder / CHOSEN).unlink(missing_ok=True)
        return
    if step not in steps(folder):
        raise CommandError(
            f"There is no checkpoint of step {step}. There are: "
            f"{', '.join(map(str, steps(folder))) or 'none'}."
        )
    write_json(folder / CHOSEN, seal({"version": MARK_VERSION, "step": step}))


def chosen(folder: Path) -> int | None:
    """The step that somebody chose to be used; None when nobody did or it cannot be read."""
    record = _record(folder / CHOSEN)
    step = record.get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) else None


def used_step(folder: Path) -> int | None:
    """The step that `best` looks at first: the chosen, the best-scored, or the newest one."""
    marked = _marked(folder)
    return marked if marked is not None else max(steps(folder), default=None)


def best(folder: Path) -> tuple[Path | None, list[str]]:
    """The checkpoint that somebody chose, or else the one with the best score, when it verifies.

    Otherwise as `newest`, which see. A mark that cannot be read is a warning.
    """
    unread = [
        f"{folder / name} is damaged and does not count any more; delete it, or choose again with: "
        "swapdeck swap use"
        for name in (CHOSEN, BEST)
        if (folder / name).is_file() and not _record(folder / name)
    ]
    step = _marked(folder)
    if step is None:
        checkpoint, warnings = newest(folder)
        return checkpoint, unread + warnings
    checkpoint = folder / f"{step:08d}"
    try:
        verify(checkpoint)
    except NewerVersionError:
        raise
    except DamagedError as error:
        aside = _set_aside(checkpoint)
        instead, warnings = newest(folder)
        return instead, [
            *unread,
            f"The checkpoint in use, of step {step}, is damaged and was set aside as {aside}; the "
            f"newest one is used. {error}",
            *warnings,
        ]
    return checkpoint, unread


def _marked(folder: Path) -> int | None:
    there = steps(folder)
    return next((s for s in (chosen(folder), marked_best(folder)) if s in there), None)


def _best_record(folder: Path) -> tuple[int, float] | None:
    record = _record(folder / BEST)
    step, score = record.get("step"), record.get("score")
    if isinstance(step, bool) or not isinstance(step, int) or not isinstance(score, int | float):
        return None
    return step, float(score)


def _record(path: Path) -> dict[str, Any]:
    """What a mark says; nothing when it is not there, cannot be read or was changed."""
    try:
        record = read_json(path) if path.is_file() else {}
    except DamagedError:
        return {}
    if not isinstance(record, dict):
        return {}
    unsealed = record.get("version") in (1, 2) and "sha256" not in record
    return record if unsealed or record == seal(record) else {}


def _set_aside(checkpoint: Path) -> Path:
    number = 1
    while (
        aside := checkpoint.with_name(
            f"{checkpoint.name}.damaged" + (f"-{number}" if number > 1 else "")
        )
    ).exists():
        number += 1
    with write_errors(checkpoint):
        checkpoint.rename(aside)
    return aside


def _delete(checkpoint: Path) -> None:
    # Renamed first, so that a half-deleted folder never looks like a checkpoint.
    doomed = checkpoint.with_name(checkpoint.name + ".old")
    with write_errors(checkpoint):
        remove_tree(doomed)
        checkpoint.rename(doomed)
    remove_tree(doomed)


def _is_plain(name: object) -> bool:
    return (
        isinstance(name, str)
        and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) is not None
        and name != MANIFEST
    )

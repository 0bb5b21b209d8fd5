"""A trained swap as a folder that can be given to others: what is in it, and reading it with care.

swap.json           what the model is: preset, settings, step, people, every tensor and file
model.safetensors   the averaged weights, and the mean embeddings of both people
MODELCARD.md        the same in words

Nothing in it is ever run. All of it is checked before anything is written, as it may come from
anybody: names of files are fixed, sizes and shapes follow from the preset, hashes and numbers must
be right.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load

from engine.nets.presets import get_preset
from engine.training.checkpoint import flat
from engine.training.model import PEOPLE
from engine.training.settings import TrainSettings, settings_for
from engine.training.step import State, state_shapes
from projects.errors import CommandError, DamagedError
from projects.files import read_errors
from projects.names import NAME_LIMIT, printable
from projects.texts import check_version

VERSION = 1
FORMAT = "swapdeck swap"
MANIFEST = "swap.json"
MODEL = "model.safetensors"
CARD = "MODELCARD.md"
IDENTITY = "identity"
IDENTITY_SIZE = 128

_MOST_MANIFEST = 4_000_000  # bytes
_MOST_HEADER = 16_000_000
MOST_WEIGHTS = 8_000_000_000
_MOST_STEP = 10**9
_HASH = re.compile(r"[0-9a-f]{16,128}")

Tensors = dict[str, NDArray[np.float32]]
"""Every tensor by its path, such as encoder/stem/kernel."""


@dataclass(frozen=True)
class Role:
    """One of the two people as the folder tells of them; nothing of it is trusted."""

    name: str
    consent: dict[str, str]


@dataclass(frozen=True)
class Portable:
    """A folder's description, checked: every value is of its type and within its limits."""

    folder: Path
    digest: str  # SHA-256 of the description
    name: str
    step: int
    settings: TrainSettings  # with which it was trained
    changes: dict[str, Any]  # what differs from the preset's defaults, for the swap's own file
    datasets: dict[str, str]
    people: dict[str, Role]
    model_digest: str
    model_size: int


def shapes_of(settings: TrainSettings) -> State:
    """The shapes of a whole training state, without an array. Raises CommandError."""
    return state_shapes(get_preset(settings.preset), settings)


def tensor_shapes(shapes: State) -> dict[str, tuple[int, ...]]:
    """The shapes of what is passed on of a state: the averaged weights."""
    return {name: tuple(leaf.shape) for name, leaf in flat(shapes.average).items()}


def read_portable(folder: Path) -> Portable:
    """The checked description of an exported swap.

    Raises:
        CommandError: there is no such folder, or it holds no exported swap.
        DamagedError, NewerVersionError: anything in it cannot be right; the sentence says what.
    """
    path = folder / MANIFEST
    if not folder.is_dir() or not os.path.lexists(path):
        raise CommandError(
            f"{folder} holds no exported swap: there is no {MANIFEST} in it. Give the folder that "
            "'swapdeck swap export' made."
        )
    data = read_regular(path, _MOST_MANIFEST)
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} is damaged: it is not JSON text.") from error
    check_version(path, record, VERSION)
    try:
        return _checked(folder, hashlib.sha256(data).hexdigest(), record)
    except (_WrongError, CommandError) as error:
        raise DamagedError(f"{path} cannot be used: {error}") from error


def read_tensors(portable: Portable, shapes: dict[str, tuple[int, ...]]) -> Tensors:
    """The weights, compared with their hash and with `shapes`, and the identities.

    Raises DamagedError when anything differs, or a number is none.
    """
    path = portable.folder / MODEL
    wanted = {**shapes, **{f"{IDENTITY}/{who}": (IDENTITY_SIZE,) for who in PEOPLE}}
    least = 4 * sum(math.prod(shape) for shape in shapes.values())
    if least > MOST_WEIGHTS:
        raise DamagedError(f"{path} would need {least} bytes of memory, which is too much.")
    if not least <= portable.model_size <= least + _MOST_HEADER:
        raise DamagedError(
            f"{path} cannot be a model of the preset {portable.settings.preset}: it has "
            f"{portable.model_size} bytes, and the weights have {least}."
        )
    data = read_regular(path, least + _MOST_HEADER)
    if len(data) != portable.model_size:
        raise DamagedError(
            f"{path} is damaged: it has {len(data)} bytes instead of {portable.model_size}."
        )
    if hashlib.sha256(data).hexdigest() != portable.model_digest:
        raise DamagedError(f"{path} is damaged: its bytes do not match their checksum.")
    try:
        tensors: dict[str, NDArray[Any]] = load(data)
    except (KeyError, TypeError, ValueError, OverflowError, safetensors.SafetensorError) as error:
        raise DamagedError(f"{path} cannot be read: {printable(str(error))[:200]}") from error
    for name in sorted(tensors.keys() ^ wanted.keys()):
        if name in tensors or not name.startswith(f"{IDENTITY}/"):
            raise DamagedError(
                f"{path} belongs to another model: '{printable(name)[:80]}' is in one only."
            )
    for name, array in tensors.items():
        if array.shape != wanted[name] or array.dtype != np.float32:
            raise DamagedError(
                f"{path} belongs to another model: '{name}' is {array.dtype}{list(array.shape)} "
                f"instead of float32{list(wanted[name])}."
            )
        if not np.isfinite(array).all():
            raise DamagedError(f"{path} holds weights that are not numbers, in '{name}'.")
    return tensors


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of an ordinary file; a link, a pipe or too large a one is refused unread."""
    with read_errors(path):
        if path.is_symlink():
            raise DamagedError(f"{path} is a symbolic link, which is not followed.")
        if not path.is_file():
            path.stat()  # says what is wrong with it
            raise DamagedError(f"{path} is no ordinary file.")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise DamagedError(f"{path} is no ordinary file.")
            if found.st_size > most:
                raise DamagedError(
                    f"{path} has {found.st_size} bytes, and {most} would be the most."
                )
            return file.read(most)


class _WrongError(Exception):
    """A part of the description is not as it must be."""


def _checked(folder: Path, digest: str, record: dict[str, Any]) -> Portable:
    if record.get("format") != FORMAT:
        raise _WrongError(f"it is no '{FORMAT}'.")
    values = _part(record, "training", dict)
    preset = _part(record, "preset", str)
    try:
        get_preset(preset)
    except CommandError as error:
        raise _WrongError(
            f"it was made with the preset '{printable(preset)[:80]}', which this swapdeck does "
            "not have."
        ) from error
    changes = _part(record, "settings", dict)
    if changes.keys() & {"preset", "seed"}:
        raise _WrongError("its 'settings' change the preset or the seed.")
    settings = TrainSettings.from_dict(values)
    if settings.preset != preset or not 0 <= settings.seed < 2**31:
        raise _WrongError("its preset or its seed cannot be right.")
    settings_for(preset, seed=settings.seed, **changes)
    step = _part(record, "step", int)
    if not 0 <= step <= _MOST_STEP:
        raise _WrongError(f"step {str(step)[:20]} cannot be right.")
    files = _part(record, "files", dict)
    if files.keys() != {MODEL, CARD}:
        odd = sorted(map(str, files.keys() ^ {MODEL, CARD}))[0]
        raise _WrongError(f"its list of files is wrong about '{printable(odd)[:80]}'.")
    model = _part(files, MODEL, dict)
    datasets = _part(record, "datasets", dict)
    for name, value in datasets.items():
        if name not in PEOPLE or not isinstance(value, str) or not _HASH.fullmatch(value):
            raise _WrongError("its 'datasets' are no fingerprints.")
    people = _part(record, "people", dict)
    return Portable(
        folder=folder,
        digest=digest,
        name=printable(_part(record, "name", str))[:NAME_LIMIT],
        step=step,
        settings=settings,
        changes=changes,
        datasets=datasets,
        people={who: _role(_part(people, who, dict)) for who in PEOPLE},
        model_digest=_part(model, "sha256", str),
        model_size=_part(model, "bytes", int),
    )


def _role(record: dict[str, Any]) -> Role:
    consent = record.get("consent")
    told = consent.items() if isinstance(consent, dict) else ()
    return Role(
        printable(_part(record, "name", str))[:NAME_LIMIT],
        {printable(str(k))[:40]: printable(str(v))[:400] for k, v in list(told)[:20]},
    )


def _part(record: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = record.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _WrongError(f"'{name}' is missing or of another kind than it must be.")
    return value

"""Training states as checkpoints: one safetensors file, its settings beside it, both hashed."""

import json
import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
from safetensors.numpy import load, save

from engine.training.settings import TrainSettings
from engine.training.step import State
from projects import checkpoints
from projects.errors import CommandError, DamagedError, NewerVersionError
from projects.files import read_errors
from projects.texts import read_json

VERSION = 1
STATE = "state.safetensors"
CONFIG = "config.json"
_MOST_HEADER = 16_000_000  # bytes; a few hundred a tensor


def save_state(
    folder: Path, state: State, settings: TrainSettings, fingerprints: dict[str, str], keep: int
) -> Path:
    """Write the checkpoint of this state, complete or not at all; its folder.

    Raises SwapdeckError when it cannot be written; the checkpoints before it stay.
    """
    step = int(state.step)
    config = {
        "version": VERSION,
        "step": step,
        "settings": settings.as_dict(),
        "fingerprints": fingerprints,
        "jax": jax.__version__,
    }
    files = {
        STATE: save(flat(jax.device_get(state))),
        CONFIG: (json.dumps(config, indent=2) + "\n").encode(),
    }
    return checkpoints.save(folder, step, files, keep)


def read_settings(checkpoint: Path) -> TrainSettings:
    """The settings that a checkpoint was trained with.

    Raises DamagedError when they cannot be read, NewerVersionError when they are too new.
    """
    config = read_json(checkpoint / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("version"), int):
        raise DamagedError(f"{checkpoint / CONFIG} says nothing that can be used.")
    if config["version"] > VERSION:
        raise NewerVersionError(
            f"{checkpoint} was written by a newer swapdeck. Update swapdeck to use it."
        )
    try:
        return TrainSettings.from_dict(config.get("settings", {}))
    except CommandError as error:
        raise DamagedError(
            f"{checkpoint} was trained with settings that this swapdeck does not have. {error} "
            "Train it anew, or use the swapdeck that it was trained with."
        ) from error


def load_state(checkpoint: Path, like: State) -> State:
    """The state of a checkpoint, with the structure, shapes and dtypes of `like` (or its shapes).

    Raises DamagedError when anything differs, and for weights that are not numbers: nothing is
    ever filled in silently. A file of another size than the weights' is not even read.
    """
    path = checkpoint / STATE
    wanted = flat(like)
    with read_errors(path):
        size = path.stat().st_size
    least = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in wanted.values())
    if not least <= size <= least + _MOST_HEADER:
        raise DamagedError(
            f"{path} belongs to another model: it has {size} bytes, and the weights have {least}."
        )
    try:
        arrays = load(path.read_bytes())
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from error
    if arrays.keys() != wanted.keys():
        odd = sorted(arrays.keys() ^ wanted.keys())[0]
        raise DamagedError(f"{path} belongs to another model: {odd!r} is in one of them only.")
    for name, array in arrays.items():
        if (array.shape, array.dtype) != (wanted[name].shape, wanted[name].dtype):
            raise DamagedError(
                f"{path} belongs to another model: {name!r} is {array.dtype}{list(array.shape)} "
                f"instead of {wanted[name].dtype}{list(wanted[name].shape)}."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DamagedError(f"{path} holds weights that are not numbers, in {name!r}.")
    leaves = [jax.numpy.asarray(arrays[name]) for name in wanted]
    state: State = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return state


def flat(tree: Any) -> dict[str, Any]:
    """Every leaf under its path in the tree, such as params/encoder/stem/kernel."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }

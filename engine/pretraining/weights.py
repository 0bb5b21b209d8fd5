"""The weights that a swap begins with: those of a base, shipped or the workspace's own.

A shipped base is one safetensors file beside this module, in half precision: the encoder and the
decoder of the average person. `python -m engine.pretraining.weights BASE_FOLDER` makes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
from safetensors.numpy import load, save

from engine.nets.presets import get_preset
from engine.training.checkpoint import STATE, flat
from engine.training.model import Params, fresh_params
from engine.training.start import ANYONE
from projects.bases import AUTO, NONE, Base, get_base, load_base, people_in_base
from projects.checkpoints import newest
from projects.consent import require
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import read_errors, write_bytes
from projects.workspace import Workspace

_SHIPPED: Final = Path(__file__).resolve().parent / "shipped"
GROWN: Final = {"light-128": "light-64"}
"""Presets that have all of another one's networks but the end of its decoder, where theirs goes on:
they begin with its bases, as far as those reach."""
_AVERAGE: Final = "average/"


def base_params(name: str, preset: str, workspace: Workspace) -> Params | None:
    """The weights that a swap with this setting `base` begins with; None for random ones.

    They are {"encoder", ANYONE}, float32. Raises CommandError for a base that is not there or is
    of a preset that does not fit, SwapdeckError for one that was never trained or is damaged.
    """
    if name == NONE:
        return None
    if name == AUTO:
        path = shipped_base(preset)
        return None if path is None else _grown(_params(path, path.stem, ""), path.stem, preset)
    base = get_base(workspace, name)
    if base.preset not in (preset, GROWN.get(preset)):
        raise CommandError(
            f"The base {base.name} is of {base.preset}, and this swap of {preset}. Choose another "
            "with: swapdeck swap set SWAP base=NAME"
        )
    _require_consent(workspace, base)
    return _grown(_params(_newest(base), base.preset, _AVERAGE), base.preset, preset)


def _grown(params: Params, was: str, preset: str) -> Params:
    """A base of the preset `was` as one of `preset`: what has no place in it is left, and what it
    has besides begins at random."""
    if was == preset:
        return params
    known = flat(params)
    fresh = fresh_params(get_preset(preset), 0, (ANYONE,))
    leaves = [
        known[name] if name in known and known[name].shape == leaf.shape else leaf
        for name, leaf in flat(fresh).items()
    ]
    grown: Params = jax.tree.unflatten(jax.tree.structure(fresh), leaves)
    return grown


def _require_consent(workspace: Workspace, base: Base) -> None:
    """Raise RefusedError unless everybody in the base has a consent now that covers training."""
    for person in people_in_base(workspace, base):
        require(person, "training")


def shipped_base(preset: str) -> Path | None:
    """The file of the base that comes with the program, where the preset has one."""
    path = _SHIPPED / f"{GROWN.get(preset, preset)}.safetensors"
    return path if path.exists() else None


def ship(base: Base, path: Path) -> None:
    """Write a base's averaged weights in half precision, complete or not at all."""
    params = _params(_newest(base), base.preset, _AVERAGE)
    half = {name: np.asarray(leaf, np.float16) for name, leaf in flat(params).items()}
    write_bytes(path, save(half, metadata={"preset": base.preset, "format": "swapdeck base"}))


def _newest(base: Base) -> Path:
    checkpoint, _ = newest(base.checkpoints_dir)
    if checkpoint is None:
        raise SwapdeckError(
            f"The base {base.name} was never trained. Train it with: swapdeck pretrain {base.slug}"
        )
    return checkpoint / STATE


def _params(path: Path, preset: str, prefix: str) -> Params:
    """Encoder and decoder of a file, those tensors whose names begin with `prefix`."""
    with read_errors(path):
        data = path.read_bytes()
    try:
        tensors = load(data)
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from error
    like = jax.eval_shape(lambda: fresh_params(get_preset(preset), 0, (ANYONE,)))
    leaves = []
    for name, wanted in flat(like).items():
        found = tensors.get(prefix + name)
        if found is None or found.shape != wanted.shape:
            raise DamagedError(f"{path} belongs to another model: {name!r} is not in it so.")
        leaf = found.astype(np.float32)
        if not np.isfinite(leaf).all():
            raise DamagedError(f"{path} holds weights that are not numbers, in {name!r}.")
        leaves.append(jnp.asarray(leaf))
    params: Params = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return params


def main() -> None:
    """Make the shipped file of a base's folder."""
    base = load_base(Path(sys.argv[1]))
    path = _SHIPPED / f"{base.preset}.safetensors"
    path.parent.mkdir(exist_ok=True)
    ship(base, path)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()

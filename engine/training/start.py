"""`swap new --from`: a model that begins with what another one has learnt.

Networks that all people share are taken as they are. Somebody who is in both models goes on with
their own; everybody else begins with a copy of the one of whoever had their role, since a decoder
that has learnt faces is nearer to a new face than noise is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from engine.nets.presets import SHARED, SOURCE, get_preset
from engine.training.checkpoint import load_state, read_settings, save_state
from engine.training.model import Model, Params, build
from engine.training.settings import settings_for
from engine.training.step import compile_first_state, state_shapes, with_params
from projects import checkpoints, ledger
from projects.errors import CommandError
from projects.files import sha256_file
from projects.people import Person
from projects.starts import Start
from projects.swaps import Swap, load_swap, new_swap, require_consent
from projects.workspace import Workspace

ANYONE = "anyone"
"""In a model that is nobody's own, the network that everybody begins with."""


@dataclass(frozen=True)
class Begun:
    """A swap that was made from another, and what was odd about that one's checkpoints."""

    swap: Swap
    step: int
    """Of the checkpoint that was taken."""
    warnings: list[str]


def started(theirs: Params, roles: Mapping[str, str], model: Model, fresh: Params) -> Params:
    """The first parameters of `model`, taken from those of another model of the same preset.

    theirs: the other model's, by the names of its networks; ANYONE may be among them.
    roles: for each person of `model`, the role in the other whose network they begin with. Who is
        not in it begins with ANYONE, and with fresh parameters where there is none.
    fresh: random parameters of `model`.

    In liae a source has the shared inter only, so that one is what is taken from a source, and a
    source takes nothing of their own. Returns new arrays for all that is taken.

    Raises CommandError when the networks have other shapes: it is another preset.
    """
    single = model.preset.inter is not None
    taken = dict(fresh)
    for name in fresh:
        if name not in model.people:  # what all share
            source = name
        else:
            source = roles.get(name, ANYONE)
            source = SHARED if single and source == SOURCE else source
            if source not in theirs and name not in roles:
                continue
        if source not in theirs or _shapes(theirs[source]) != _shapes(fresh[name]):
            raise CommandError(
                f"The model to start from does not fit the preset {model.preset.name}: its network "
                f"'{source}' is missing or of another shape. Choose a model of that preset."
            )
        taken[name] = jax.tree.map(jnp.array, theirs[source])
    return taken


def teachers(people: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Whose network each person of a new model begins with: by role, a role of the other model.

    people, others: both models' people by role, as `Swap.roles`. Their own where they are in both,
    otherwise that of their role; further people of whom the other has fewer begin as the target.
    """
    own = {who: role for role, who in others.items()}
    return {
        role: own.get(who, role if role in others else "target") for role, who in people.items()
    }


def start_swap(
    workspace: Workspace,
    name: str | None,
    source: Person,
    target: Person,
    other: Swap,
    *,
    seed: int,
    settings: Mapping[str, Any],
    preset: str | None = None,
    others: Sequence[Person] = (),
) -> Begun:
    """A new swap whose checkpoint of step 0 begins with the best, or newest, of `other`.

    The weights are copied, so `other` may go. Its optimiser's moments are left: the new training
    warms up. preset: None for that of `other`.

    Raises:
        RefusedError: somebody in the other model has no consent that covers training.
        CommandError: as `new_swap`; the other was never trained, or has another preset.
        DamagedError: its checkpoint cannot be read.
    """
    require_consent(workspace, other, "training")
    checkpoint, warnings = checkpoints.best(other.checkpoints_dir)
    if checkpoint is None:
        sentence = f"{other.name} has no model yet to start from. Train it: swapdeck train "
        raise CommandError(" ".join([*warnings, sentence]) + other.slug)
    was = read_settings(checkpoint)
    if preset is not None and preset != was.preset:
        raise CommandError(
            f"{other.name} is a model of the preset {was.preset}, and one of {preset} cannot start "
            "from it. Leave out --preset, or start from another."
        )
    networks = get_preset(was.preset)
    now = settings_for(was.preset, seed=seed, **settings)
    taken = load_state(checkpoint, state_shapes(networks, was, tuple(other.roles))).average
    step, digest = int(checkpoint.name), sha256_file(checkpoint / checkpoints.MANIFEST)

    def fill(root: Path) -> None:
        roles = load_swap(root).roles
        people = tuple(roles)
        first = compile_first_state(networks, now, people)
        model = build(networks, people)
        params = started(taken, teachers(roles, other.roles), model, first.params)
        save_state(root / "checkpoints", with_params(first, params), now, {}, keep=1)

    made = new_swap(
        workspace,
        name,
        source,
        target,
        preset=was.preset,
        seed=seed,
        settings=settings,
        others=others,
        start=Start(other.slug, step, digest, other.people),
        fill=fill,
    )
    ledger.append(
        workspace,
        "start",
        swap=made.slug,
        people=list(made.people),
        origin=other.slug,
        step=step,
        sha256=digest,
    )
    return Begun(made, step, warnings)


def _shapes(network: Params) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), network)

"""`swap import`: an exported folder becomes a swap of this workspace, once all of it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from engine.training.adversary import first_adversary
from engine.training.checkpoint import save_state
from engine.training.model import PEOPLE
from engine.training.optimisers import first_moments
from engine.training.portable import (
    IDENTITY,
    IDENTITY_SIZE,
    Portable,
    Tensors,
    read_portable,
    read_tensors,
    shapes_of,
    tensor_shapes,
)
from engine.training.step import State
from projects import ledger
from projects.consent import Consent, require
from projects.errors import CommandError, DamagedError, RefusedError
from projects.names import clean_name, slug
from projects.people import Person, add_person, get_person
from projects.swaps import Swap, new_swap
from projects.texts import check_version, read_json, write_json
from projects.workspace import Workspace

VERSION = 1
IDENTITIES = "identities.json"
USE = "conversion"  # what an imported swap is for; training on is asked for when it happens


@dataclass(frozen=True)
class Cast:
    """Who plays a role: somebody of this workspace, or a name to be added with a consent."""

    name: str
    person: Person | None


def import_swap(
    workspace: Workspace,
    folder: Path,
    *,
    name: str | None = None,
    people: dict[str, str] | None = None,
    consent: Consent | None = None,
) -> tuple[Swap, Portable]:
    """A swap of this workspace from an exported folder; it can convert, and be trained on.

    people: for "source" and "target" who that is here, by default who has the same name.
    consent: with which people who are not here are added. Nothing is added before all is checked.

    Raises:
        RefusedError: the consent of one of the people does not cover conversion here.
        CommandError: no such folder, somebody is not here and there is no `consent`, a name is
            taken.
        DamagedError: anything in the folder is not as it must be.
    """
    portable = read_portable(folder)
    cast = _cast(workspace, portable, people or {}, consent)
    title = clean_name(name or portable.name, "swap's name")
    if (workspace.swaps / slug(title)).exists():
        raise CommandError(f"There is already a swap '{slug(title)}'. Choose another with --name.")
    shapes = shapes_of(portable.settings)
    tensors = read_tensors(portable, tensor_shapes(shapes))
    there = [
        one.person or add_person(workspace, one.name, consent)
        for one in (cast[who] for who in PEOPLE)
    ]

    def fill(root: Path) -> None:
        _save(root, portable, shapes, tensors)

    swap = new_swap(
        workspace,
        title,
        *there,
        preset=portable.settings.preset,
        seed=portable.settings.seed,
        settings=portable.changes,
        fingerprints=portable.datasets,
        fill=fill,
    )
    ledger.append(
        workspace,
        "import",
        swap=swap.slug,
        people=[swap.source, swap.target],
        folder=str(folder.absolute()),
        sha256=portable.digest,
        step=portable.step,
    )
    return swap, portable


def load_identity(swap: Swap, who: str) -> NDArray[np.float32] | None:
    """The mean embedding of one of the people that came with an imported swap; None without."""
    path = swap.root / IDENTITIES
    if not path.is_file():
        return None
    record = read_json(path)
    check_version(path, record, VERSION)
    try:
        values = np.asarray(record[who], np.float32)
    except KeyError:
        return None
    except (TypeError, ValueError) as error:
        raise DamagedError(f"{path} is damaged. Import the swap again.") from error
    if values.shape != (IDENTITY_SIZE,) or not np.isfinite(values).all():
        raise DamagedError(f"{path} is damaged. Import the swap again.")
    return values


def _cast(
    workspace: Workspace, portable: Portable, people: dict[str, str], consent: Consent | None
) -> dict[str, Cast]:
    cast = {}
    for who in PEOPLE:
        name = clean_name(people.get(who) or portable.people[who].name, "person's name")
        if (workspace.people / slug(name)).is_dir():
            person = get_person(workspace, name)
            require(person, USE)
            cast[who] = Cast(name, person)
        else:
            _check_new(who, name, people, portable, consent)
            cast[who] = Cast(name, None)
    if slug(cast["source"].name) == slug(cast["target"].name):
        raise CommandError(
            "Source and target would be the same person. Say who they are with --source and "
            "--target."
        )
    return cast


def _check_new(
    who: str, name: str, people: dict[str, str], portable: Portable, consent: Consent | None
) -> None:
    if consent is None:
        told = "; ".join(f"{k}: {v}" for k, v in portable.people[who].consent.items() if v)
        raise RefusedError(
            f"There is nobody called '{name}' here, the {who} of this swap, and so no consent "
            f"record. The folder claims: {told or 'nothing'}. Say who it is with --{who} PERSON, "
            'or add them with --basis BASIS --scope "WHAT FOR", when you know that they agreed.'
        )
    if consent.problem() or USE not in consent.covers:
        raise RefusedError(
            f"The consent that you give for '{name}' does not cover {USE}. "
            + (consent.problem() or f"Add: --use {USE}")
        )


def _save(root: Path, portable: Portable, shapes: State, tensors: Tensors) -> None:
    """The checkpoint and the identities into a swap's new folder."""
    paths, structure = jax.tree_util.tree_flatten_with_path(shapes.average)
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths]
    weights: Any = jax.tree.unflatten(structure, [tensors[name] for name in names])
    # Of optimiser and adversary nothing is passed on; they start anew, as before a first step.
    settings = portable.settings
    moments = first_moments(weights, settings)
    adversary = first_adversary(settings, PEOPLE)
    state = State(jax.numpy.int32(portable.step), weights, weights, moments, adversary)
    save_state(root / "checkpoints", state, portable.settings, portable.datasets, keep=3)
    known = {who: tensors[key] for who in PEOPLE if (key := f"{IDENTITY}/{who}") in tensors}
    if known:
        values = {who: [float(value) for value in vector] for who, vector in known.items()}
        write_json(root / IDENTITIES, {"version": VERSION, **values})

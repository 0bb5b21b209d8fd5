"""`swap export`: a trained swap as a folder for others. See `engine.training.portable`."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import save_file

from engine.faces.dataset import person_identity
from engine.quality.table import MEASURES, QualityTable, written
from engine.training.checkpoint import STATE, read_settings
from engine.training.model import PEOPLE
from engine.training.portable import (
    CARD,
    FORMAT,
    IDENTITY,
    MANIFEST,
    MODEL,
    VERSION,
    Tensors,
    shapes_of,
    tensor_shapes,
)
from engine.training.settings import TrainSettings
from projects import checkpoints, ledger
from projects.consent import Consent, require
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.faces import FaceIndex
from projects.files import folder_replacing, sha256_file
from projects.people import Person
from projects.swaps import Swap, people_of
from projects.texts import read_json, write_json, write_text
from projects.workspace import Workspace, now

_WEIGHTS = "average/"
_MOST_SCORES = 20


def export_swap(
    workspace: Workspace, swap: Swap, folder: Path, *, newest: bool = False
) -> tuple[int, list[str]]:
    """Write the swap's model to `folder`, complete or not at all.

    It is the one with the best held-out score, as for a conversion; with `newest`, and without
    scores, the newest. An export is of two people: the decoders of others who share the encoder
    stay here, but what it has learnt from them does not, so they too must have agreed. Returns its
    step, and warnings about damaged checkpoints.

    Raises:
        RefusedError: a consent does not cover export.
        CommandError: `folder` is there already, or lies in the workspace.
        SwapdeckError: the swap was never trained, or the folder cannot be written.
    """
    everybody = people_of(workspace, swap)
    agreed = [(person, require(person, "export")) for person in everybody]
    told = dict(zip(PEOPLE, (_told(*one) for one in agreed), strict=False))
    people = dict(zip(PEOPLE, everybody, strict=False))
    _check_place(workspace, folder)
    choose = checkpoints.newest if newest else checkpoints.best
    checkpoint, warnings = choose(swap.checkpoints_dir)
    if checkpoint is None:
        raise SwapdeckError(
            f"{swap.name} has no model yet. Train it first: swapdeck train {swap.slug}"
        )
    settings = read_settings(checkpoint)
    tensors = _weights(checkpoint, settings)
    shapes = {name: "x".join(map(str, array.shape)) for name, array in tensors.items()}
    count = sum(array.size for array in tensors.values())
    tensors |= _identities(people)
    step = int(checkpoint.name)
    record = {
        "version": VERSION,
        "format": FORMAT,
        "name": swap.name,
        "written": now(),
        "swapdeck": version("swapdeck"),
        "preset": settings.preset,
        "step": step,
        "weights": f"{count:,} numbers, float32, the running average of the training",
        "tensors": shapes,
        "settings": swap.settings,
        "training": settings.as_dict(),
        "datasets": {who: swap.fingerprints[who] for who in PEOPLE if who in swap.fingerprints},
        "people": told,
        "others": [_told(*one) for one in agreed[len(PEOPLE) :]],
        "scores": _scores(swap),
    }
    with folder_replacing(folder, replace=False) as temporary:
        save_file(tensors, temporary / MODEL)
        (temporary / MODEL).chmod(0o644)
        write_text(temporary / CARD, _card(record))
        record["files"] = {
            name: {
                "sha256": sha256_file(temporary / name),
                "bytes": (temporary / name).stat().st_size,
            }
            for name in (MODEL, CARD)
        }
        write_json(temporary / MANIFEST, record)
        digest = hashlib.sha256((temporary / MANIFEST).read_bytes()).hexdigest()
        for person in everybody:
            require(person, "export")  # it may have been withdrawn meanwhile
        ledger.append(
            workspace,
            "export",
            swap=swap.slug,
            people=list(swap.people),
            folder=str(folder.absolute()),
            sha256=digest,
            step=step,
        )
    return step, warnings


def _check_place(workspace: Workspace, folder: Path) -> None:
    if folder.resolve().is_relative_to(workspace.root.resolve()):
        raise CommandError(
            f"{folder} lies in the workspace, where swapdeck keeps its own files. Choose another "
            "place for what you give to others."
        )
    if not folder.absolute().parent.is_dir():
        raise CommandError(f"There is no folder {folder.absolute().parent}. Create it first.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already. Choose another name.")


def _weights(checkpoint: Path, settings: TrainSettings) -> Tensors:
    """The averaged weights of a checkpoint whose bytes were compared with their hashes."""
    path = checkpoint / STATE
    wanted = tensor_shapes(shapes_of(settings))
    tensors: Tensors = {}
    try:
        with safetensors.safe_open(str(path), framework="numpy") as state:
            for name in wanted:
                tensors[name] = np.ascontiguousarray(state.get_tensor(_WEIGHTS + name))
    except (OSError, safetensors.SafetensorError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from error
    for name, array in tensors.items():
        if array.shape != wanted[name] or not np.isfinite(array).all():
            raise DamagedError(f"{path} holds weights that cannot be right, in '{name}'.")
    return tensors


def _identities(people: dict[str, Person]) -> Tensors:
    """The mean embeddings, by which a conversion knows whom to replace; of whom there are faces."""
    found: Tensors = {}
    for who, person in people.items():
        if person.index_path.is_file():
            with FaceIndex(person.index_path, readonly=True) as index:
                if index.counts().kept:
                    found[f"{IDENTITY}/{who}"] = person_identity(index).astype(np.float32)
    return found


def _told(person: Person, consent: Consent) -> dict[str, Any]:
    """What others are told of a person: their name and the ground on which this was allowed."""
    return {
        "name": person.name,
        "consent": {
            "basis": consent.basis,
            "uses": ", ".join(consent.covers),
            "scope": consent.scope,
            "expires": consent.expires,
            "explanation": consent.explanation,
            "document": consent.document,
        },
    }


def _scores(swap: Swap) -> list[dict[str, Any]]:
    """What the swap's report measured, a row a conversion; nothing when there is no report."""
    try:
        record = read_json(swap.results_dir / "report.json")
        measured = [
            (Path(str(part["output"])).name, part["step"], QualityTable.from_dict(part["quality"]))
            for part in record["conversions"][:_MOST_SCORES]
        ]
    except (DamagedError, KeyError, TypeError, AttributeError):
        return []
    return [
        {
            "of": name,
            "step": step,
            **{measure.heading: written(table.rows[0], measure) for measure in MEASURES},
        }
        for name, step, table in measured
        if table.rows
    ]


def _card(record: dict[str, Any]) -> str:
    people = record["people"]
    lines = [
        f"# {record['name']}",
        "",
        f"A face swap trained with swapdeck {record['swapdeck']}: the face of "
        f"{people['source']['name']} on footage of {people['target']['name']}, and the other way "
        "round. It holds their faces: give it on only as their consent allows, and mark what is "
        "made with it.",
        "",
        "Never use it for sexual content, nor with faces of people under age.",
        "",
        "| | |",
        "|---|---|",
        f"| preset | {record['preset']} |",
        f"| steps | {record['step']} |",
        f"| weights | {record['weights']} |",
        f"| written | {record['written']} |",
    ]
    for who in PEOPLE:
        dataset = record["datasets"].get(who, "not known")
        lines.append(f"| fingerprint of the {who}'s dataset | {dataset} |")
    lines += ["", "## People and consent", ""]
    for who in PEOPLE:
        lines.append(f"- {who}: {_of(people[who])}")
    for other in record["others"]:
        lines.append(f"- trained on besides, without a decoder of their own here: {_of(other)}")
    if record["scores"]:
        lines += ["", "## Measured", ""]
        for row in record["scores"]:
            facts = ", ".join(f"{k} {v}" for k, v in row.items() if k not in ("of", "step"))
            lines.append(f"- {_cell(row['of'])}, step {row['step']}: {facts}")
    lines += ["", "To use it: `swapdeck swap import FOLDER`", ""]
    return "\n".join(lines)


def _of(told: dict[str, Any]) -> str:
    facts = (f"{key}: {_cell(value)}" for key, value in told["consent"].items() if value)
    return f"{_cell(told['name'])}. {'; '.join(facts)}"


def _cell(text: object) -> str:
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in str(text))

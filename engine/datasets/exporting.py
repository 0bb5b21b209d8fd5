"""A dataset as a folder for others: aligned pictures, each with a JSON file beside it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Final

from engine.datasets.sidecar import to_json
from engine.faces.align import CROP_MARGIN, CROP_SIZE
from engine.faces.dataset import mask_path
from engine.faces.details import detail_path
from projects import ledger
from projects.consent import require
from projects.errors import CommandError, DamagedError
from projects.face_query import Selection
from projects.faces import FaceIndex
from projects.files import folder_replacing, inside, write_errors
from projects.people import Person
from projects.sources import list_sources
from projects.texts import write_json
from projects.workspace import Workspace, now

CARD: Final = "dataset.json"
FORMAT: Final = "swapdeck faces"
VERSION: Final = 1
MASK: Final = ".mask.png"
DETAIL: Final = ".detail.jpg"


def export_faces(workspace: Workspace, person: Person, folder: Path, where: Selection) -> int:
    """Write the faces that match to `folder`, complete or not at all; how many they are.

    NAME.png is the crop (256x256 RGB, showing 4/3 of the chip), NAME.json all that is known of the
    face, NAME.mask.png its mask by hand, NAME.detail.jpg the crop in more pixels where the footage
    has more; dataset.json says what the folder is.

    Raises:
        RefusedError: the person's consent does not cover export.
        CommandError: no face matches, or the folder is there or in the workspace.
        DamagedError: a crop is missing.
    """
    consent = require(person, "export")
    _check_place(workspace, folder)
    with FaceIndex(person.index_path, readonly=True) as index:
        total = index.count(where)
        if not total:
            raise CommandError(f"{person.name} has no such faces, so there is nothing to export.")
        names = {source.digest: source.name for source in list_sources(person)}
        sources: dict[str, str] = {}
        with folder_replacing(folder, replace=False) as temporary:
            for face in index.each(where):
                picture = _read(inside(person.faces_dir, face.crop), person)
                stem = Path(face.crop).stem
                _write(temporary / f"{stem}.png", picture)
                sidecar = json.dumps(to_json(face, picture), allow_nan=False)
                _write(temporary / f"{stem}.json", sidecar.encode() + b"\n")
                beside = {
                    MASK: mask_path(person, face.crop),
                    DETAIL: detail_path(person.root, face.crop),
                }
                for ending, path in beside.items():
                    if path.is_file():
                        _write(temporary / f"{stem}{ending}", _read(path, person))
                sources[face.source] = names.get(face.source, "")
            write_json(
                temporary / CARD,
                {
                    "version": VERSION,
                    "format": FORMAT,
                    "person": person.name,
                    "consent": {"basis": consent.basis, "scope": consent.scope},
                    "written": now(),
                    "swapdeck": version("swapdeck"),
                    "faces": total,
                    "side": CROP_SIZE,
                    "margin": CROP_MARGIN,
                    "sources": sources,
                },
            )
            require(person, "export")  # it may have been withdrawn meanwhile
            ledger.append(
                workspace,
                "export",
                people=[person.slug],
                folder=str(folder.absolute()),
                faces=total,
            )
    return total


def _write(path: Path, data: bytes) -> None:
    with write_errors(path):
        path.write_bytes(data)


def _read(path: Path, person: Person) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedError(
            f"The picture {path.name} of {person.name} cannot be read ({error.strerror}). Find the "
            f"faces again with: swapdeck extract {person.slug} --again"
        ) from error


def _check_place(workspace: Workspace, folder: Path) -> None:
    if folder.resolve().is_relative_to(workspace.root.resolve()):
        raise CommandError(
            f"{folder} lies in the workspace, where swapdeck keeps its own files. Choose another "
            "place for what you export."
        )
    if not folder.absolute().parent.is_dir():
        raise CommandError(f"There is no folder {folder.absolute().parent}. Create it first.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already. Choose another name.")

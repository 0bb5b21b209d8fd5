"""Taking datasets in: our own export as it was, or a folder of pictures that show one face each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2

from engine.datasets.account import Imported
from engine.datasets.exporting import CARD, DETAIL, FORMAT, MASK
from engine.datasets.exporting import VERSION as CARD_VERSION
from engine.datasets.foreign import import_pictures
from engine.datasets.sidecar import read_sidecar
from engine.faces.dataset import decode_crop, mask_path
from engine.faces.details import decode_detail, write_detail
from engine.media.pictures import natural_key
from engine.reporting import Reporter
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.files import inside, read_errors, write_bytes, write_errors
from projects.names import printable
from projects.people import Person
from projects.texts import check_version, read_json

_BATCH: Final = 256
_SETTINGS: Final = '{"imported": 1}'
_MOST_BYTES: Final = 4 << 20
"""Of a picture of an export; a crop has 0.2 MB at most, a detail of noise 2."""
_TOLD: Final = 5


def import_faces(person: Person, folder: Path, reporter: Reporter) -> Imported:
    """Take a folder in; what is there already is passed over, so that it can be done again.

    Raises:
        CommandError: the folder holds neither our export nor pictures.
        SwapdeckError: nothing could be taken in. StopRequested: with what was taken in so far.
    """
    if not folder.is_dir():
        raise CommandError(f"There is no folder {folder}.")
    for path in (person.faces_dir, inside(person.root, "masks")):
        with write_errors(path):
            path.mkdir(exist_ok=True)
    done = Imported()
    with FaceIndex(person.index_path) as index:
        if (folder / CARD).is_file():
            _import_export(person, index, folder, reporter, done)
        else:
            import_pictures(person, index, folder, reporter, done)
    for sentence in done.refused[:_TOLD]:
        reporter.event("warning", text=f"Left out: {sentence}")
    if len(done.refused) > _TOLD:
        more = len(done.refused) - _TOLD
        reporter.event("warning", text=f"{more} more could not be taken in.")
    if not done.new and not done.known:
        first = f" The first: {done.refused[0]}" if done.refused else ""
        raise SwapdeckError(
            f"Nothing in {folder} could be taken in: {done.faceless} pictures without a face, "
            f"{len(done.refused)} refused.{first}"
        )
    return done


def _import_export(
    person: Person, index: FaceIndex, folder: Path, reporter: Reporter, done: Imported
) -> None:
    card = read_json(folder / CARD)
    check_version(folder / CARD, card, CARD_VERSION)
    if card.get("format") != FORMAT:
        raise CommandError(f"{folder / CARD} is not of a dataset that swapdeck exported.")
    with read_errors(folder):
        sidecars = sorted(
            (p for p in folder.glob("*.json") if p.name != CARD and not p.name.startswith(".")),
            key=lambda path: natural_key(path.name),
        )
    known = set(index.crops())
    reporter.event("stage", name="import", total=len(sidecars), unit="faces")
    for start in range(0, len(sidecars), _BATCH):
        reporter.check()
        faces: dict[str, list[Face]] = {}
        for path in sidecars[start : start + _BATCH]:
            if f"{path.stem}.png" in known:
                done.known += 1
                continue
            try:
                face = _take(person, path)
            except DamagedError as error:
                done.refused.append(str(error))
                continue
            faces.setdefault(face.source, []).append(face)
        for source, theirs in faces.items():
            index.add_imported(source, theirs, _SETTINGS)
            done.new += len(theirs)
        reporter.event(
            "progress", stage="import", done=min(start + _BATCH, len(sidecars)), total=len(sidecars)
        )


def _take(person: Person, sidecar: Path) -> Face:
    """The face of a sidecar, its crop and its mask written into the person's folders.

    Raises:
        DamagedError: something about it is not sound; the text says what.
    """
    picture = _picture(sidecar.with_suffix(".png"), cv2.IMREAD_COLOR)
    face = read_sidecar(sidecar, picture)
    mask = sidecar.with_name(f"{sidecar.stem}{MASK}")
    if mask.is_file():
        write_bytes(mask_path(person, face.crop), _picture(mask, cv2.IMREAD_GRAYSCALE))
    detail = sidecar.with_name(f"{sidecar.stem}{DETAIL}")
    if detail.is_file():
        write_detail(person.root, face.crop, _detail(detail))
    write_bytes(inside(person.faces_dir, face.crop), picture)
    return face


def _picture(path: Path, flags: int) -> bytes:
    """The bytes of a crop or a mask that can be read as one."""
    data = _bytes(path)
    if data is None or decode_crop(data, flags) is None:
        raise _no_crop(path)
    return data


def _detail(path: Path) -> bytes:
    """The bytes of a detail that can be read as one."""
    data = _bytes(path)
    if data is None or decode_detail(data) is None:
        raise _no_crop(path)
    return data


def _bytes(path: Path) -> bytes | None:
    """What a file holds; None where that is more than any picture of ours."""
    if path.is_symlink():
        raise DamagedError(
            f"{printable(str(path))} is a link to another file. Copy the file itself there."
        )
    with read_errors(path), path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    return data if len(data) <= _MOST_BYTES else None


def _no_crop(path: Path) -> DamagedError:
    return DamagedError(f"{printable(str(path))} is no crop of swapdeck. Export the dataset again.")

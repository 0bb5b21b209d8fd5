"""`swapdeck faces mend`, `mask` and `unmask`: correcting single faces by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.faces_choice import open_faces
from engine.cli.session import Session, Verb, pass_session
from engine.text import count

if TYPE_CHECKING:
    from engine.datasets.mend import Mend
    from projects.faces import Face, FaceIndex
    from projects.people import Person

_IN = click.Choice(("frame", "crop"))
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Verb)
@click.argument("person")
@click.argument("face", required=False)
@click.option("--file", type=_FILE, help="A JSON file that corrects any number of faces.")
@click.option(
    "--box",
    nargs=4,
    type=float,
    metavar="LEFT TOP RIGHT BOTTOM",
    help="Where the face is; its landmarks are found anew.",
)
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="N=X,Y",
    help="Put landmark N (0 to 67) there.",
)
@click.option("--move", nargs=2, type=float, metavar="X Y", help="Move all landmarks by so much.")
@click.option(
    "--in", "space", type=_IN, default="frame", show_default=True, help="Whose pixels are meant."
)
@click.option("--restore", is_flag=True, help="Put back what extraction had found.")
@pass_session
def mend(
    session: Session,
    person: str,
    face: str | None,
    file: Path | None,
    box: tuple[float, float, float, float] | None,
    points: tuple[str, ...],
    move: tuple[float, float] | None,
    space: str,
    restore: bool,
) -> None:
    """Correct where FACE (its number or crop) is in its frame.

    Crop, pose, measures and embedding are made anew. Conversion takes the corrected place, too.
    """
    from projects.errors import CommandError

    ways = sum((file is not None, box is not None, bool(points) or move is not None, restore))
    if ways != 1 or (file is None) == (face is None):
        raise CommandError(
            "Name a face and one of --box, --point or --move, and --restore; or give a --file."
        )
    one, index = open_faces(session, person)
    with index:
        from engine.datasets import mend as mending
        from engine.datasets.corrections import Space

        where: Space = "crop" if space == "crop" else "frame"
        mends: list[Mend]
        if file is not None:
            mends = mending.read_mends(file, index)
        else:
            chosen = _one_face(one, index, str(face))
            if restore:
                mends = [mending.Mend(chosen, restore=True)]
            elif box is not None:
                mends = [mending.boxed(chosen, box, where, "--box")]
            else:
                mends = [mending.moved_points(chosen, points, move or (0.0, 0.0), where)]
        mended = mending.mend(one, index, mends)
    session.output.done(
        {
            "person": one.slug,
            "mended": [new.id for new in mended],
            "crops": [n.crop for n in mended],
        },
        f"{count(len(mended), 'face')} mended: look at "
        f"{', '.join(str(one.faces_dir / new.crop) for new in mended[:3])}",
    )


@click.command(cls=Verb)
@click.argument("person")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.argument("which", nargs=-1)
@pass_session
def mask(session: Session, person: str, file: Path, which: tuple[str, ...]) -> None:
    """Attach masks to faces, so that what covers them is neither learnt nor replaced.

    FILE is a picture in which the face is white, as large as the crop or the frame; or a JSON file
    with polygons; or a folder of pictures named as the crops. WHICH are the faces (numbers, ranges,
    crops, rules) where the file does not say.
    """
    from projects.errors import CommandError

    one, index = open_faces(session, person)
    with index:
        from engine.datasets import masks

        faces = _faces(one, index, which) if which else []
        if file.is_dir():
            made = masks.folder_masks(file, one, index)
        elif file.suffix.lower() == ".json":
            made = masks.polygon_masks(file, index, faces)
        elif not faces:
            raise CommandError(
                f"Say which face the mask is for: swapdeck faces mask {one.slug} {file.name} FACE"
            )
        else:
            made = {face.crop: masks.painted_mask(file, one, face) for face in faces}
        masks.save_masks(one, made)
    session.output.done(
        {"person": one.slug, "masks": sorted(made)},
        f"{count(len(made), 'mask')} attached. Trainings and conversions from now on use them.",
    )


@click.command(cls=Verb)
@click.argument("person")
@click.argument("which", nargs=-1, required=True)
@pass_session
def unmask(session: Session, person: str, which: tuple[str, ...]) -> None:
    """Take masks off faces again."""
    one, index = open_faces(session, person)
    with index:
        from engine.datasets.masks import remove_masks

        removed = remove_masks(one, [face.crop for face in _faces(one, index, which)])
    session.output.done(
        {"person": one.slug, "removed": removed}, f"{count(removed, 'mask')} removed"
    )


def _faces(person: Person, index: FaceIndex, which: tuple[str, ...]) -> list[Face]:
    from projects.face_decisions import check_named, name_faces

    given = name_faces(person, which)
    check_named(person, index, given)
    return index.faces(where=given.selection)


def _one_face(person: Person, index: FaceIndex, which: str) -> Face:
    from projects.errors import CommandError

    found = _faces(person, index, (which,))
    if len(found) != 1:
        raise CommandError(f"{which!r} is {count(len(found), 'face')}: mend them one by one.")
    return found[0]

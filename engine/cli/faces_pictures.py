"""`swapdeck faces sheet` and `faces poses`: pictures of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.faces_choice import choice, choosing
from engine.cli.session import Session, Verb, pass_session
from engine.text import count, short_path
from projects.face_groups import GROUPS
from projects.face_query import KEPT, Selection, of_ids

if TYPE_CHECKING:
    from projects.faces import FaceIndex

PAGE = 300
"""Faces on a sheet when nothing was said."""
ROWS = 2
"""Rows of faces that each group gets."""
NUMBERS = (
    *("yaw", "pitch", "roll", "sharpness", "size", "brightness", "mouth", "eyes", "confidence"),
    *("covered", "likeness"),
)

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the PNG goes."
)


@click.command(cls=Verb)
@click.argument("person")
@choosing
@click.option(
    "--group",
    type=click.Choice((*GROUPS, "duplicates")),
    help="Some faces of each group, with headings.",
)
@output_option
@click.option("--columns", type=click.IntRange(1, 64), default=12, show_default=True)
@pass_session
def sheet(
    session: Session,
    person: str,
    group: str | None,
    output: Path | None,
    columns: int,
    **options: Any,
) -> None:
    """Draw PERSON's faces on one picture, to be looked at with anything."""
    from projects.errors import CommandError, SwapdeckError
    from projects.faces import FaceIndex
    from projects.people import get_person

    one = get_person(session.open(), person)
    chosen = choice(options)
    from engine.report import sheet as drawing

    with FaceIndex(one.index_path, readonly=True) as index:
        if group is None:
            parts = [drawing.Part("", list(chosen.rows(index, one, PAGE)))]
        else:
            parts = []
            for name, faces, where in _groups(index, group, chosen.selection(one)):
                order, back = (chosen.sort, chosen.reverse)
                some = index.rows(where, order=order, reverse=back, limit=ROWS * columns)
                heading = f"{group}: {name} ({count(faces, 'face')})"
                parts.append(drawing.Part(heading, list(some)))
        total = index.count(chosen.selection(one))
    drawn = sum(len(part.faces) for part in parts)
    if not drawn:
        raise SwapdeckError(
            f"{one.name} has no such faces: swapdeck extract {one.slug} finds them."
        )
    if drawn > drawing.MOST:
        raise CommandError(
            f"These are {drawn} faces, and a sheet holds {drawing.MOST}: choose some with --limit, "
            "--filter or --group."
        )
    from engine.media.pictures import save_png

    target = output or Path(f"{one.slug}-faces.png")
    show = next((key for key in (group, chosen.sort) if key in NUMBERS), None)
    save_png(target, drawing.parts_sheet(one.faces_dir, parts, max(1, min(columns, drawn)), show))
    more = f" of {total}" if drawn < total else ""
    session.output.done(
        {"sheet": str(target.absolute()), "faces": drawn},
        f"{count(drawn, 'face')}{more} on {short_path(target.absolute())}",
    )


def _groups(index: FaceIndex, key: str, where: Selection) -> Iterator[tuple[str, int, Selection]]:
    """The name of each group, how many faces are in it, and which."""
    if key != "duplicates":
        yield from ((one.name, one.faces, one.where) for one in index.groups(key, where))
        return
    from engine.datasets.duplicates import duplicates
    from engine.datasets.measures import measures

    alike = duplicates(measures(index, where))
    for first, others in sorted(alike.items(), key=lambda item: -len(item[1])):
        yield f"like {first}", 1 + len(others), of_ids([first, *others])


@click.command(cls=Verb)
@click.argument("person")
@output_option
@pass_session
def poses(session: Session, person: str, output: Path | None) -> None:
    """Draw which poses PERSON's kept faces show: one face for each, and how many there are."""
    from projects.errors import SwapdeckError
    from projects.faces import FaceIndex
    from projects.people import get_person

    one = get_person(session.open(), person)
    from engine.datasets.coverage import pose_cells
    from engine.datasets.measures import measures

    with FaceIndex(one.index_path, readonly=True) as index:
        found = measures(index, KEPT)
        cells = pose_cells(found)
        rows = {row.id: row for row in index.rows(of_ids(cell.best for cell in cells))}
    if not cells:
        raise SwapdeckError(
            f"{one.name} has no kept faces: swapdeck extract {one.slug} finds them."
        )
    from engine.media.pictures import save_png
    from engine.report.posemap import pose_map

    target = output or Path(f"{one.slug}-poses.png")
    title = f"{one.name}: {count(len(found), 'kept face')} in {count(len(cells), 'pose')}"
    save_png(target, pose_map(one.faces_dir, cells, rows, title))
    session.output.done(
        {
            "picture": str(target.absolute()),
            "faces": len(found),
            "poses": [
                {"yaw": cell.yaw, "pitch": cell.pitch, "faces": cell.faces} for cell in cells
            ],
        },
        f"{count(len(cells), 'pose')} on {short_path(target.absolute())}",
    )

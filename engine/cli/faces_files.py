"""`swapdeck faces export` and `faces import`: datasets that leave and come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.faces_choice import choice, choosing
from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import count, short_path


@click.command(cls=Verb)
@click.argument("person")
@click.argument("folder", type=click.Path(path_type=Path))
@choosing
@pass_session
def export(session: Session, person: str, folder: Path, **options: Any) -> None:
    """Write PERSON's faces to FOLDER: aligned PNGs, each with a JSON file beside it.

    All of them, kept and rejected, unless chosen. Needs a consent that covers export.
    """
    from projects.errors import CommandError
    from projects.people import get_person

    workspace = session.open()
    one = get_person(workspace, person)
    chosen = choice(options)
    if chosen.limit is not None:
        raise CommandError("An export takes all faces that meet --filter; --limit has no place.")
    where = chosen.selection(one)
    from engine.datasets.exporting import export_faces

    number = export_faces(workspace, one, folder, where)
    session.output.done(
        {"person": one.slug, "folder": str(folder.absolute()), "faces": number},
        f"{count(number, 'face')} in {short_path(folder.absolute())}",
    )


@click.command("import", cls=Verb)
@click.argument("person")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@detach_option
@pass_session
def import_(session: Session, person: str, folder: Path, detach: bool) -> None:
    """Take the faces in FOLDER into PERSON's dataset.

    FOLDER is an export of swapdeck, which comes back as it was, or pictures that show one face
    each, such as the aligned faces of other tools, which are aligned and judged anew.
    """
    from projects.people import get_person

    workspace = session.open()
    one = get_person(workspace, person)
    arguments = {"person": one.slug, "folder": str(folder.absolute())}
    outcome = run_job(session, workspace, "import", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"{one.slug}: {count(result['new'], 'new face')}, {result['known']} were there, "
            f"{result['faceless']} pictures without a face, {result['refused']} refused"
        )

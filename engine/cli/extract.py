"""`swapdeck extract`: find and judge every face in a person's sources."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.follow import run_job
from engine.cli.options import absolute, detach_option, landmark_model_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import count


@click.command(cls=Verb)
@click.argument("person")
@click.option(
    "--every", type=click.IntRange(min=1), default=1, show_default=True, help="Every Nth frame."
)
@click.option(
    "--min-size",
    type=click.IntRange(min=0),
    help="Reject faces less wide than this many pixels.",
)
@click.option("--again", is_flag=True, help="Look at every source again from its first frame.")
@landmark_model_option
@detach_option
@pass_session
def extract(
    session: Session,
    person: str,
    every: int,
    min_size: int | None,
    again: bool,
    landmark_model: Path | None,
    detach: bool,
) -> None:
    """Find and judge every face in PERSON's sources.

    Looks only at what is new; goes on where it was interrupted.
    """
    from projects.errors import CommandError
    from projects.people import get_person
    from projects.sources import list_sources

    workspace = session.open()
    one = get_person(workspace, person)
    if not list_sources(one):
        raise CommandError(f"{one.name} has no sources yet: swapdeck gather {one.slug} FILE…")
    arguments = {
        "person": one.slug,
        "every": every,
        "min_size": min_size,
        "again": again,
        "landmark_model": absolute(landmark_model),
    }
    outcome = run_job(session, workspace, "extract", one.slug, arguments, detach=detach)
    for result in outcome.results:
        searched = count(result["frames"], "frame")
        kept = count(result["kept"], "face")
        session.output.remark(
            f"{one.slug}: {searched if result['frames'] else 'nothing new'} searched; "
            f"{kept} kept, {result['rejected']} rejected"
        )

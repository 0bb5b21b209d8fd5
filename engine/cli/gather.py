"""`swapdeck gather`: bring footage in as a person's sources."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import count


@click.command(cls=Verb)
@click.argument("person")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@detach_option
@pass_session
def gather(session: Session, person: str, paths: tuple[Path, ...], detach: bool) -> None:
    """Bring footage in as PERSON's sources.

    Files and folders of videos and images are copied into the workspace.
    """
    from projects.errors import CommandError
    from projects.people import get_person

    workspace = session.open()
    one = get_person(workspace, person)
    for path in paths:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
    arguments = {"person": one.slug, "paths": [str(path.absolute()) for path in paths]}
    outcome = run_job(session, workspace, "gather", one.slug, arguments, detach=detach)
    for result in outcome.results:
        text = f"{count(result['added'], 'source')} added to {one.slug}"
        if result.get("known"):
            text += f", {result['known']} known already"
        session.output.remark(f"{text}. Next: swapdeck extract {one.slug}")

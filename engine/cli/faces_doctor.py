"""`swapdeck faces doctor`: what a dataset lacks, before hours of training show it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from engine.cli.faces_pictures import output_option
from engine.cli.session import Session, Verb, pass_session
from engine.text import clean, short_path

GLYPHS = {"good": "✓", "doubt": "!", "problem": "✗"}
COLOURS = {"good": "green", "doubt": "yellow", "problem": "red"}


@click.command(cls=Verb)
@click.argument("source")
@click.argument("target", required=False)
@output_option
@pass_session
def doctor(session: Session, source: str, target: str | None, output: Path | None) -> None:
    """Say what SOURCE's dataset lacks, by itself and for a swap onto TARGET.

    SOURCE is the person whose face will be seen, TARGET the one in the footage. With -o, a picture
    of both datasets is drawn, too.
    """
    from projects.people import get_person

    workspace = session.open()
    one = get_person(workspace, source)
    other = None if target is None else get_person(workspace, target)
    from engine.datasets.doctor import examine

    examined = examine(one, other)
    for finding in examined.findings:
        if session.json:
            session.output.line(asdict(finding))
        elif not session.quiet or finding.level != "good":
            state = click.style(
                f"{GLYPHS[finding.level]} {finding.level:<7}", fg=COLOURS[finding.level], bold=True
            )
            click.echo(f"{state}  {clean(finding.text)}")
    if output is None:
        return
    from engine.media.pictures import save_png
    from engine.report.checkup import checkup_picture

    folders = [person.faces_dir for person in (one, other) if person is not None]
    save_png(output, checkup_picture(examined.datasets, folders, examined.findings))
    session.output.done(
        {"picture": str(output.absolute())}, f"Picture: {short_path(output.absolute())}"
    )

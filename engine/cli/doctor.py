"""`swapdeck doctor`: checks the machine and says what to mend."""

from __future__ import annotations

from dataclasses import asdict

import click

from engine.cli.session import Session, Verb, pass_session
from engine.text import clean

GLYPHS = {"good": "✓", "doubtful": "!", "broken": "✗"}
COLOURS = {"good": "green", "doubtful": "yellow", "broken": "red"}


@click.command(cls=Verb)
@pass_session
def doctor(session: Session) -> None:
    """Check this machine and the workspace, and say what to mend."""
    from engine.doctor import examine
    from projects.workspace import default_root

    worst = 0
    for check in examine(session.workspace or default_root()):
        worst = max(worst, int(check.state == "broken"))
        if session.json:
            session.output.line(asdict(check))
        elif not session.quiet or check.state != "good":
            state = click.style(
                f"{GLYPHS[check.state]} {check.state:<8}", fg=COLOURS[check.state], bold=True
            )
            click.echo(f"{state}  {check.name:<11} {clean(check.found)}")
            if check.mend:
                click.echo(f"{'':<23}→ {clean(check.mend)}")
    if worst:
        raise click.exceptions.Exit(1)

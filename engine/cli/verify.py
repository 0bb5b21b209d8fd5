"""`swapdeck verify`: what a file says of itself."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.session import Session, Verb, pass_session
from engine.text import clean, short_path

GLYPHS = {"trusted": "✓", "unknown": "?", "tampered": "✗", "missing": "·"}
WORST = ("trusted", "missing", "unknown", "tampered")


@click.command(cls=Verb)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@pass_session
def verify(session: Session, files: tuple[Path, ...]) -> None:
    """Tell whether FILE is marked as synthetic, and whether its credentials are sound.

    Exit code 0: valid, and signed by somebody this computer trusts; 1: changed since it was
    signed; 4: valid, but the signer is not known here; 5: no credentials. Of several files the
    worst counts.
    """
    from engine.credentials.verify import EXIT_CODES, verify
    from projects.workspace import default_root, is_workspace, open_workspace

    root = session.workspace or default_root()
    workspace = open_workspace(root) if session.workspace or is_workspace(root) else None
    worst = 0
    for file in files:
        verdict = verify(file, workspace)
        worst = max(worst, WORST.index(verdict.credentials))
        if session.json:
            session.output.line(verdict.as_dict())
        elif not session.quiet:
            click.echo(f"{GLYPHS[verdict.credentials]} {clean(short_path(file))}")
            for sentence in verdict.sentences():
                click.echo(f"  {clean(sentence)}")
    code = EXIT_CODES[WORST[worst]]  # type: ignore[index]
    if code:
        raise click.exceptions.Exit(code)

"""`swapdeck verify`: what a file says of itself."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.session import Session, Verb, pass_session
from engine.text import clean, short_path

GLYPHS = {"trusted": "✓", "expired": "!", "missing": "·", "unknown": "?", "tampered": "✗"}


@click.command(cls=Verb)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@pass_session
def verify(session: Session, files: tuple[Path, ...]) -> None:
    """Tell whether FILE is marked as synthetic, and whether its credentials are sound.

    FILE may be a folder: then every picture in it is looked at.

    Exit code 0: valid, and signed by somebody this computer trusts; 6: as it was signed, but the
    certificate has expired or not begun; 5: no credentials; 4: valid, but the signer is not known
    here; 1: changed since it was signed. Of several files the worst counts, in this order.
    """
    from engine.credentials.verify import EXIT_CODES, verify
    from engine.media.pictures import list_pictures
    from projects.workspace import default_root, is_workspace, open_workspace

    root = session.workspace or default_root()
    workspace = open_workspace(root) if session.workspace or is_workspace(root) else None
    order, worst = list(EXIT_CODES), 0
    for given in files:
        for file in list_pictures(given) if given.is_dir() else [given]:
            verdict = verify(file, workspace)
            worst = max(worst, order.index(verdict.credentials))
            if session.json:
                session.output.line(verdict.as_dict())
            elif not session.quiet:
                click.echo(f"{GLYPHS[verdict.credentials]} {clean(short_path(file))}")
                for sentence in verdict.sentences():
                    click.echo(f"  {clean(sentence)}")
    code = EXIT_CODES[order[worst]]
    if code:
        raise click.exceptions.Exit(code)

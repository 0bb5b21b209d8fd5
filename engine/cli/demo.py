"""`swapdeck demo`: the whole job on two people who do not exist."""

from __future__ import annotations

import click

from engine.cli.session import Session, Verb, pass_session


@click.command(cls=Verb)
@pass_session
def demo(session: Session) -> None:
    """x."""

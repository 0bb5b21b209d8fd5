"""`swapdeck identity`: whose certificate signs what this workspace makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.session import Session, Verbs, pass_session
from engine.text import short_path

if TYPE_CHECKING:
    from engine.credentials.identity import Signing
    from projects.workspace import Workspace


@click.group(cls=Verbs, invoke_without_command=True)
@click.pass_context
def identity(context: click.Context) -> None:
    """Whose certificate signs results. Without a verb: shows it."""
    if context.invoked_subcommand is None:
        show(context.ensure_object(Session))


def show(session: Session) -> None:
    from engine.credentials.identity import existing, identity_folder

    workspace = session.open()
    found = existing(workspace)
    if found is None:
        fields = {"kind": "none", "folder": str(identity_folder(workspace))}
        session.output.done(
            fields, f"There is none yet. The first conversion makes it, in {fields['folder']}"
        )
        return
    session.output.show(described(workspace, found))


@identity.command()
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Its private key, PEM.")
@click.option(
    "--chain",
    required=True,
    type=click.Path(path_type=Path),
    help="The signing certificate, then whoever issued it, PEM.",
)
@pass_session
def use(session: Session, key: Path, chain: Path) -> None:
    """Sign with an organisation's certificate; the earlier identity is kept aside.

    The key must be ES256 (ECDSA on P-256), without a password, and readable by you alone; the
    certificate needs digitalSignature and emailProtection. Both are copied.
    """
    from engine.credentials.organisation import use as install

    workspace = session.open()
    changed(session, workspace, *install(workspace, key, chain))


@identity.command()
@click.option("--new", is_flag=True, help="Make a new one although there is one with time left.")
@pass_session
def own(session: Session, new: bool) -> None:
    """Sign with the workspace's own identity: the one kept aside, or a new one."""
    from engine.credentials.organisation import own as back

    workspace = session.open()
    changed(session, workspace, *back(workspace, new=new))


def changed(session: Session, workspace: Workspace, found: Signing, aside: Path | None) -> None:
    """Say what signs from now on, and where the earlier identity is."""
    kept = (
        f" The earlier identity is kept in {short_path(aside)}, and stays trusted." if aside else ""
    )
    session.output.done(
        {**described(workspace, found), "aside": str(aside) if aside else None},
        f"Results are signed by {found.name}, until {found.ends:%Y-%m-%d}.{kept}",
    )
    if found.warning():
        session.output.remark(found.warning())


def described(workspace: Workspace, found: Signing) -> dict[str, Any]:
    from engine.credentials.identity import identity_folder
    from engine.credentials.organisation import kept_aside

    return {
        "kind": "own" if found.own else "organisation",
        "name": found.name,
        "issuer": found.issuer,
        "fingerprint": found.fingerprint,
        "begins": found.begins.isoformat(),
        "ends": found.ends.isoformat(),
        "problem": found.problem(),
        "warning": "" if found.problem() else found.warning(),
        "folder": str(identity_folder(workspace)),
        "kept_aside": [str(folder) for folder in kept_aside(workspace)],
    }

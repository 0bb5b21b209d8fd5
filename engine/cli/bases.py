"""`swapdeck base`: the base models that `swapdeck pretrain` has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session

if TYPE_CHECKING:
    from projects.bases import Base
    from projects.errors import SwapdeckError

BASES = (
    Column("base", "base"),
    Column("preset", "preset"),
    Column("people", "people"),
    Column("crowd", "rendered people", right=True),
    Column("step", "step", right=True),
    Column("steps", "of", right=True),
)


@click.group(cls=Verbs)
def base() -> None:
    """Base models, which swaps begin with: swapdeck pretrain makes them."""


@base.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the bases of this workspace."""
    from projects.bases import list_bases

    problems: list[SwapdeckError] = []
    rows = [describe(one) for one in list_bases(session.open(), problems)]
    session.output.table(BASES, rows, "No bases yet: swapdeck pretrain NAME")
    session.output.problems(problems)


@base.command()
@click.argument("name", metavar="BASE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, name: str, yes: bool) -> None:
    """Move a base to the workspace's trash. Swaps that were trained from it keep their weights."""
    from projects.bases import get_base, remove_base
    from projects.traces import require_idle

    workspace = session.open()
    one = get_base(workspace, name)
    require_idle(workspace, {one.slug}, one.name)
    trained = describe(one)["step"]
    session.confirm(f"Move the base {one.name}, trained to step {trained}, to the trash?", yes)
    trashed = remove_base(workspace, one)
    session.output.done({"base": one.slug, "trash": str(trashed)}, f"Moved {one.slug} to {trashed}")


def describe(one: Base) -> dict[str, Any]:
    """A base's row: preset, whom it learns from, newest step and last one."""
    from projects.checkpoints import steps

    return {
        "base": one.slug,
        "name": one.name,
        "preset": one.preset,
        "people": ", ".join(one.people),
        "crowd": one.crowd,
        "step": max(steps(one.checkpoints_dir), default=0),
        "steps": one.steps,
    }

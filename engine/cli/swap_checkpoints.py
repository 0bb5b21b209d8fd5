"""`swapdeck swap checkpoints`, `use` and `restore`: which state of a model counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session

COLUMNS = (
    Column("step", "step", right=True),
    Column("saved", "saved"),
    Column("score", "score", right=True),
    Column("identity", "distance to source", right=True),
    Column("landmarks", "landmark error", right=True),
    Column("loss", "loss", right=True),
    Column("megabytes", "MB", right=True),
    Column("marks", ""),
)


@click.command(cls=Verb)
@click.argument("name", metavar="SWAP")
@pass_session
def checkpoints(session: Session, name: str) -> None:
    """List a swap's checkpoints with their held-out scores, and which one conversions use."""
    from projects.checkpoint_rows import CheckpointRow, list_checkpoints
    from projects.swaps import get_swap

    one = get_swap(session.open(), name)

    def shown(row: CheckpointRow) -> dict[str, Any]:
        marks = {"newest": row.newest, "best": row.best, "chosen": row.chosen, "used": row.used}
        return {
            "step": row.step,
            "saved": datetime.fromtimestamp(row.saved).astimezone().isoformat(timespec="seconds"),
            "score": _rounded(row.score),
            "identity": _rounded(row.identity),
            "landmarks": _rounded(row.landmarks),
            "loss": _rounded(row.loss),
            "megabytes": round(row.size / 1e6, 1),
            "marks": ", ".join(name for name, has in marks.items() if has),
        }

    rows = [shown(row) for row in list_checkpoints(one)]
    session.output.table(COLUMNS, rows, f"No checkpoints yet: swapdeck train {one.slug}")


@click.command(cls=Verb)
@click.argument("name", metavar="SWAP")
@click.argument("step", type=click.IntRange(min=0), required=False)
@click.option("--best", is_flag=True, help="Go by the held-out score again.")
@pass_session
def use(session: Session, name: str, step: int | None, best: bool) -> None:
    """Let conversions and exports use the checkpoint of STEP, whatever its score.

    It is kept until another one is chosen. A training goes on from the newest all the same.
    """
    from projects import checkpoints
    from projects.errors import CommandError
    from projects.swaps import get_swap

    if (step is None) is not best:
        raise CommandError("Give a STEP, or --best to go by the held-out score again.")
    one = get_swap(session.open(), name)
    checkpoints.choose(one.checkpoints_dir, step)
    used = checkpoints.used_step(one.checkpoints_dir)
    session.output.done(
        {"swap": one.slug, "used": used, "chosen": step},
        f"{one.slug} is used as it was at step {used}, "
        + ("which was chosen." if step is not None else "by its score."),
    )


@click.command(cls=Verb)
@click.argument("name", metavar="SWAP")
@click.argument("step", type=click.IntRange(min=0))
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def restore(session: Session, name: str, step: int, yes: bool) -> None:
    """Take a swap's training back to STEP; newer checkpoints go to the workspace's trash."""
    from projects.checkpoint_rows import go_back
    from projects.checkpoints import steps
    from projects.swaps import get_swap

    workspace = session.open()
    one = get_swap(workspace, name)
    newer = [other for other in steps(one.checkpoints_dir) if other > step]
    if newer:
        session.confirm(
            f"Move the checkpoints of steps {', '.join(map(str, newer))} to the trash?", yes
        )
    trashed = go_back(workspace, one, step)
    session.output.done(
        {"swap": one.slug, "step": step, "trash": [str(path) for path in trashed]},
        f"{one.slug} goes on from step {step} when it is trained again.",
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

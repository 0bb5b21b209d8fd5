"""`swapdeck swap set` and `swap presets`: how a swap is trained, and what that takes."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.output import Column
from engine.cli.session import Session, Verb, pass_session
from projects.presets import PRESETS
from projects.training_options import SETTINGS, changed, flat, read_changes, values_of

SETTING_COLUMNS = (
    Column("name", "setting"),
    Column("value", "value", right=True),
    Column("set", ""),
    Column("help", "what it does"),
)
PRESET_COLUMNS = (
    Column("preset", "preset"),
    Column("size", "pixels", right=True),
    Column("weights", "weights", right=True),
    Column("gflop", "GFLOP a step", right=True),
    Column("memory", "MB in training", right=True),
    Column("checkpoint", "MB a checkpoint", right=True),
    Column("rate", "steps/s here", right=True),
    Column("purpose", "what it is for"),
)


@click.command("set", cls=Verb)
@click.argument("name", metavar="SWAP")
@click.argument("changes", nargs=-1, metavar="NAME=VALUE…")
@click.option("--rename", metavar="NAME", help="Call it otherwise; its folder keeps its name.")
@pass_session
def set_(session: Session, name: str, changes: tuple[str, ...], rename: str | None) -> None:
    """Change how a swap is trained from now on; without changes, list what can be set.

    NAME= alone goes back to what the recipe says.
    """
    from projects.swaps import get_swap, update_swap

    one = get_swap(session.open(), name)
    if not changes and rename is None:
        values, own = values_of(one.preset, one.settings), flat(one.settings)
        rows = [
            {
                "name": option.name,
                "value": option.show(values[option.name]),
                "set": "set" if option.name in own else "",
                "help": f"{option.help} ({option.expected})",
            }
            for option in SETTINGS
        ]
        session.output.table(SETTING_COLUMNS, rows, "There is nothing to set.")
        return
    told: dict[str, Any] = {}
    if changes:
        told["settings"] = changed(one.preset, one.settings, read_changes(changes))
    if rename is not None:
        told["name"] = rename
    one = update_swap(one, **told)
    session.output.done(
        {"swap": one.slug, "name": one.name, "settings": one.settings},
        f"{one.name} ({one.slug}) is changed; a training that runs now keeps what it began with.",
    )


@click.command(cls=Verb)
@pass_session
def presets(session: Session) -> None:
    """List the presets, what they are for, and what they need on this machine."""
    from projects.rates import known_rate

    rows: list[dict[str, Any]] = []
    for facts in PRESETS.values():
        rate = known_rate(facts.name, facts.batch)
        rows.append(
            {
                "preset": facts.name,
                "family": facts.family,
                "size": facts.size,
                "batch": facts.batch,
                "weights": f"{facts.parameters / 1e6:.1f} M",
                "gflop": round(facts.gflop, 1),
                "memory": round(facts.training_memory() / 1e6),
                "checkpoint": round(facts.checkpoint / 1e6),
                "rate": None if rate is None else round(rate.steps_per_second, 2),
                "purpose": facts.purpose,
            }
        )
    session.output.table(PRESET_COLUMNS, rows, "There is no preset.")
    if any(row["rate"] is None for row in rows):
        session.output.remark(
            "Without a rate: not measured here yet. A training measures it, and so does: "
            "swapdeck bench train"
        )

"""`swapdeck swap`: swap projects."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.consent import consent_options
from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.output import Column
from engine.cli.session import Session, Verbs, pass_session
from engine.cli.swap_checkpoints import checkpoints, restore, use
from engine.cli.swap_rate import find_rate
from engine.cli.swap_settings import presets, set_
from projects.presets import PRESETS
from projects.training_options import changed, read_changes

if TYPE_CHECKING:
    from projects.errors import SwapdeckError
    from projects.swaps import Swap

RECORD = ".conversion.json"  # what a conversion leaves beside its result for a report

SWAPS = (
    Column("swap", "swap"),
    Column("source", "source"),
    Column("target", "target"),
    Column("others", "also"),
    Column("preset", "preset"),
    Column("step", "step", right=True),
    Column("results", "results", right=True),
)


@click.group(cls=Verbs)
def swap() -> None:
    """Swap projects: a source person's face on a target person's footage."""


for verb in (set_, presets, find_rate, checkpoints, use, restore):
    swap.add_command(verb)


@swap.command()
@click.argument("name")
@click.option("--source", required=True, metavar="PERSON", help="Whose face will be seen.")
@click.option("--target", required=True, metavar="PERSON", help="Whose footage is altered.")
@click.option(
    "--also",
    multiple=True,
    metavar="PERSON",
    help="Somebody else who shares the encoder; may be given again and again.",
)
@click.option(
    "--from",
    "origin",
    metavar="SWAP",
    help="Start from what this swap has learnt; its people's consent must cover training.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="See what they need with: swapdeck swap presets  "
    f"[default: {next(iter(PRESETS))}, or that of --from]",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="[default: a new one]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Train with this instead of what the recipe says; see: swapdeck swap set SWAP",
)
@pass_session
def new(
    session: Session,
    name: str,
    source: str,
    target: str,
    also: tuple[str, ...],
    origin: str | None,
    preset: str | None,
    seed: int | None,
    settings: tuple[str, ...],
) -> None:
    """Make a swap of two people, or of more who share the encoder; train it next."""
    from projects.people import get_person
    from projects.swaps import get_swap, new_swap

    workspace = session.open()
    one, other, *more = (get_person(workspace, who) for who in (source, target, *also))
    seed = secrets.randbelow(2**31) if seed is None else seed
    began = ""
    if origin is None:
        preset = preset or next(iter(PRESETS))
        made = new_swap(
            workspace,
            name,
            one,
            other,
            preset=preset,
            seed=seed,
            settings=changed(preset, {}, read_changes(settings)),
            others=more,
        )
    else:
        start = get_swap(workspace, origin)
        _spare_the_accelerator()
        from engine.training.start import start_swap

        begun = start_swap(
            workspace,
            name,
            one,
            other,
            start,
            preset=preset,
            seed=seed,
            settings=changed(preset or start.preset, {}, read_changes(settings)),
            others=more,
        )
        for text in begun.warnings:
            session.output.remark(text)
        made, began = begun.swap, f" It starts from {start.slug} at step {begun.step}."
    session.output.done(
        describe(made), f"{made.name} is {made.slug}.{began} Next: swapdeck train {made.slug}"
    )


@swap.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the swaps of this workspace."""
    from projects.swaps import list_swaps

    problems: list[SwapdeckError] = []
    rows = [describe(one) for one in list_swaps(session.open(), problems)]
    session.output.table(SWAPS, rows, "No swaps yet: swapdeck swap new NAME --source … --target …")
    session.output.problems(problems)


@swap.command()
@click.argument("name", metavar="SWAP")
@pass_session
def show(session: Session, name: str) -> None:
    """Show a swap: people, settings, checkpoints, results."""
    from projects.checkpoints import steps
    from projects.swaps import get_swap

    one = get_swap(session.open(), name)
    session.output.show(
        {
            **describe(one),
            "seed": one.seed,
            "settings": dict(one.settings),
            "start": None if one.start is None else one.start.table(),
            "created": one.created,
            "checkpoints": steps(one.checkpoints_dir),
            "result_files": result_files(one),
            "folder": str(one.root),
        }
    )


@swap.command()
@click.argument("name", metavar="SWAP")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, name: str, yes: bool) -> None:
    """Move a swap, with its checkpoints and results, to the workspace's trash."""
    from projects.swaps import get_swap, remove_swap
    from projects.traces import require_idle

    workspace = session.open()
    one = get_swap(workspace, name)
    require_idle(workspace, {one.slug}, one.name)
    trained = describe(one)["step"]
    session.confirm(f"Move {one.name}, trained to step {trained}, to the trash?", yes)
    trashed = remove_swap(workspace, one)
    session.output.done({"swap": one.slug, "trash": str(trashed)}, f"Moved {one.slug} to {trashed}")


@swap.command()
@click.argument("name", metavar="SWAP")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--newest", is_flag=True, help="The newest checkpoint, not the best-scored one.")
@detach_option
@pass_session
def export(session: Session, name: str, folder: Path, newest: bool, detach: bool) -> None:
    """Write a trained swap to FOLDER, to be given to others.

    Weights as safetensors, a description as JSON, and a model card. The consent of everybody whose
    face is in the model must cover export; only source and target can be decoded from it.
    """
    from projects.swaps import get_swap, require_consent

    workspace = session.open()
    one = get_swap(workspace, name)
    require_consent(workspace, one, "export")
    arguments = {"swap": one.slug, "folder": str(folder.absolute()), "newest": newest}
    outcome = run_job(session, workspace, "export", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(
            f"Wrote {one.slug} at step {result['step']} to {folder}. Who gets it can make this "
            "face say anything: give it on only as the consent allows."
        )


@swap.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="[default: the name that it was exported with]")
@click.option("--source", metavar="PERSON", help="Who the source is in this workspace.")
@click.option("--target", metavar="PERSON", help="Who the target is in this workspace.")
@consent_options
@pass_session
def import_(
    session: Session,
    folder: Path,
    name: str | None,
    source: str | None,
    target: str | None,
    document: Path | None,
    **said: Any,
) -> None:
    """Take an exported FOLDER in as a swap that can convert, once all of it is checked.

    Its people are those of the same name here, or as --source and --target say. Who is not here
    is added with the consent that --basis and the options beside it record.
    """
    from projects.consent_entry import first_consent
    from projects.people import get_person
    from projects.releases import store_release

    agreed = first_consent({**said, "document": document})
    workspace = session.open(create=agreed is not None)
    _spare_the_accelerator()
    from engine.training.importing import import_swap

    people = {who: given for who, given in (("source", source), ("target", target)) if given}
    made, portable = import_swap(workspace, folder, name=name, people=people, consent=agreed)
    for one in (get_person(workspace, slug) for slug in (made.source, made.target)):
        if document is not None and agreed is not None and one.consent == agreed:
            store_release(one, document)
    session.output.done(
        describe(made),
        f"Took in {made.slug} at step {portable.step}. Next: swapdeck convert {made.slug} VIDEO",
    )


def _spare_the_accelerator() -> None:
    """Only shapes are worked out here; a training that runs meanwhile needs all of its memory."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def describe(one: Swap) -> dict[str, Any]:
    """A swap's row: people, preset, newest step, number of results."""
    from projects.checkpoints import steps

    return {
        "swap": one.slug,
        "name": one.name,
        "source": one.source,
        "target": one.target,
        "others": ", ".join(one.others),
        "preset": one.preset,
        "step": max(steps(one.checkpoints_dir), default=0),
        "results": len(result_files(one)),
    }


def result_files(one: Swap) -> list[str]:
    """Names of what conversions and reports left in the swap's results."""
    if not one.results_dir.is_dir():
        return []
    names = (path.name for path in one.results_dir.iterdir())
    return sorted(name for name in names if not name.startswith(".") and not name.endswith(RECORD))

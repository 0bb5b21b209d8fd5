"""`swapdeck run`: a whole swap with one command, as a chain of jobs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.described import described_options
from engine.cli.follow import Interrupts, JobEndedError, warn_of_logout, watch
from engine.cli.options import absolute, detach_option
from engine.cli.people import face_counts
from engine.cli.session import Session, Verb, pass_session
from engine.text import count, short_path
from projects.consent import require
from projects.errors import CommandError
from projects.files import inside
from projects.gather_request import sorted_sources
from projects.names import printable, slug
from projects.people import Person, get_person
from projects.presets import PRESETS
from projects.sources import list_sources
from projects.swaps import Swap, get_swap, new_swap, people_of
from projects.training_options import RUN, train_arguments

if TYPE_CHECKING:
    from projects.jobchain import Link
    from projects.jobs import Job
    from projects.workspace import Workspace

_ENDS = ("steps", "minutes", "until_plateau")
_SAID = tuple(option for option in RUN if option.name in (*_ENDS, "device", "share"))


@click.command("run", cls=Verb)
@click.argument("swap")
@click.argument("inputs", nargs=-1, type=click.Path(path_type=Path), metavar="[VIDEO]...")
@click.option("--source", metavar="PERSON", help="For a new swap: whose face will be seen.")
@click.option("--target", metavar="PERSON", help="For a new swap: whose footage is altered.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help=f"For a new swap.  [default: {next(iter(PRESETS))}]",
)
@click.option(
    "--source-footage",
    multiple=True,
    metavar="PATH|LINK",
    help="Gather this for the source person first. May be repeated.",
)
@click.option(
    "--target-footage",
    multiple=True,
    metavar="PATH|LINK",
    help="Gather this for the target person first. May be repeated.",
)
@click.option("--every", type=click.IntRange(min=1), help="Extract from every Nth frame.")
@described_options(_SAID)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where the results go: a file, or a folder.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="Measure it at last.")
@detach_option
@pass_session
def run_(
    session: Session,
    swap: str,
    inputs: tuple[Path, ...],
    source: str | None,
    target: str | None,
    preset: str | None,
    source_footage: tuple[str, ...],
    target_footage: tuple[str, ...],
    every: int | None,
    output: Path | None,
    report: bool,
    detach: bool,
    **said: Any,
) -> None:
    """Gather, extract, train, convert and report with one command.

    Each is a job that begins when the one before it is done; what is not needed is left out. When
    one fails or is stopped, those after it do not begin, and `swapdeck jobs retry` goes on with all
    of them. SWAP is made where it is not there yet; its people, and their consent, must be on
    record.

    \b
      swapdeck run ada-as-ben --source ada --target ben \\
          --source-footage ada.mp4 --target-footage ben.mp4 --minutes 30 scene.mp4
      swapdeck run ada-as-ben --minutes 60 scene.mp4 --detach
    """
    from projects.jobchain import Link, create_chain, start_chain

    if not any(said[name] for name in _ENDS):
        raise click.UsageError(
            "Say when the training ends, so that the rest can begin: --minutes, --steps or "
            "--until-plateau."
        )
    _check_paths(inputs, output)
    footage = {"source": source_footage, "target": target_footage}
    training = train_arguments("", said)
    workspace = session.open()
    one, people = _people(workspace, swap, source, target, preset)
    links: list[Link] = []
    for role, person in people.items():
        require(person, "training")
        if inputs:
            require(person, "conversion")
        links += _dataset(person, footage[role], every)
    if one is None:
        one = _new(session, workspace, swap, people, preset)
    links.append(Link("train", one.slug, {**training, "swap": one.slug}))
    if inputs:
        paths = [str(path.absolute()) for path in inputs]
        convert = {"swap": one.slug, "inputs": paths, "output": absolute(output)}
        links.append(Link("convert", one.slug, convert))
    if report:
        links.append(Link("report", one.slug, {"swap": one.slug}))
    with Interrupts() as interrupts:
        jobs = create_chain(workspace, links)
        start_chain(jobs)
        warn_of_logout(session)
        if detach:
            session.output.done(
                {"jobs": [job.id for job in jobs], "swap": one.slug},
                f"Started {count(len(jobs), 'job')}, one after the other. See them with: swapdeck "
                "jobs list --running",
            )
            return
        _watch_all(session, jobs, interrupts)


def _watch_all(session: Session, jobs: Sequence[Job], interrupts: Interrupts) -> None:
    for job in jobs:
        try:
            outcome = watch(session, job, interrupts)
        except JobEndedError as error:
            if interrupts.count or interrupts.leave:
                raise
            sentence = f"{error} Once that is mended: swapdeck jobs retry {job.id}"
            raise JobEndedError(sentence, error.exit_code) from error
        for result in outcome.results:
            for made in ("output", "report"):
                if result.get(made):
                    session.output.remark(short_path(result[made]))


def _check_paths(inputs: Sequence[Path], output: Path | None) -> None:
    """What a conversion would refuse hours later is refused at once."""
    from engine.media import probe

    for path in inputs:
        if not path.exists():
            raise CommandError(f"There is no {path}. Give the path of a video, image or folder.")
        probe(path)
    if output is None:
        return
    if not inputs:
        raise CommandError("Without a VIDEO there is nothing to write. Leave out --output.")
    if len(inputs) > 1 and not output.is_dir():
        raise CommandError(f"For several inputs, {output} must be a folder that is there.")
    if output.is_file() or not output.parent.is_dir():
        raise CommandError(
            f"{output} exists already, or its folder does not. Choose another place."
        )


def _people(
    workspace: Workspace, name: str, source: str | None, target: str | None, preset: str | None
) -> tuple[Swap | None, dict[str, Person]]:
    """The swap of this name, None where it has to be made; and its people by their role."""
    asked = {"source": source, "target": target, "preset": preset}
    if inside(workspace.swaps, slug(name)).is_dir():
        one = get_swap(workspace, name)
        for what, wanted in asked.items():
            has = getattr(one, what)
            if wanted is not None and slug(wanted) != slug(has):
                raise CommandError(
                    f"The {what} of {one.slug} is {has}. Leave out --{what}, or give another name "
                    "for a new swap."
                )
        return one, dict(zip(("source", "target"), people_of(workspace, one), strict=False))
    if source is None or target is None:
        raise CommandError(
            f"There is no swap '{printable(name)}' yet. Name its people for a new one: --source "
            "PERSON --target PERSON. They are added, with their consent, by: swapdeck person add"
        )
    people = {"source": get_person(workspace, source), "target": get_person(workspace, target)}
    if people["source"].slug == people["target"].slug:
        raise CommandError("Source and target are the same person; a swap needs two.")
    return None, people


def _new(
    session: Session,
    workspace: Workspace,
    name: str,
    people: Mapping[str, Person],
    preset: str | None,
) -> Swap:
    made = new_swap(
        workspace,
        name,
        people["source"],
        people["target"],
        preset=preset or next(iter(PRESETS)),
        seed=secrets.randbelow(2**31),
        settings={},
    )
    session.output.remark(f"{made.name} is {made.slug}.")
    return made


def _dataset(person: Person, footage: Sequence[str], every: int | None) -> list[Link]:
    """The jobs that a person's dataset still needs."""
    from projects.jobchain import Link

    if not footage and not list_sources(person):
        raise CommandError(
            f"{person.name} has no sources yet. Give some with --source-footage or "
            f"--target-footage, or first: swapdeck gather {person.slug} FILE…"
        )
    links = []
    if footage:
        sources = {"person": person.slug, **sorted_sources(tuple(footage)), "search": None}
        links.append(Link("gather", person.slug, sources))
    if footage or every is not None or not face_counts(person)[1]:
        links.append(Link("extract", person.slug, {"person": person.slug, "every": every}))
    return links

"""The verbs that run as jobs: from a job's arguments to what does the work, and back to a result.

Each imports what it needs only when it runs. `arguments` are JSON values; paths are absolute. What
a verb has to say at its end goes into a `result` event.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from engine.consented import all_consented, consented, training_in_ledger
from engine.reporting import Reporter
from projects.checkpoints import marked_best
from projects.errors import CommandError
from projects.people import get_person
from projects.swaps import get_swap, update_swap
from projects.workspace import Workspace

Arguments: TypeAlias = Mapping[str, Any]


def run(workspace: Workspace, verb: str, arguments: Arguments, reporter: Reporter) -> None:
    """Do a verb's work. Raises SwapdeckError when it cannot be done."""
    if verb not in VERBS:
        raise CommandError(f"There is no verb '{verb}' that runs as a job.")
    VERBS[verb](workspace, arguments, reporter)


def gather(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """person, paths, patterns, links, search, settings -> added, known, skipped, refused."""
    from engine.gather.run import Request
    from engine.gather.run import gather as gather_sources
    from engine.gather.settings import GatherSettings

    person = get_person(workspace, arguments["person"])
    settings = GatherSettings(**(arguments.get("settings") or {}))
    gathered = gather_sources(person, Request.of(arguments), settings, reporter)
    reporter.event(
        "result",
        person=person.slug,
        added=len(gathered.added),
        known=len(gathered.known),
        skipped=len(gathered.skipped),
        refused=len(gathered.refused),
        similar=gathered.similar,
    )


def extract(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """person and the settings of `ExtractSettings` -> what was found, kept and rejected."""
    from engine.faces.extract import ExtractSettings, extract_person

    person = get_person(workspace, arguments["person"])
    names = (
        *("every", "begin", "end", "min_size", "max_faces", "min_sharpness", "upsample"),
        *("detector", "rotate", "forget", "again", "workers"),
    )
    settings = ExtractSettings(
        **{name: arguments[name] for name in names if arguments.get(name) is not None},
        like=_paths(arguments.get("like")),
        not_like=_paths(arguments.get("not_like")),
        landmark_model=_path(arguments.get("landmark_model")),
    )
    found = extract_person(person, settings, reporter)
    reporter.event(
        "result",
        person=person.slug,
        frames=found.frames,
        faces=found.faces,
        kept=found.kept,
        rejected=found.rejected,
        reasons=found.reasons,
        seconds=found.seconds,
    )


def import_faces(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """person, folder -> new, known, faceless, refused."""
    from engine.datasets.importing import import_faces as take_in

    person = get_person(workspace, arguments["person"])
    done = take_in(person, Path(arguments["folder"]), reporter)
    reporter.event(
        "result",
        person=person.slug,
        new=done.new,
        known=done.known,
        faceless=done.faceless,
        refused=len(done.refused),
    )


def train(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap and the limits of `training_options.LIMITS` -> step, checkpoint, seconds, best."""
    from engine.training.limits import Limits
    from engine.training.processes import joined
    from projects.bases import write_down_start
    from projects.together import meeting_of

    # First of all: the people of a base that it begins with are to be asked, too.
    swap = write_down_start(workspace, get_swap(workspace, arguments["swap"]))
    meeting = meeting_of(arguments)
    if meeting is not None and not meeting.leads:
        raise CommandError("A job is process 0. The others are started by: swapdeck train")
    limits = Limits.from_arguments(arguments)
    watched = consented(workspace, swap, "training", reporter)
    with (
        training_in_ledger(workspace, swap, steps=limits.steps, minutes=limits.minutes),
        joined(meeting) as orders,
    ):
        # Only now: a module may touch the devices as it is loaded, and the meeting comes first.
        from engine.training.loop import train as train_swap

        trained = train_swap(workspace, swap, limits, watched, orders)
    reporter.event(
        "result",
        swap=swap.slug,
        step=trained.step,
        checkpoint=str(trained.checkpoint),
        seconds=trained.seconds,
        best=marked_best(swap.checkpoints_dir),
    )


def pretrain(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """base -> step, checkpoint."""
    from engine.pretraining.loop import pretrain as pretrain_base
    from projects.bases import get_base, people_in_base

    base = get_base(workspace, arguments["base"])
    people = people_in_base(workspace, base)
    watched = all_consented(people, "training", reporter) if people else reporter
    with training_in_ledger(workspace, base, steps=base.steps, crowd=base.crowd):
        trained = pretrain_base(workspace, base, watched)
    reporter.event("result", base=base.slug, step=trained.step, checkpoint=str(trained.checkpoint))


def find_rate(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap, steps, apply -> rates, losses, suggested, before, applied."""
    from engine.training.ratefinder import find_rate as find
    from projects.training_options import changed, values_of

    swap = get_swap(workspace, arguments["swap"])
    watched = consented(workspace, swap, "training", reporter)
    curve = find(workspace, swap, watched, arguments.get("steps") or 100)
    apply = bool(arguments.get("apply"))
    if apply:
        faster = changed(swap.preset, swap.settings, {"learning_rate": curve.suggested})
        update_swap(swap, settings=faster)
    reporter.event(
        "result",
        swap=swap.slug,
        suggested=curve.suggested,
        before=values_of(swap.preset, swap.settings)["learning_rate"],
        applied=apply,
        rates=list(curve.rates),
        losses=list(curve.losses),
    )


def convert(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap, inputs, output, reverse, newest, names, overwrite, cast, … -> a result an input.

    preview: numbers of frames of the one input, as pictures; tracks: a list of each input's tracks.
    """
    from engine.conversion.players import people_behind_cast, people_of_cast
    from engine.conversion.settings import ConvertSettings
    from engine.conversion.verb import Request, convert_inputs
    from engine.credentials.label import Label
    from projects.ranges import parse_range

    swap = get_swap(workspace, arguments["swap"])
    casts = tuple((str(who), str(name)) for who, name in arguments.get("cast") or ())
    settings = ConvertSettings.of(
        arguments.get("settings") or {},
        overwrite=bool(arguments.get("overwrite")),
        landmark_model=_path(arguments.get("landmark_model")),
    )
    request = Request(
        inputs=_paths(arguments["inputs"]),
        output=_path(arguments.get("output")),
        reverse=bool(arguments.get("reverse")),
        newest=bool(arguments.get("newest")),
        names=bool(arguments.get("names")),
        label=Label(**arguments["label"]) if arguments.get("label") else None,
        casts=casts,
        preview=tuple(int(frame) for frame in arguments.get("preview") or ()),
        tracks=bool(arguments.get("tracks")),
        anonymise=bool(arguments.get("anonymise")),
        shots=_path(arguments.get("shots")),
        part=parse_range(arguments["range"]) if arguments.get("range") else None,
        layers=bool(arguments.get("layers")),
        settings=settings,
    )
    people = people_of_cast(workspace, swap, casts)
    watched = all_consented(people, "conversion", reporter)
    for use, behind in people_behind_cast(workspace, swap, casts).items():
        watched = all_consented(behind, use, watched)
    convert_inputs(workspace, swap, request, watched)


def export(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap, folder, newest -> folder, step."""
    # Only shapes are worked out; a training that runs meanwhile needs all of the accelerator.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from engine.training.export import export_swap

    swap = get_swap(workspace, arguments["swap"])
    folder = Path(arguments["folder"])
    reporter.event("stage", name="export", total=None, unit="")
    step, warnings = export_swap(workspace, swap, folder, newest=bool(arguments.get("newest")))
    for text in warnings:
        reporter.event("warning", text=text)
    reporter.event("result", swap=swap.slug, folder=str(folder), step=step)


def look(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap, result (a name), frames -> a picture each of the footage beside the finished result."""
    from engine.report.look import look_at

    swap = get_swap(workspace, arguments["swap"])
    frames = [int(frame) for frame in arguments["frames"]]
    look_at(swap, str(arguments["result"]), frames, reporter)


def report(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """swap, output, compare -> report, values."""
    from engine.report.write import write_report

    swap = get_swap(workspace, arguments["swap"])
    output = _path(arguments.get("output"))
    compare = [get_swap(workspace, name) for name in arguments.get("compare") or ()]
    written = write_report(workspace, swap, reporter, output=output, compare=compare)
    reporter.event("result", swap=swap.slug, report=str(written.html), values=str(written.values))


def demo(workspace: Workspace, arguments: Arguments, reporter: Reporter) -> None:
    """minutes, fresh, reference -> everything the demo's table shows."""
    from engine.demo.run import run_demo

    run_demo(
        workspace,
        reporter,
        minutes=arguments.get("minutes"),
        fresh=bool(arguments.get("fresh")),
        reference=bool(arguments.get("reference")),
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _paths(texts: list[str] | None) -> tuple[Path, ...]:
    return tuple(Path(text) for text in texts or ())


VERBS: dict[str, Callable[[Workspace, Arguments, Reporter], None]] = {
    "gather": gather,
    "extract": extract,
    "import": import_faces,
    "train": train,
    "find-rate": find_rate,
    "pretrain": pretrain,
    "convert": convert,
    "export": export,
    "look": look,
    "report": report,
    "demo": demo,
}

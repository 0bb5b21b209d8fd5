"""`demo`: people, gather, extract, train, convert, report, on clips that are in the package."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.avatars.demo import DemoClips, demo_clips
from engine.consented import consented, training_in_ledger
from engine.conversion.settings import ConvertSettings
from engine.conversion.verb import Request, convert_inputs
from engine.demo.stages import Progress, Stages
from engine.faces.align import Alignment
from engine.faces.extract import ExtractSettings, extract_person
from engine.gather.run import gather_paths
from engine.media.pictures import save_png
from engine.quality.assess import spread
from engine.report.conversions import truth_of
from engine.report.record import ConversionRecord, list_records, save_record
from engine.report.side_by_side import side_by_side
from engine.report.write import write_report
from engine.reporting import Reporter
from engine.training.limits import Limits
from engine.training.loop import train
from projects.checkpoints import steps
from projects.consent import Consent
from projects.faces import FaceIndex
from projects.people import Person, add_person, get_person, list_people, remove_person
from projects.swaps import Swap, list_swaps, new_swap, remove_swap
from projects.workspace import Workspace, now

PRESET = "light-64"
SEED = 1
BUDGET = 335.0
"""Seconds for the whole demo, so that it ends within six minutes on two cores."""
AFTERWARDS = 45.0
"""Seconds of the budget that are kept for converting and measuring."""
COMPILING = 25.0
"""Seconds of the budget that are kept for compiling, which a training's minutes do not count."""
LEAST_TRAINING = 60.0
WORTH_A_START = 5.0
STILLS = 4
STILL_HEIGHT = 180
REFERENCE = "naive reference"


@dataclass(frozen=True)
class Cast:
    """One swap of the demo: its people, and how their faces are aligned."""

    name: str
    source: str
    target: str
    alignment: Alignment
    settings: dict[str, Any]


MAIN = Cast("anna as bruno", "anna", "bruno", Alignment.EYES_BRIDGE, {})
NAIVE = Cast(REFERENCE, "anna naive", "bruno naive", Alignment.INNER, {"recipe": "naive"})


def run_demo(
    workspace: Workspace,
    reporter: Reporter,
    *,
    minutes: float | None = None,
    fresh: bool = False,
    reference: bool = False,
) -> None:
    """Do what is not yet done, and end with a `result` event that holds the table.

    `minutes` trains so much more; without it the training gets what the budget leaves, once. Raises
    SwapdeckError, and StopRequested with everything saved.
    """
    began = time.monotonic()
    clips = demo_clips()
    if fresh:
        _clear(workspace)
    progress = Progress.load(workspace.root)
    stages = Stages(reporter, progress, workspace.root)
    people = _datasets(workspace, clips, MAIN, stages)
    swap = _swap(workspace, MAIN)
    if minutes is not None:
        _train(workspace, swap, minutes * 60, MAIN, stages)
    else:
        left = BUDGET - (time.monotonic() - began) - AFTERWARDS - COMPILING
        progress.planned = progress.planned or max(left, LEAST_TRAINING)
        _train(
            workspace, swap, progress.planned - progress.trained.get(MAIN.name, 0.0), MAIN, stages
        )
    record = _convert(workspace, swap, clips, MAIN, stages)
    rivals = [_reference(workspace, clips, progress, stages)] if reference else []
    with stages("report", anew=True):
        written = write_report(workspace, swap, stages.reporter("report"), compare=rivals)
        picture = _picture(swap, record)
    reporter.event(
        "result",
        video=record.output,
        picture=str(picture),
        report=str(written.html),
        values=str(written.values),
        stages=_account(progress, people, record),
        quality=written.quality[record.output].as_dict(),
        seconds=time.monotonic() - began,
    )


def _datasets(
    workspace: Workspace, clips: DemoClips, cast: Cast, stages: Stages, suffix: str = ""
) -> list[tuple[Person, int, int]]:
    """Both people with their faces found: (person, frames searched, faces kept)."""
    made = []
    for name, clip in ((cast.source, clips.source_training), (cast.target, clips.target_training)):
        known = {person.name: person for person in list_people(workspace)}
        person = known.get(name) or add_person(workspace, name, _consent())
        with stages(f"gather{suffix}"):
            gather_paths(person, [clip], stages.reporter(f"gather {name}"))
        with stages(f"extract{suffix}"):
            settings = ExtractSettings(alignment=cast.alignment)
            extract_person(person, settings, stages.reporter(f"extract {name}"))
        with FaceIndex(person.index_path, readonly=True) as index:
            searched = sum(scan.next_frame for scan in index.scans())
            made.append((person, searched, index.counts().kept))
    return made


def _swap(workspace: Workspace, cast: Cast) -> Swap:
    known = {swap.name: swap for swap in list_swaps(workspace)}
    if cast.name in known:
        return known[cast.name]
    return new_swap(
        workspace,
        cast.name,
        get_person(workspace, cast.source).slug,
        get_person(workspace, cast.target).slug,
        preset=PRESET,
        seed=SEED,
        settings=dict(cast.settings),
    )


def _train(
    workspace: Workspace, swap: Swap, seconds: float, cast: Cast, stages: Stages, suffix: str = ""
) -> None:
    """Train so many seconds more; a few are not worth a start."""
    if seconds < WORTH_A_START and steps(swap.checkpoints_dir):
        return
    watched = stages.reporter("train")
    allowed = consented(workspace, swap, "training", watched)
    minutes = max(seconds, 1.0) / 60
    with stages(f"train{suffix}"), training_in_ledger(workspace, swap, minutes=minutes):
        try:
            train(workspace, swap, Limits(minutes=minutes), allowed)
        finally:
            trained = stages.progress.trained
            trained[cast.name] = trained.get(cast.name, 0.0) + watched.trained


def _convert(
    workspace: Workspace,
    swap: Swap,
    clips: DemoClips,
    cast: Cast,
    stages: Stages,
    suffix: str = "",
) -> ConversionRecord:
    """The target's scene, converted with the newest checkpoint."""
    step = max(steps(swap.checkpoints_dir))
    for record in list_records(swap):
        made = Path(record.output).exists() and Path(record.input) == clips.scene
        if made and record.step == step:
            return record
    with stages(f"convert{suffix}", anew=True):
        output = swap.results_dir / clips.scene.name
        # Both were filmed by one camera, and the truth has the source's complexion.
        settings = ConvertSettings(alignment=cast.alignment, colour="light", overwrite=True)
        allowed = consented(workspace, swap, "conversion", stages.reporter("convert"))
        request = Request((clips.scene,), output, settings=settings)
        convert_inputs(workspace, swap, request, allowed)
    [record] = [record for record in list_records(swap) if record.output == str(output.absolute())]
    # Only the demo has a truth; a report measures against it from now on.
    record = replace(
        record,
        alignment=cast.alignment.value,
        truth=str(clips.truth),
        truth_mask=str(clips.truth_mask),
    )
    save_record(swap, record)
    return record


def _reference(workspace: Workspace, clips: DemoClips, progress: Progress, stages: Stages) -> Swap:
    """The plain classic recipe on the same clips, trained as long."""
    _datasets(workspace, clips, NAIVE, stages, suffix=" (reference)")
    swap = _swap(workspace, NAIVE)
    left = progress.trained.get(MAIN.name, 0.0) - progress.trained.get(NAIVE.name, 0.0)
    _train(workspace, swap, left, NAIVE, stages, suffix=" (reference)")
    _convert(workspace, swap, clips, NAIVE, stages, suffix=" (reference)")
    return swap


def _picture(swap: Swap, record: ConversionRecord) -> Path:
    truth = truth_of(record)
    chosen = spread(record.frames, STILLS)
    sheet = side_by_side(
        Path(record.input), Path(record.output), truth, frames=chosen, height=STILL_HEIGHT
    )
    path = swap.results_dir / "side-by-side.png"
    save_png(path, sheet)
    return path


def _account(
    progress: Progress, people: list[tuple[Person, int, int]], record: ConversionRecord
) -> list[dict[str, Any]]:
    """The rows of the first table: what each stage did, and how long it took."""
    searched = sum(frames for _, frames, _ in people)
    found = ", ".join(f"{kept} of {person.name}" for person, _, kept in people)
    what = {
        "gather": f"{len(people)} clips",
        "extract": f"{searched} frames, faces kept: {found}",
        "train": f"step {record.step} of {PRESET}",
        "convert": f"{record.frames} frames, {record.faces} faces swapped",
        "report": "measured against the exact truth",
    }
    return [
        {"name": name, "seconds": seconds, "what": what.get(name, "")}
        for name, seconds in progress.seconds.items()
    ]


def _clear(workspace: Workspace) -> None:
    """Put an earlier demo into the trash; anybody else's people and swaps stay."""
    casts = (MAIN, NAIVE)
    for swap in list_swaps(workspace):
        if swap.name in {cast.name for cast in casts}:
            remove_swap(workspace, swap)
    for person in list_people(workspace):
        if person.name in {name for cast in casts for name in (cast.source, cast.target)}:
            remove_person(workspace, person)
    Progress().save(workspace.root)


def _consent() -> Consent:
    return Consent(
        basis="synthetic",
        scope="any use: nobody has this face",
        recorded_by="swapdeck demo",
        recorded_at=now(),
    )

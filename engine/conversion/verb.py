"""`swapdeck convert`: the inputs of one command, one by one, with a swap's best model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine import blackbox
from engine.conversion.anonymise import (
    Searched,
    people_to_hide,
    require_unrecognised,
    search_result,
    searched_before,
)
from engine.conversion.cache import WorkspaceCache
from engine.conversion.casting import Fate, cast
from engine.conversion.convert import ConvertResult, convert, convert_layers
from engine.conversion.find import Found, digest_of, eyes_for, find_faces, known_faces
from engine.conversion.parts import Part
from engine.conversion.permitted import check_layers, check_output
from engine.conversion.players import Player, approve, people_of_cast, players
from engine.conversion.preview import close_up, preview
from engine.conversion.sentences import tell_fates
from engine.conversion.settings import ConvertSettings
from engine.conversion.smooth import reach
from engine.conversion.tracklist import list_tracks
from engine.conversion.windows import check_frames, frame_times, search_window, stamps_of
from engine.credentials.label import Label
from engine.credentials.marking import Marking, new_marking
from engine.media import probe
from engine.media.outputs import default_suffix
from engine.quality.anonymity import refuse_leaks
from engine.report.record import ConversionRecord, save_record
from engine.reporting import Reporter
from engine.training.inference import load_swapper
from projects.casts import Casting
from projects.errors import CommandError
from projects.ranges import Range
from projects.shots import NAME as SHOTS
from projects.shots import Shot, load_shots, shots_of
from projects.sources import given_name
from projects.swaps import Swap
from projects.workspace import Workspace

PREVIEWS = ("previews", "convert")
"""Where previews and lists of tracks are, below the swap's folder."""
AROUND_PART = 24
"""Frames before and after a part that are searched with it, for tracks that reach into it."""


@dataclass(frozen=True)
class Request:
    """What one command asks for.

    output: a file for one input, or a folder for any number; the swap's results when None. reverse:
    the target person's face on footage of the source person. newest: the newest checkpoint instead
    of the one with the best held-out score. names: whether the credentials name the people. label:
    a visible one. casts: who is replaced by which swap's model; empty is the swap's own target.
    preview: numbers of frames to show, instead of converting. tracks: list the tracks of the
    inputs, instead. anonymise: those who are replaced are not to be recognised any more. shots: a
    file of settings by ranges of frames; the swap's own when None. part: of every input that
    becomes the result; all of it when None. layers: fill a folder for compositing, instead.
    """

    inputs: tuple[Path, ...]
    output: Path | None = None
    reverse: bool = False
    newest: bool = False
    names: bool = False
    label: Label | None = None
    casts: tuple[Casting, ...] = ()
    preview: tuple[int, ...] = ()
    tracks: bool = False
    anonymise: bool = False
    shots: Path | None = None
    part: Range | None = None
    layers: bool = False
    settings: ConvertSettings = field(default_factory=ConvertSettings)


def convert_inputs(
    workspace: Workspace, swap: Swap, request: Request, reporter: Reporter
) -> list[ConvertResult]:
    """Do what was asked with every input; a conversion leaves a record beside the swap's results
    for its report. Everything that can be wrong with the command is found before the first frame
    is read.

    Raises CommandError, MediaError, NoTargetError, RefusedError, StopRequested, and RecognisedError
    when results that were to anonymise are all written and somebody is still recognised.
    """
    shots = _shots(swap, request)
    if request.anonymise:
        for path in request.inputs:
            for one in replace(request.settings, shots=shots_of(shots, path)).every():
                refuse_leaks(one, names=request.names)
    if request.layers and (request.anonymise or request.label is not None):
        raise CommandError("Layers are no result yet: leave --anonymise and --label to the result.")
    if request.tracks or request.preview:
        _look(workspace, swap, request, reporter)
        return []
    settings = request.settings
    left = _still_to_do(request.inputs, reporter)
    plan = [(path, _output(swap, path, request)) for path in left]
    _check_distinct([result for _, result in plan])
    for path, result in plan:
        probe(path)
        if request.layers:
            check_layers(result, settings)
        else:
            check_output(path, result, settings)
    cast_ = _players(workspace, swap, request, reporter)
    hidden = people_to_hide(cast_) if request.anonymise else {}
    step = next(player.step for player in cast_ if player.swap.slug == swap.slug)
    people = people_of_cast(workspace, swap, request.casts)
    results = []
    searched: list[Searched] = []
    marks = [new_marking(workspace, swap, step, people, names=request.names) for _ in plan]
    for (path, result), marking in zip(plan, marks, strict=True):
        if warning := marking.signing.warning():
            reporter.event("warning", text=warning)
        parts = [player.part(path) for player in cast_]
        done = _converted(workspace, path, result, parts, request, marking, shots, reporter)
        tracks = [fate.as_dict([part.role for part in parts]) for fate in done.located.fates]
        found = search_result(workspace, hidden, done, reporter)
        searched += found
        anonymity = {one.person.slug: one.anonymity.as_dict() for one in found}
        record = ConversionRecord(
            input=str(path.absolute()),
            output=str(done.output.absolute()),
            step=step,
            frames=done.frames,
            faces=done.swapped,
            seconds=done.seconds,
            reverse=request.reverse,
            alignment=settings.alignment.value,
            cast=[[player.role.who, player.swap.slug] for player in cast_],
            tracks=tracks,
            settings=_written(replace(settings, shots=shots_of(shots, path))),
            anonymity=anonymity,
            span=None if request.part is None else [done.first, done.first + done.frames],
        )
        if not request.layers:  # they are no result yet
            save_record(swap, record)
        reporter.event(
            "result",
            swap=swap.slug,
            input=str(path),
            output=str(done.output),
            frames=done.frames,
            faces=done.swapped,
            left_alone=done.left_alone,
            seconds=done.seconds,
            tracks=tracks,
            anonymity=anonymity,
        )
        results.append(done)
    require_unrecognised([*searched_before(workspace, reporter.results()), *searched])
    return results


def _written(settings: ConvertSettings) -> dict[str, Any]:
    """The settings as they are written down: without what has to do with this machine alone."""
    left_out = ("landmark_model", "batch", "overwrite")
    kept = {name: value for name, value in asdict(settings).items() if name not in left_out}
    rate = settings.encode.rate
    return {**kept, "encode": {**kept["encode"], "rate": None if rate is None else str(rate)}}


def _shots(swap: Swap, request: Request) -> tuple[Shot, ...]:
    path = request.shots or swap.root / SHOTS
    return load_shots(path) if request.shots or path.exists() else ()


def _converted(
    workspace: Workspace,
    path: Path,
    result: Path,
    parts: list[Part],
    request: Request,
    marking: Marking,
    shots: tuple[Shot, ...],
    reporter: Reporter,
) -> ConvertResult:
    settings = replace(request.settings, shots=shots_of(shots, path))
    store = WorkspaceCache(workspace)
    span = None if request.part is None else request.part.frames(frame_times(path))
    found = None
    if span is not None:
        found = _found_around(workspace, path, span, parts, settings, reporter)
    allow = partial(approve, workspace)
    if request.layers:
        said = {"input": str(path.absolute()), "cast": [part.role.who for part in parts]}
        return convert_layers(
            path,
            result,
            parts,
            settings,
            reporter,
            said,
            found=found,
            workspace=workspace,
            store=store,
            marking=marking,
            approve=allow,
            span=span,
        )
    return convert(
        path,
        result,
        parts,
        settings,
        reporter,
        found=found,
        workspace=workspace,
        store=store,
        marking=marking,
        label=request.label,
        approve=allow,
        span=span,
    )


def _found_around(
    workspace: Workspace,
    path: Path,
    span: range,
    parts: Sequence[Part],
    settings: ConvertSettings,
    reporter: Reporter,
) -> Found | None:
    """Everybody in a part of an input, from a search of that part alone; None where all of it is
    known, or has to be, because tracks have their numbers from it."""
    if any(part.role.track is not None for part in parts):
        return None
    if known_faces(path, settings, workspace, WorkspaceCache(workspace)) is not None:
        return None
    stamps = stamps_of(path)
    last = check_frames(path, [span.start], stamps)
    around = reach(settings.smooth) + AROUND_PART
    window = range(max(0, span.start - around), min(last + 1, span.stop + around))
    seen = search_window(path, window, stamps, eyes_for(settings), reporter)
    return Found(seen, "search", digest_of(path))


def _look(workspace: Workspace, swap: Swap, request: Request, reporter: Reporter) -> None:
    """Previews, or lists of tracks, of the inputs."""
    if request.output is not None:
        raise CommandError("A preview and --tracks write beside the swap, not to --output.")
    if request.preview and len(request.inputs) > 1:
        raise CommandError("A preview shows frames of one input. Name one.")
    for path in request.inputs:
        probe(path)
    cast_ = _players(workspace, swap, request, reporter)
    for path in request.inputs:
        if request.tracks:
            _list(workspace, swap, path, cast_, request.settings, reporter)
        else:
            _preview(workspace, swap, path, cast_, request, reporter)


def _list(
    workspace: Workspace,
    swap: Swap,
    path: Path,
    cast_: Sequence[Player],
    settings: ConvertSettings,
    reporter: Reporter,
) -> None:
    found = find_faces(
        path, settings, reporter, workspace=workspace, store=WorkspaceCache(workspace)
    )
    roles = [player.role for player in cast_]
    fates = cast(found.seen, roles, settings.confidence)
    folder = swap.root.joinpath(*PREVIEWS, f"{path.stem}-tracks")
    rows = list_tracks(path, found.seen, fates, roles, folder, reporter)
    shown = "/".join((*PREVIEWS, folder.name))
    reporter.event(
        "result", swap=swap.slug, input=str(path), folder=shown, tracks=rows, how=found.how
    )


def _preview(
    workspace: Workspace,
    swap: Swap,
    path: Path,
    cast_: Sequence[Player],
    request: Request,
    reporter: Reporter,
) -> None:
    settings = replace(request.settings, shots=shots_of(_shots(swap, request), path))
    store = WorkspaceCache(workspace)
    seen = known_faces(path, settings, workspace, store)
    if seen is None and any(player.role.track is not None for player in cast_):
        # Tracks have their numbers from a search of all of it.
        seen = find_faces(path, settings, reporter, workspace=workspace, store=store).seen
    step = cast_[0].step
    people = people_of_cast(workspace, swap, request.casts)
    marking = new_marking(workspace, swap, step, people, names=request.names)
    made = preview(
        path,
        sorted(set(request.preview)),
        swap.root.joinpath(*PREVIEWS),
        [player.part(path) for player in cast_],
        settings,
        reporter,
        seen=seen,
        mark=marking.watermark.apply,
        finish=marking.sign,
        approve=partial(_approve_and_tell, workspace, cast_, reporter),
    )
    pictures = []
    for frame, picture, faces in made:
        shown = "/".join((*PREVIEWS, picture.name))
        near = close_up(picture)
        close = "/".join((*PREVIEWS, near.name)) if near.exists() else None
        said = {"frame": frame, "path": shown, "faces": faces, "close": close}
        reporter.event("preview", step=step, **said)
        pictures.append(said)
    reporter.event("result", swap=swap.slug, input=str(path), pictures=pictures)


def _approve_and_tell(
    workspace: Workspace,
    cast_: Sequence[Player],
    reporter: Reporter,
    seen: Any,
    fates: Sequence[Fate],
) -> None:
    approve(workspace, seen, fates)
    tell_fates(fates, [player.role for player in cast_], reporter)


def _players(
    workspace: Workspace, swap: Swap, request: Request, reporter: Reporter
) -> list[Player]:
    found, warnings = players(
        workspace,
        swap,
        request.casts,
        request.settings,
        reverse=request.reverse,
        newest=request.newest,
        load=load_swapper,
    )
    for warning in warnings:
        reporter.event("warning", text=warning)
    return found


def _still_to_do(inputs: Sequence[Path], reporter: Reporter) -> list[Path]:
    """Without what was converted before a crash or a retry of this job, and is there, and without
    what crashed it."""
    before = reporter.results()
    done = {r.get("input") for r in before if Path(str(r.get("output", ""))).exists()}
    return [path for path in inputs if str(path) not in done and not blackbox.left_out(path)]


def _output(swap: Swap, path: Path, request: Request) -> Path:
    output = request.output
    name = f"{given_name(path)}-{swap.slug}{'-reversed' if request.reverse else ''}"
    if request.anonymise:
        name = f"{given_name(path)}-anonymised"  # a swap is mostly called by its people
    name += "-part" if request.part is not None else ""
    name += "-layers" if request.layers else ""
    suffix = "" if request.layers else default_suffix(path, request.settings.encode)
    if output is None:
        return _free(swap.results_dir, name, suffix)
    folder_for_file = output.is_dir() and suffix != ""
    if len(request.inputs) == 1 and not folder_for_file and (output.suffix or not suffix):
        return output
    if not output.is_dir():
        raise CommandError(f"There is no folder {output}. Create it, or name one that is there.")
    return _free(output, name, suffix)


def _free(folder: Path, name: str, suffix: str) -> Path:
    """A name in the folder that is not taken, numbered from 2 when it has to be."""
    path, number = folder / f"{name}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}{suffix}"
    return path


def _check_distinct(outputs: list[Path]) -> None:
    for path in outputs:
        if outputs.count(path) > 1:
            raise CommandError(
                f"Two of the inputs would both become {path}. Convert them one at a time."
            )

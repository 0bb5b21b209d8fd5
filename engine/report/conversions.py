"""One conversion in a report: measured, drawn, and its worst frames shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from engine.credentials.watermark import Watermark
from engine.faces.align import Alignment
from engine.faces.dataset import person_identity
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media import EncodeSettings
from engine.media.errors import MediaError
from engine.quality.anonymity import Anonymity, figures, told
from engine.quality.assess import Assessment, Conversion, assess, count_frames, spread
from engine.quality.exact import Truth
from engine.quality.frames import Embedding, FrameFigures
from engine.quality.worst import Worst, worst_frames
from engine.report.charts import identity_chart, line_chart
from engine.report.page import Anonymised, ConversionPart, WorstFrame
from engine.report.record import ConversionRecord
from engine.report.side_by_side import side_by_side
from engine.report.stills import Picture, jpeg
from engine.report.worst import worst_pictures
from engine.reporting import Reporter
from engine.text import count, duration
from engine.training.importing import load_identity
from engine.training.inference import load_swapper
from projects.errors import DamagedError
from projects.faces import FaceIndex
from projects.people import Person
from projects.swaps import Swap

STILLS = 4
_ANY_MARK = "00000000"
"""Every mark costs the picture the same."""


class Tools:
    """The models, loaded once and only when there is something to measure."""

    def __init__(self) -> None:
        """Raises ModelError."""
        self.finder = FaceFinder()
        self.embedder = Embedder()


@dataclass(frozen=True)
class Shown:
    """A conversion's figures and pictures. `worst` and `pictures` go together."""

    record: ConversionRecord
    assessment: Assessment
    worst: tuple[Worst, ...]
    pictures: tuple[Picture, ...]


def measure(
    swap: Swap,
    record: ConversionRecord,
    people: dict[str, Person],
    tools: Tools,
    reporter: Reporter,
) -> Assessment:
    """Measure one conversion. `people`: the swap's "source" and "target".

    Raises SwapdeckError, and StopRequested when asked to stop.
    """
    stage = f"measure {swap.name}: {Path(record.output).name}"
    reporter.event("stage", name=stage, total=None, unit="frames")

    def check(done: int, total: int) -> None:
        reporter.check()
        reporter.event(
            "progress", stage=stage, done=done, total=total, rate=None, eta=None, text=""
        )

    seen, altered = ("target", "source") if record.reverse else ("source", "target")
    conversion = Conversion(
        target_clip=Path(record.input),
        result_clip=Path(record.output),
        source=_identity(swap, people[seen], seen),
        target=_identity(swap, people[altered], altered),
        alignment=Alignment(record.alignment),
        truth=truth_of(record),
        encode=_encode(record),
        mark=Watermark(_ANY_MARK).apply,
        part=record.part,
    )
    swapper, damaged = load_swapper(swap, reverse=record.reverse)
    for warning in damaged:
        reporter.event("warning", text=warning)
    return assess(
        conversion,
        swapper,
        name=swap.name if record.truth else "swap",
        finder=tools.finder,
        embedder=tools.embedder,
        check=check,
    )


def show(record: ConversionRecord, assessment: Assessment) -> Shown:
    """The measured conversion with pictures of its worst frames. Raises MediaError."""
    worst = worst_frames(assessment.frames, assessment.exact)
    pictures = worst_pictures(
        Path(record.input),
        Path(record.output),
        truth_of(record),
        worst,
        assessment.frames,
        record.first,
    )
    return Shown(record, assessment, tuple(worst), tuple(pictures))


def part_of(shown: Shown) -> ConversionPart:
    """What the page shows of a conversion."""
    record = shown.record
    target, result = Path(record.input), Path(record.output)
    facts = [
        ("made from", target.name),
        ("frames", f"{record.frames}, {count(record.faces, 'face')} swapped"),
        ("model's step", f"{record.step}"),
        ("time taken", duration(record.seconds)),
        ("looked at", _looked_at(shown.assessment.frames)),
    ]
    made = {k: v for k, v in record.settings.items() if k not in ("encode", "shots", "alignment")}
    if made:
        facts.append(("settings", ", ".join(f"{k} {_shown(v)}" for k, v in made.items())))
    if shots := record.settings.get("shots"):
        facts.append(("otherwise in", f"{count(len(shots), 'range')} of frames"))
    if (part := record.part) is not None:
        facts.append(("part of it", f"frames {part.start} to {part.stop - 1}"))
    if record.reverse:
        facts.append(("direction", "reversed: the target person's face on the source person"))
    return ConversionPart(
        result.name,
        facts,
        stills(target, result, truth_of(record), record.part),
        shown.assessment.table,
        _charts(result.name, shown.assessment),
        [
            WorstFrame(f"Frame {one.frame}, at {one.time:.2f} s", one.why, jpeg(picture))
            for one, picture in zip(shown.worst, shown.pictures, strict=True)
        ],
        [_anonymised(slug, values) for slug, values in record.anonymity.items()],
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _anonymised(slug: str, values: dict[str, Any]) -> Anonymised:
    try:
        found = Anonymity.from_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            f"The record of {slug}'s anonymisation is not complete. Convert again to measure it."
        ) from error
    return Anonymised(slug, figures(found, slug), told(found, slug))


def values_of(shown: Shown, pictures: Sequence[str]) -> dict[str, Any]:
    """The same as plain values for JSON. `pictures`: where the worst frames' files lie."""
    return {
        **asdict(shown.record),
        "quality": shown.assessment.table.as_dict(),
        "background": asdict(shown.assessment.background),
        "frames": [
            {**asdict(frame), "exact_psnr": shown.assessment.exact.get(frame.frame)}
            for frame in shown.assessment.frames
        ],
        "missed": [frame.frame for frame in shown.assessment.frames if frame.missed],
        "worst": [
            {**asdict(one), "picture": picture}
            for one, picture in zip(shown.worst, pictures, strict=True)
        ],
    }


def truth_of(record: ConversionRecord) -> Truth | None:
    """The exact answer that belongs to a conversion, if there is one."""
    if record.truth is None or record.truth_mask is None:
        return None
    return Truth(Path(record.truth), Path(record.truth_mask))


def stills(target: Path, result: Path, truth: Truth | None, part: range | None = None) -> bytes:
    """A JPEG of frames side by side; nothing when no frame can be shown. part: the target's frames
    that became the result, all of them when None."""
    try:
        chosen = spread(count_frames(target) if part is None else len(part), STILLS)
        first = 0 if part is None else part.start
        return jpeg(side_by_side(target, result, truth, frames=chosen, first=first))
    except (MediaError, ValueError):
        return b""


def _looked_at(frames: Sequence[FrameFigures]) -> str:
    missed = [str(frame.frame) for frame in frames if frame.missed]
    faces = sum(frame.face for frame in frames)
    text = f"{count(len(frames), 'frame')}, {faces} with the face in the footage"
    if missed:
        text += f"; none found in the result's frames {', '.join(missed)}"
    return text


def _charts(name: str, assessment: Assessment) -> list[tuple[str, str]]:
    """Captions and SVGs; none for what there is too little of."""
    frames = [frame for frame in assessment.frames if frame.face]

    def along(key: str) -> list[tuple[float, float]]:
        points = [(float(frame.frame), float(getattr(frame, key))) for frame in frames]
        embedded = key.endswith(("_source", "_target"))
        return [point for point in points if point[1] == point[1]] if embedded else points

    def lines(title: str, y: str, **series: str) -> tuple[str, str]:
        drawn = [(label.replace("_", " "), along(key)) for label, key in series.items()]
        return title, line_chart(f"{title}: {name}", drawn, x="frame", y=y)

    charts = [
        ("Whose face it is", identity_chart(f"Whose face it is: {name}", frames)),
        lines("Identity along the clip", "distance", to_source="to_source", to_target="to_target"),
        lines("Mouth", "opening, eye distances", footage="own_mouth", result="mouth"),
        lines("Eyes", "opening, eye widths", footage="own_eyes", result="eyes"),
        lines("Landmark error", "eye distances", result="landmark_error"),
        lines("Pose error", "degrees", result="pose_error"),
        lines("Flicker", "levels of 255", footage="own_flicker", result="flicker"),
        lines("Seam", "levels a pixel", footage="own_seam", result="seam"),
    ]
    if assessment.exact:
        title = "Against the exact truth"
        points = [(float(frame), psnr) for frame, psnr in sorted(assessment.exact.items())]
        drawn = line_chart(
            f"{title}: {name}", [("inside the face", points)], x="frame", y="PSNR in dB"
        )
        charts.append((title, drawn))
    return [(caption, svg) for caption, svg in charts if svg]


def _encode(record: ConversionRecord) -> EncodeSettings:
    """How the result was encoded. Records of older versions do not say: as by default."""
    said = dict(record.settings.get("encode", {}))
    try:
        if said.get("rate") is not None:
            said["rate"] = Fraction(said["rate"])
        return EncodeSettings(**said)
    except (TypeError, ValueError) as error:
        raise DamagedError(
            f"The record of {Path(record.output).name} is damaged. Convert again to measure it."
        ) from error


def _identity(swap: Swap, person: Person, who: str) -> Embedding:
    """The mean of a person's faces, or the one that came with an imported swap."""
    with FaceIndex(person.index_path, readonly=True) as index:
        if not index.counts().kept and (known := load_identity(swap, who)) is not None:
            return known
        return person_identity(index)

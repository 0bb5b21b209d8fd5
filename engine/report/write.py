"""`report`: measure a swap's conversions, and write report.html and report.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.faces.align import Alignment
from engine.faces.dataset import person_identity
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.media.errors import MediaError
from engine.quality.assess import Conversion, Embedding, assess, count_frames, spread
from engine.quality.exact import Truth
from engine.quality.table import QualityTable
from engine.report.curves import loss_curves
from engine.report.page import ConversionPart, Report, render
from engine.report.record import ConversionRecord, list_records
from engine.report.side_by_side import side_by_side
from engine.report.stills import jpeg
from engine.reporting import Reporter
from engine.text import count, duration
from engine.training.inference import load_swapper
from projects.checkpoints import steps
from projects.faces import FaceCounts, FaceIndex
from projects.files import read_jsonl, write_json, write_text
from projects.people import Person, get_person
from projects.sources import list_sources
from projects.swaps import Swap
from projects.workspace import Workspace, now

VERSION = 1
STILLS = 4


@dataclass(frozen=True)
class Written:
    """Where a report lies, and what it found, by the converted file's path."""

    html: Path
    values: Path
    quality: dict[str, QualityTable]


class _Tools:
    """The detectors, loaded once and only when there is something to measure."""

    def __init__(self) -> None:
        self.finder = FaceFinder()
        self.embedder = Embedder()


def write_report(
    workspace: Workspace,
    swap: Swap,
    reporter: Reporter,
    *,
    output: Path | None = None,
    compare: Sequence[Swap] = (),
) -> Written:
    """Measure every conversion of `swap` that is still there, and write it up.

    `output` is the HTML file, by default results/report.html; the values go beside it as JSON. The
    swaps in `compare` add a row each wherever they converted the same input. Raises SwapdeckError
    when nothing can be written and StopRequested when asked to stop.
    """
    html = output or swap.results_dir / "report.html"
    people = {
        "source": get_person(workspace, swap.source),
        "target": get_person(workspace, swap.target),
    }
    warnings: list[str] = []
    records = _present(list_records(swap), warnings)
    others = [(other, _present(list_records(other), warnings)) for other in compare]
    tools = _Tools() if records else None
    parts: list[ConversionPart] = []
    measured: list[dict[str, Any]] = []
    quality: dict[str, QualityTable] = {}
    for record in records:
        if tools is None:
            break
        table = _measure(swap, record, people, tools, reporter)
        for other, theirs in others:
            for rival in theirs:
                if rival.input == record.input and rival.reverse == record.reverse:
                    rows = _measure(other, rival, people, tools, reporter).rows
                    table = replace(table, rows=(*table.rows, rows[0]))
        quality[record.output] = table
        parts.append(_part(record, table))
        measured.append({**asdict(record), "quality": table.as_dict()})
    counts = {side: _counts(person) for side, person in people.items()}
    for text in warnings:
        reporter.event("warning", text=text)
    page = Report(
        title=f"{swap.name}: {people['source'].name} on {people['target'].name}",
        summary=_summary(swap, people),
        conversions=parts,
        curves=loss_curves(read_jsonl(swap.history_path)[0]),
        preview=_newest_preview(swap),
        datasets=[
            (f"{side}: {person.name}", _dataset(person, counts[side]))
            for side, person in people.items()
        ],
        settings=_flat(_settings(swap)),
        warnings=warnings,
    )
    write_text(html, render(page))
    values = html.with_suffix(".json")
    write_json(
        values,
        {
            "version": VERSION,
            "written": now(),
            "swap": swap.slug,
            "source": swap.source,
            "target": swap.target,
            "preset": swap.preset,
            "step": max(steps(swap.checkpoints_dir), default=0),
            "settings": _settings(swap),
            "fingerprints": dict(swap.fingerprints),
            "datasets": {side: asdict(found) for side, found in counts.items()},
            "conversions": measured,
        },
    )
    return Written(html, values, quality)


def _present(records: list[ConversionRecord], warnings: list[str]) -> list[ConversionRecord]:
    kept = []
    for record in records:
        gone = [path for path in (record.input, record.output) if not Path(path).exists()]
        if gone:
            warnings.append(
                f"{gone[0]} is not there any more, so {Path(record.output).name} was not measured."
            )
        else:
            kept.append(record)
    return kept


def _measure(
    swap: Swap,
    record: ConversionRecord,
    people: dict[str, Person],
    tools: _Tools,
    reporter: Reporter,
) -> QualityTable:
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
        source=_identity(people[seen]),
        target=_identity(people[altered]),
        alignment=Alignment(record.alignment),
        truth=truth_of(record),
    )
    swapper, damaged = load_swapper(swap, reverse=record.reverse)
    for warning in damaged:
        reporter.event("warning", text=warning)
    name = swap.name if record.truth else "swap"
    return assess(
        conversion,
        swapper,
        name=name,
        finder=tools.finder,
        embedder=tools.embedder,
        check=check,
    )


def truth_of(record: ConversionRecord) -> Truth | None:
    """The exact answer that belongs to a conversion, if there is one."""
    if record.truth is None or record.truth_mask is None:
        return None
    return Truth(Path(record.truth), Path(record.truth_mask))


def _identity(person: Person) -> Embedding:
    with FaceIndex(person.index_path, readonly=True) as index:
        return person_identity(index)


def _part(record: ConversionRecord, table: QualityTable) -> ConversionPart:
    target, result, truth = Path(record.input), Path(record.output), truth_of(record)
    facts = [
        ("made from", target.name),
        ("frames", f"{record.frames}, {count(record.faces, 'face')} swapped"),
        ("model's step", f"{record.step}"),
        ("time taken", duration(record.seconds)),
    ]
    if record.reverse:
        facts.append(("direction", "reversed: the target person's face on the source person"))
    return ConversionPart(result.name, facts, stills(target, result, truth), table)


def stills(target: Path, result: Path, truth: Truth | None) -> bytes:
    """A JPEG of frames side by side; nothing when no frame can be shown."""
    try:
        chosen = spread(count_frames(target), STILLS)
        return jpeg(side_by_side(target, result, truth, frames=chosen))
    except (MediaError, ValueError):
        return b""


def _counts(person: Person) -> FaceCounts:
    if not person.index_path.exists():
        return FaceCounts(0, 0, {})
    with FaceIndex(person.index_path, readonly=True) as index:
        return index.counts()


def _dataset(person: Person, counts: FaceCounts) -> list[tuple[str, str]]:
    rejected = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.reasons.items()))
    return [
        ("consent", person.basis),
        ("sources", str(len(list_sources(person)))),
        ("faces kept", str(counts.kept)),
        ("rejected", rejected or "none"),
    ]


def _summary(swap: Swap, people: dict[str, Person]) -> list[tuple[str, str]]:
    return [
        ("face of", people["source"].name),
        ("on footage of", people["target"].name),
        ("model", f"{swap.preset}, trained to step {max(steps(swap.checkpoints_dir), default=0)}"),
        ("written", now()),
    ]


def _settings(swap: Swap) -> dict[str, Any]:
    return {"preset": swap.preset, "seed": swap.seed, **swap.settings}


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs


def _newest_preview(swap: Swap) -> bytes:
    if not swap.previews_dir.is_dir():
        return b""
    found = list(swap.previews_dir.glob("*.png"))
    return max(found, key=lambda path: path.name).read_bytes() if found else b""

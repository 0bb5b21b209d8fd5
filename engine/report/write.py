"""`report`: measure a swap's conversions, and write report.html and report.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.faces.identity import IDENTITY_THRESHOLD
from engine.quality.table import QualityTable
from engine.report.conversions import Shown, Tools, measure, part_of, show, values_of
from engine.report.curves import training_curves
from engine.report.page import Report, render
from engine.report.record import ConversionRecord, list_records
from engine.report.worst import save_worst
from engine.reporting import Reporter
from projects.checkpoints import steps
from projects.errors import CommandError
from projects.faces import FaceCounts, FaceIndex
from projects.people import Person, get_person
from projects.sources import list_sources
from projects.swaps import Swap
from projects.texts import read_jsonl, write_json, write_text
from projects.workspace import Workspace, now

VERSION = 2


@dataclass(frozen=True)
class Written:
    """Where a report lies, and what it found, by the converted file's path."""

    html: Path
    values: Path
    quality: dict[str, QualityTable]


def write_report(
    workspace: Workspace,
    swap: Swap,
    reporter: Reporter,
    *,
    output: Path | None = None,
    compare: Sequence[Swap] = (),
) -> Written:
    """Measure every conversion of `swap` that is still there, and write it up.

    `output` is the HTML file, by default results/report.html; beside it go the values as JSON, and
    a folder with the worst frames as pictures. The swaps in `compare` add a row each wherever they
    converted the same input. Raises SwapdeckError when nothing can be written and StopRequested
    when asked to stop.
    """
    html = output or swap.results_dir / "report.html"
    if output is not None and not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}. Create it, or choose another.")
    people = {
        "source": get_person(workspace, swap.source),
        "target": get_person(workspace, swap.target),
    }
    warnings: list[str] = []
    records = _present(list_records(swap), warnings)
    others = [(other, _present(list_records(other), warnings)) for other in compare]
    shown = _measured(swap, records, others, people, reporter)
    pictures = [
        [f"{number}-{one.frame:06d}.png" for one in each.worst]
        for number, each in enumerate(shown, 1)
    ]
    folder = html.with_name(f"{html.stem}-worst")
    save_worst(
        folder,
        [
            (name, picture)
            for names, each in zip(pictures, shown, strict=True)
            for name, picture in zip(names, each.pictures, strict=True)
        ],
    )
    counts = {side: _counts(person) for side, person in people.items()}
    for text in warnings:
        reporter.event("warning", text=text)
    history, scores = (read_jsonl(p)[0] for p in (swap.history_path, swap.root / "scores.jsonl"))
    page = Report(
        title=f"{swap.name}: {people['source'].name} on {people['target'].name}",
        summary=_summary(swap, people),
        conversions=[part_of(each) for each in shown],
        curves=training_curves(history, scores),
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
            "threshold": IDENTITY_THRESHOLD,
            "scores": scores,
            "conversions": [
                values_of(each, [f"{folder.name}/{name}" for name in names])
                for names, each in zip(pictures, shown, strict=True)
            ],
        },
    )
    quality = {each.record.output: each.assessment.table for each in shown}
    return Written(html, values, quality)


def _measured(
    swap: Swap,
    records: Sequence[ConversionRecord],
    others: Sequence[tuple[Swap, Sequence[ConversionRecord]]],
    people: dict[str, Person],
    reporter: Reporter,
) -> list[Shown]:
    """Every conversion, with a row more for each other swap's result of the same input."""
    if not records:
        return []
    tools = Tools()
    shown = []
    for record in records:
        found = measure(swap, record, people, tools, reporter)
        table = found.table
        for other, theirs in others:
            for rival in theirs:
                if rival.input == record.input and rival.reverse == record.reverse:
                    rows = measure(other, rival, people, tools, reporter).table.rows
                    table = replace(table, rows=(*table.rows, rows[0]))
        shown.append(show(record, replace(found, table=table)))
    return shown


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

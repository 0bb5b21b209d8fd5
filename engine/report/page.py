"""A report as one HTML file that opens anywhere: everything it shows is inside it."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from engine.quality.table import MEASURES, Measure, QualityTable, Row, written


@dataclass(frozen=True)
class WorstFrame:
    """A frame that came out badly. `when`: which it is. `picture`: a JPEG's bytes."""

    when: str
    why: str
    picture: bytes


@dataclass(frozen=True)
class Anonymised:
    """Whether somebody can still be recognised. `sentences`: what is wrong, nothing if all is
    well."""

    name: str
    facts: Sequence[tuple[str, str]]
    sentences: Sequence[str]


@dataclass(frozen=True)
class ConversionPart:
    """One converted clip in a report. `stills` is a JPEG's bytes, empty where there are none;
    `charts` are captions and SVGs."""

    title: str
    facts: Sequence[tuple[str, str]]
    stills: bytes
    quality: QualityTable
    charts: Sequence[tuple[str, str]] = ()
    worst: Sequence[WorstFrame] = ()
    anonymity: Sequence[Anonymised] = ()


@dataclass(frozen=True)
class Report:
    """Everything a report shows; texts may hold anything, they are escaped."""

    title: str
    summary: Sequence[tuple[str, str]]
    conversions: Sequence[ConversionPart]
    curves: Sequence[tuple[str, str]]
    """Of the training: captions and SVGs."""
    preview: bytes
    """A PNG of the training's newest preview, empty for none."""
    datasets: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    settings: Sequence[tuple[str, str]]
    warnings: Sequence[str] = ()


def render(report: Report) -> str:
    """The report's HTML."""
    environment = Environment(
        loader=PackageLoader("engine.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    return environment.get_template("report.html").render(
        report=report, measures=MEASURES, written=written, measured=_measured
    )


def _measured(rows: Sequence[Row], measure: Measure) -> bool:
    return any(not math.isnan(getattr(row, measure.key)) for row in rows)


def data_uri(content: bytes | str, kind: str) -> str:
    """`content` as an address that holds it."""
    raw = content.encode() if isinstance(content, str) else content
    return f"data:{kind};base64,{base64.b64encode(raw).decode('ascii')}"

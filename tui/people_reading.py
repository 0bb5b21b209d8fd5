"""Reads a person's folder into what the People mode shows. Touches no widget; writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from projects.errors import SwapdeckError
from projects.face_poses import pose_counts
from projects.face_query import KEPT
from projects.faces import FaceCounts, FaceIndex
from projects.files import inside
from projects.people import Person, load_person
from projects.sources import Source, list_sources
from tui.progress import number
from tui.snapshot import PersonDetail, PersonRow, SourceRow
from tui.text import clean

SHARP_FACES = 60  # of these, PORTRAITS are shown, from one profile to the other
PORTRAITS = 4


def read_person(folder: Path) -> PersonRow:
    """A person as the list shows them; what cannot be read is said in their `problem`."""
    try:
        person = load_person(folder)
    except SwapdeckError as error:
        return PersonRow(folder.name, clean(folder.name), problem=clean(error))
    consent = person.consent
    row = PersonRow(
        person.slug,
        clean(person.name),
        clean(person.basis),
        clean(f"{', '.join(consent.covers)}: {consent.scope}") if consent else "",
        clean(consent.recorded_by) if consent else "",
        clean(consent.expires or "") if consent else "",
        clean(person.consent_problem),
        person.consent_state,
    )
    try:
        row = replace(row, sources=tuple(source_row(one) for one in list_sources(person)))
        counts = _counts(person)
    except SwapdeckError as error:
        return replace(row, problem=clean(error))
    reasons = tuple((clean(name), count) for name, count in counts.reasons.items())
    return replace(row, kept=counts.kept, rejected=counts.total - counts.kept, reasons=reasons)


def source_row(source: Source) -> SourceRow:
    """A source with where it came from and what was said there of its use."""
    about = source.about
    return SourceRow(
        clean(source.name),
        source.kind,
        clean(source.origin),
        source.size,
        source.digest,
        number(about.seconds),
        clean(about.licence),
        clean(about.page),
        clean(about.title),
        clean(about.author),
        clean(about.part),
        clean(source.added),
    )


def read_person_detail(person: Person) -> PersonDetail:
    """A few portraits and the poses of what is kept.

    Raises:
        SwapdeckError: the index cannot be read.
    """
    with FaceIndex(person.index_path, readonly=True) as index:
        sharp = list(index.rows(KEPT, order="sharpness", limit=SHARP_FACES))
        poses = pose_counts(index, KEPT)
    sharp.sort(key=lambda face: number(face.yaw) or 0.0)
    step = max(1, (len(sharp) - 1) // max(1, PORTRAITS - 1))
    crops = [inside(person.faces_dir, face.crop) for face in sharp[::step][:PORTRAITS]]
    return PersonDetail(
        person.slug,
        tuple(path for path in crops if path.is_file()),
        tuple(sorted(poses.items())),
    )


def _counts(person: Person) -> FaceCounts:
    with FaceIndex(person.index_path, readonly=True) as index:
        return index.counts()

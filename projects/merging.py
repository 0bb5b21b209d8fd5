"""Two folders of one human being made into one: sources, faces, swaps, and what consent is left.

Nothing that anybody agreed to grows by it: the merged consent covers only what both covered, and
ends when the first of them ends. The folder that was merged goes to the trash, last.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from projects import ledger
from projects.bases import Base, bases_of, replace_in_base
from projects.consent import Consent, read_consent
from projects.errors import CommandError, DamagedError, NewerVersionError, RefusedError
from projects.face_query import of_source
from projects.faces import FaceIndex
from projects.files import inside, locked, read_errors, replacing, sha256_file, write_errors
from projects.people import Person, change_consent, load_person
from projects.sources import Source, list_sources
from projects.swaps import Swap, replace_person, swaps_of
from projects.traces import require_idle
from projects.workspace import Workspace, move_to_trash, now

_FOLDERS = ("faces", "masks", "details")  # in which files begin with the digest of their source


@dataclass(frozen=True)
class Merge:
    """What merging `other` into `into` will do.

    `consent` is what holds afterwards, None when neither has a record. `common` counts the sources
    that both have, of which the faces of `into` stay. `swaps` and `bases` are those that change
    hands.
    """

    into: Person
    other: Person
    consent: Consent | None
    sources: tuple[Source, ...]
    common: int
    faces: int
    swaps: tuple[Swap, ...]
    bases: tuple[Base, ...]

    def sentences(self) -> list[str]:
        """What will be, for whoever has to agree to it."""
        into, other = self.into.name, self.other.name
        said = [
            f"{into} gets {_count(len(self.sources), 'source')} of {other} with "
            f"{_count(self.faces, 'face')}, kept and rejected as they are."
        ]
        if self.common:
            said.append(
                f"{_count(self.common, 'source')} both have: {into}'s faces and decisions stay."
            )
        if self.swaps:
            names = ", ".join(swap.slug for swap in self.swaps)
            said.append(f"Swaps that become {into}'s: {names}.")
        if self.bases:
            names = ", ".join(base.slug for base in self.bases)
            said.append(f"Bases that become {into}'s: {names}.")
        if self.consent is None:
            said.append("Neither has a consent record, so nothing may be made from them still.")
        else:
            ends = f" until {self.consent.expires}" if self.consent.expires else ""
            said.append(
                "The consent covers only what both covered: "
                f"{' and '.join(self.consent.covers)}{ends}."
            )
        said.append(f"Then {other} goes to the trash.")
        return said


def plan_merge(ws: Workspace, into: Person, other: Person) -> Merge:
    """What merging would do; nothing is changed.

    Raises:
        CommandError: they cannot be one human being, or the other way round would work.
        RefusedError: a consent forbids it, or a job works with one of them.
        DamagedError: something of theirs cannot be read.
    """
    if into.slug == other.slug:
        raise CommandError(f"{into.name} cannot be merged with themselves. Name two people.")
    swaps = tuple(swaps_of(ws, other))
    for swap in swaps:
        if {into.slug, other.slug} <= set(swap.roles.values()):
            raise CommandError(
                f"The swap {swap.slug} trains both of them, so {into.name} and {other.name} are "
                "two people. If they are not, remove it first with: "
                f"swapdeck swap remove {swap.slug}"
            )
    bases = tuple(bases_of(ws, other))
    models: tuple[Swap | Base, ...] = (*swaps, *bases)
    for model in models:
        if model.created and into.created > model.created:
            kind = "swap" if isinstance(model, Swap) else "base"
            raise CommandError(
                f"The {kind} {model.slug} of {other.name} is older than {into.name}. Merge the "
                f"other way round: swapdeck person merge {other.slug} {into.slug}"
            )
    models = (*models, *swaps_of(ws, into), *bases_of(ws, into))
    require_idle(
        ws,
        {into.slug, other.slug, *(model.slug for model in models)},
        f"{into.name} or {other.name}",
    )
    consent = merged_consent(into, other)
    there = {source.digest for source in list_sources(into)}
    theirs = list_sources(other)
    new = tuple(source for source in theirs if source.digest not in there)
    with (
        FaceIndex(other.index_path, readonly=True) as index,
        FaceIndex(into.index_path, readonly=True) as own,
    ):
        searched = {scan.source for scan in own.scans()}
        faces = sum(
            index.count(of_source(scan.source))
            for scan in index.scans()
            if scan.source not in searched
        )
    return Merge(into, other, consent, new, len(theirs) - len(new), faces, swaps, bases)


def merge(ws: Workspace, plan: Merge) -> tuple[Person, Path]:
    """Do it: the person that is left, and where the other lies in the trash.

    Cut off in the middle, the other is still there, and merging again finishes it.

    Raises:
        As `plan_merge`, and SwapdeckError: something cannot be written.
    """
    plan = plan_merge(ws, load_person(plan.into.root), load_person(plan.other.root))
    into, other = plan.into, plan.other
    with _alone(into), _alone(other):
        if plan.consent is not None:
            _take_folder(other.releases_dir, into.root / into.releases_dir.name, "")
            merged = replace(plan.consent, recorded_at=now())
            into = change_consent(into, lambda _: merged, act="merged")
        for source in plan.sources:
            _take_folder(other.sources_dir, into.sources_dir, source.digest[:16])
        _take_faces(into, other)
    for swap in plan.swaps:
        replace_person(swap, other.slug, into.slug)
    for base in plan.bases:
        replace_in_base(base, other.slug, into.slug)
    trashed = move_to_trash(ws, other.root)
    ledger.append(
        ws,
        "merge",
        person=into.slug,
        merged=other.slug,
        people=[into.slug, other.slug],
        trash=trashed.relative_to(ws.root),
    )
    return into, trashed


def merged_consent(into: Person, other: Person) -> Consent | None:
    """The consent that holds for both together; None when neither has a record.

    Raises:
        RefusedError: one is missing, damaged or withdrawn, they cover nothing in common, or only
            one of the two is rendered.
    """
    ours, theirs = (_readable(person) for person in (into, other))
    if ours is None and theirs is None:
        return None
    for one, consent in ((into, ours), (other, theirs)):
        if consent is None:
            raise RefusedError(
                f"{one.name} has no consent record, and another's does not cover their footage. "
                f'Record it first: swapdeck person consent {one.slug} --basis BASIS --scope "WHAT '
                'FOR"'
            )
        if consent.withdrawn_at is not None:
            raise RefusedError(
                f"{one.name} withdrew their consent on {consent.withdrawn_at}, and a merge would "
                f"hide that. What was made from them is listed by: swapdeck person consent "
                f"{one.slug}"
            )
    assert ours is not None and theirs is not None  # said above
    if (ours.basis == "synthetic") != (theirs.basis == "synthetic"):
        raise RefusedError(
            f"One of {into.name} and {other.name} is rendered and one is filmed, so they are not "
            "one human being."
        )
    both = tuple(use for use in ours.covers if use in theirs.covers)
    if not both:
        raise RefusedError(
            f"The consents of {into.name} and {other.name} cover nothing in common, so nothing "
            "could be made from them together. Ask for one consent that covers both, and record it."
        )
    basis, explanation = _ground(into, ours, other, theirs)
    return replace(
        ours,
        basis=basis,
        explanation=explanation,
        uses=both,
        expires=_first_end(ours, theirs),
        scope=_joined(ours.scope, theirs.scope),
        document=ours.document or theirs.document,
    )


def _readable(person: Person) -> Consent | None:
    try:
        return read_consent(person.root)
    except NewerVersionError:
        raise
    except DamagedError as error:
        raise RefusedError(
            f"The consent record of {person.name} cannot be read, so nothing is merged. {error}"
        ) from error


def _first_end(*consents: Consent) -> str | None:
    ends = [(end, one.expires) for one in consents if (end := one.ends()) is not None]
    return min(ends)[1] if ends else None


def _ground(into: Person, ours: Consent, other: Person, theirs: Consent) -> tuple[str, str | None]:
    """Basis and explanation: what both say, or both next to each other."""
    same = (ours.basis, ours.explanation) == (theirs.basis, theirs.explanation)
    documents = {ours.document, theirs.document} - {None}
    if same and len(documents) < 2:
        return ours.basis, ours.explanation
    parts = [_grounds(person.name, consent) for person, consent in ((into, ours), (other, theirs))]
    if ours.basis == "other" and ours.explanation and parts[1] in ours.explanation:
        return "other", ours.explanation  # merged before, and cut off
    return "other", f"merged from {parts[0]}; and {parts[1]}"


def _grounds(name: str, consent: Consent) -> str:
    about = [consent.basis, consent.explanation, consent.document]
    return f"{name}: {', '.join(part for part in about if part)}"


def _joined(ours: str, theirs: str) -> str:
    return ours if theirs in ours else f"{ours}; {theirs}"


@contextlib.contextmanager
def _alone(person: Person) -> Iterator[None]:
    """Hold what a search for faces holds, so that none begins meanwhile."""
    with write_errors(person.faces_dir):
        person.faces_dir.mkdir(exist_ok=True)
    with locked(person.faces_dir, wait=False) as free:
        if not free:
            raise RefusedError(
                f"Another job is writing the faces of {person.name}. Watch it, or stop it: "
                "swapdeck jobs list"
            )
        yield


def _take_faces(into: Person, other: Person) -> None:
    """A source's pictures first, then its rows in one transaction."""
    if not other.index_path.exists():
        return
    with (
        FaceIndex(other.index_path, readonly=True) as theirs,
        FaceIndex(into.index_path) as ours,
    ):
        for scan in theirs.scans():
            if ours.progress(scan.source) is not None:
                continue
            for name in _FOLDERS:
                _take_folder(other.root / name, into.root / name, f"{scan.source[:16]}-")
            ours.adopt(scan, theirs.faces(source=scan.source), theirs.notes(scan.source))


def _take_folder(start: Path, end: Path, prefix: str) -> None:
    """Files of `start` whose names begin with `prefix`, also in `end`; those there stay."""
    start, end = inside(start.parent, start.name), inside(end.parent, end.name)
    if not start.is_dir():
        return
    with read_errors(start):
        files = [
            entry
            for entry in sorted(start.iterdir())
            if entry.name.startswith(prefix) and not entry.name.startswith(".")
        ]
    if files:
        with write_errors(end):
            end.mkdir(exist_ok=True)
    for file in files:
        if file.is_file() and not file.is_symlink() and not os.path.lexists(end / file.name):
            _take(file, end / file.name)


def _take(file: Path, path: Path) -> None:
    """The same file under a second name, which costs no room; a copy where that cannot be.

    Sources, crops, masks and documents are replaced and never changed, so neither name can spoil
    what the other shows.
    """
    with write_errors(path):
        try:
            path.hardlink_to(file)
            return
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise
    with replacing(path) as temporary, write_errors(path):
        shutil.copyfile(file, temporary)
        if sha256_file(temporary) != sha256_file(file):
            raise DamagedError(f"{file} changed while it was copied. Run the same command again.")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

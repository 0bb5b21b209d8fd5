"""Everything that was made from one person's data: to be listed, and to be erased for good."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from projects import cache, ledger
from projects.bases import Base, load_base, remove_base
from projects.consent import FILE
from projects.errors import RefusedError, SwapdeckError
from projects.files import inside, read_errors, remove_tree, sweep, write_errors
from projects.jobs import Job, list_jobs, state
from projects.ledger import Entry
from projects.listing import folders
from projects.names import printable
from projects.people import Person, remove_person
from projects.swaps import Swap, load_swap, remove_swap
from projects.texts import read_json
from projects.workspace import Workspace

Kind = Literal["person", "swap", "base", "trash", "cache", "elsewhere"]
Model = Swap | Base
_RECORD = ".conversion.json"
_LOADS: dict[str, Callable[[Path], Model]] = {"swap.toml": load_swap, "base.toml": load_base}
"""By the document that says whose faces a model is of."""
_ERASED = ".erased-"  # before the name of a folder that has only its mark left
_AT_WORK = ("running", "paused", "stopping", "orphaned")
_MOST_ROWS = 200  # in a ledger's entry


@dataclass(frozen=True)
class Trace:
    """Something made from a person's data. Only what is "elsewhere" lies outside the workspace."""

    kind: Kind
    what: str  # in words
    path: Path
    files: int  # 0 for what is elsewhere and not there any more
    size: int  # bytes


@dataclass(frozen=True)
class Traces:
    """`swaps`, `bases`: slugs of those among them. `unreadable`: sentences about models that cannot
    be read, of which nobody knows whose faces are in them."""

    traces: tuple[Trace, ...]
    swaps: tuple[str, ...]
    bases: tuple[str, ...]
    unreadable: tuple[str, ...]

    @property
    def inside(self) -> tuple[Trace, ...]:
        return tuple(trace for trace in self.traces if trace.kind != "elsewhere")

    @property
    def elsewhere(self) -> tuple[Trace, ...]:
        return tuple(trace for trace in self.traces if trace.kind == "elsewhere")


def made_from(ws: Workspace, person: Person) -> Traces:
    """What is there now, and what the ledger and the conversions' records know to be elsewhere.

    Raises SwapdeckError when a folder cannot be looked into.
    """
    traces: list[Trace] = []
    unreadable: list[str] = []
    models: list[Model] = []
    for name, what in (
        ("sources", "the sources that were gathered"),
        ("faces", "the crops of their faces"),
        ("faces.sqlite", "landmarks and embeddings of their faces"),
    ):
        if _size(person.root / name)[0]:
            traces.append(_trace("person", what, person.root / name))
    others = _others(person.root)
    if others:
        size = sum(_size(path)[1] for path in others)
        traces.append(Trace("person", "the rest of their folder", person.root, len(others), size))
    for home, document in _homes(ws):
        for root in folders(home):
            try:
                model = _LOADS[document](inside(home, root.name))
            except SwapdeckError as error:
                unreadable.append(str(error))
                continue
            if person.slug in model.people:
                models.append(model)
                traces += _of_model(model)
    swaps = [model for model in models if isinstance(model, Swap)]
    traces += [_trace("trash", "in the trash", place) for place in _in_trash(ws, person)]
    if kept := [one for one in cache.usage(ws) if one.entries]:
        files, size = sum(one.entries for one in kept), sum(one.bytes for one in kept)
        what = "what is kept to save time, of everybody: it can be worked out again"
        traces.append(Trace("cache", what, ws.root / "cache", files, size))
    traces += [_elsewhere(path, what) for path, what in _known_elsewhere(ws, person, swaps).items()]
    return Traces(
        tuple(traces),
        tuple(swap.slug for swap in swaps),
        tuple(model.slug for model in models if isinstance(model, Base)),
        tuple(unreadable),
    )


def erase(ws: Workspace, person: Person, found: Traces) -> None:
    """Delete everything inside the workspace for good, the person last; the ledger tells of it.

    Nothing outside is touched. What says whose a folder is goes last, so that after a crash the
    same command finds the rest.

    Raises SwapdeckError when something cannot be deleted.
    """
    ledger.append(
        ws,
        "erasure",
        act="begun",
        person=person.slug,
        inside=[_row(ws, trace) for trace in found.inside[:_MOST_ROWS]],
        elsewhere=[_row(ws, trace) for trace in found.elsewhere[:_MOST_ROWS]],
        bytes=sum(trace.size for trace in found.inside),
    )
    cache.clear(ws)
    # First what only its model tells whose it is, then the models.
    for place in sorted(_in_trash(ws, person), key=lambda place: _mark(place).name in _LOADS):
        _erase(ws, place, _mark(place))
    for (home, document), slugs in zip(_homes(ws), (found.swaps, found.bases), strict=True):
        for slug in slugs:
            _erase(ws, home / slug, home / slug / document)
    _erase(ws, person.root, person.root / FILE)
    sweep_erased(ws)
    ledger.append(ws, "erasure", act="done", person=person.slug)


def put_in_trash(ws: Workspace, person: Person, found: Traces) -> list[Path]:
    """Move the person's swaps and bases and then the person to the trash; their paths there.

    What is kept of anybody to save time is deleted: nothing in it tells whose it is.
    """
    cache.clear(ws)
    swaps = [load_swap(ws.swaps / slug) for slug in found.swaps]
    theirs = [load_base(ws.bases / slug) for slug in found.bases]
    return [
        *(remove_swap(ws, swap) for swap in swaps),
        *(remove_base(ws, base) for base in theirs),
        remove_person(ws, person),
    ]


def sweep_erased(ws: Workspace) -> None:
    """Delete what a crash left of an erasure after its last step but one, or of a change."""
    for folder in (ws.root, ws.people, *(home for home, _ in _homes(ws)), ws.trash):
        sweep(folder)
        for path in folder.glob(f"{_ERASED}*"):
            remove_tree(path)


def jobs_with(ws: Workspace, slugs: Iterable[str]) -> list[Job]:
    """The jobs that work now with one of these people or swaps; the demo works with its own."""
    subjects = set(slugs)
    return [
        job
        for job in list_jobs(ws, [])
        if (job.subject in subjects or job.verb == "demo") and state(job).name in _AT_WORK
    ]


def require_idle(ws: Workspace, slugs: Iterable[str], what: str) -> None:
    """Raise RefusedError, that names the job and what to do, while `jobs_with` are any."""
    for job in jobs_with(ws, slugs):
        raise RefusedError(
            f"The job {job.id} works with {what} now, so nothing was taken away. Wait for it, or "
            f"end it with: swapdeck jobs stop {job.id}. Then run the same command again."
        )


def require_no_conversion(ws: Workspace) -> None:
    """Raise RefusedError while anything is converted, which needs the cache that is deleted."""
    for job in list_jobs(ws, []):
        if job.verb == "convert" and state(job).name in _AT_WORK:
            raise RefusedError(
                f"The job {job.id} converts footage, and what conversions keep is deleted too: "
                "nothing in it tells whose it is. So nothing was taken away. Wait for the job, or "
                f"end it with: swapdeck jobs stop {job.id}. Then run the same command again."
            )


def _homes(ws: Workspace) -> tuple[tuple[Path, str], ...]:
    """Where models are, and the document of each; swaps first."""
    return tuple(zip((ws.swaps, ws.bases), _LOADS, strict=True))


def _of_model(model: Model) -> list[Trace]:
    kind: Kind = "swap" if isinstance(model, Swap) else "base"
    parts = (
        ("checkpoints", "trained weights"),
        ("previews", "previews"),
        ("results", "results"),
    )
    traces = [
        _trace(kind, f"{model.name}: {what}", model.root / name)
        for name, what in parts
        if _size(model.root / name)[0]
    ]
    rest = [p for p in _walk(model.root) if p.relative_to(model.root).parts[0] not in dict(parts)]
    size = sum(path.lstat().st_size for path in rest)
    return [*traces, Trace(kind, f"{model.name}: the rest", model.root, len(rest), size)]


def _others(root: Path) -> list[Path]:
    known = {"sources", "faces", "faces.sqlite"}
    return [path for path in _walk(root) if path.relative_to(root).parts[0] not in known]


def _in_trash(ws: Workspace, person: Person) -> list[Path]:
    """The places in the trash that hold this person, somebody who was merged with them, a model of
    theirs, or a part of any of these."""
    slugs, merged = _merged(ws, person)
    places = folders(ws.trash)
    models = {place: _documents(place) for place in places}
    here = [root / document for home, document in _homes(ws) for root in folders(home)]
    found = [*here, *(path for documents in models.values() for path in documents)]
    theirs = {path for path in found if any(_is_of(path, slug) for slug in slugs)}
    names = {(path.name, path.parent.name) for path in theirs}

    def is_theirs(place: Path) -> bool:
        match _origin(place).split("/"):
            case ["people", slug, *_] if slug in slugs:
                return True
            case ["swaps", slug, _, *_] if ("swap.toml", slug) in names:  # such as a checkpoint
                return True
        return place.name in merged or any(path in theirs for path in models[place])

    return [inside(ws.trash, place.name) for place in places if is_theirs(place)]


def _origin(place: Path) -> str:
    """Where it lay in the workspace before, "" where its record does not say."""
    try:
        return str(read_json(place / "trash.json").get("from", ""))
    except (SwapdeckError, AttributeError):
        return ""


def _merged(ws: Workspace, person: Person) -> tuple[set[str], set[str]]:
    """The slugs under which the person was known, and the places in the trash of those that were
    merged with them. A slug that somebody has now is theirs."""
    slugs, places = {person.slug}, set()
    for entry in reversed(ledger.entries(ws)):
        values = entry.values
        if entry.kind == "merge" and values.get("person") in slugs:
            merged, trash = str(values.get("merged")), Path(str(values.get("trash")))
            if not os.path.lexists(ws.people / merged):
                slugs.add(merged)
            if len(trash.parts) == 3:
                places.add(trash.parts[1])
    return slugs, places


def _is_of(document: Path, slug: str) -> bool:
    try:
        model = _LOADS[document.name](document.parent)
    except SwapdeckError:
        return False
    return slug in model.people


def _documents(place: Path) -> list[Path]:
    """Those of the models in a place of the trash."""
    found = [path for name in _LOADS for path in sorted(place.glob(f"*/{name}"))]
    return [path for path in found if not path.is_symlink()]


def _mark(place: Path) -> Path:
    """The file in a place of the trash that says whose it is."""
    documents = _documents(place)
    return documents[0] if documents else place / "trash.json"


def _known_elsewhere(ws: Workspace, person: Person, swaps: Iterable[Swap]) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for swap in swaps:
        for path in sorted(swap.results_dir.glob(f"*{_RECORD}")):
            try:
                output = read_json(path).get("output")
            except (SwapdeckError, AttributeError):
                continue
            if isinstance(output, str):
                found[Path(output)] = f"{swap.name}: a result"
    for entry in _since_added(ws, person):
        place = entry.values.get("folder") or entry.values.get("file")
        if entry.kind not in ("output", "export") or not isinstance(place, str):
            continue
        what = {"output": "a result", "export": "an export"}[entry.kind]
        found[Path(place)] = f"{printable(str(entry.values.get('swap', 'faces')))}: {what}"
    here = ws.root.resolve()
    return {
        path: what
        for path, what in found.items()
        if path.is_absolute() and "\0" not in str(path) and not _is_within(path, here)
    }


def _since_added(ws: Workspace, person: Person) -> list[Entry]:
    """The ledger's entries about the person, and about whoever was merged with them; an earlier
    one of the same name was another."""
    about: dict[str, list[Entry]] = {}
    for entry in ledger.entries(ws):
        values = entry.values
        if entry.kind == "consent" and values.get("act") == "added":
            about[str(values.get("person"))] = []
        elif entry.kind == "merge":
            merged = about.pop(str(values.get("merged")), [])
            about.setdefault(str(values.get("person")), []).extend(merged)
        else:
            for slug in set(map(str, _people(values))):
                about.setdefault(slug, []).append(entry)
    return about.get(person.slug, [])


def _people(values: dict[str, Any]) -> list[Any]:
    people = values.get("people")
    return people if isinstance(people, list) else []


def _is_within(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _elsewhere(path: Path, what: str) -> Trace:
    try:
        found = _trace("elsewhere", what, path)
    except (OSError, SwapdeckError):
        found = Trace("elsewhere", what, path, 0, 0)
    return found if found.files else replace(found, what=f"{what}, not there any more")


def _trace(kind: Kind, what: str, path: Path) -> Trace:
    return Trace(kind, what, path, *_size(path))


def _size(path: Path) -> tuple[int, int]:
    """How many files there are, and their bytes; nothing for what is not there."""
    if not os.path.lexists(path):
        return 0, 0
    if path.is_dir() and not path.is_symlink():
        sizes = [found.lstat().st_size for found in _walk(path)]
        return len(sizes), sum(sizes)
    with read_errors(path):
        return 1, path.lstat().st_size


def _walk(root: Path) -> list[Path]:
    """Every file below `root`; symbolic links are files, and are not followed."""
    found = []
    for folder, subfolders, names in os.walk(root):
        links = [name for name in subfolders if Path(folder, name).is_symlink()]
        found += [Path(folder, name) for name in (*names, *links)]
    return found


def _row(ws: Workspace, trace: Trace) -> dict[str, object]:
    here = trace.kind != "elsewhere"
    path = trace.path.relative_to(ws.root) if here else trace.path
    return {"what": trace.what, "path": str(path), "files": trace.files, "bytes": trace.size}


def _erase(ws: Workspace, root: Path, last: Path) -> None:
    """Delete the folder `root`, the file `last` in it after everything else."""
    inside(ws.root, str(root.relative_to(ws.root)))
    with write_errors(root):
        for folder, subfolders, names in os.walk(root, topdown=False):
            for name in (*names, *subfolders):
                path = Path(folder, name)
                if path.is_dir() and not path.is_symlink():
                    if path not in last.parents:
                        path.rmdir()
                elif path != last:
                    path.unlink()
        # Out of sight in one step, so that there is never a person or a swap without a name.
        doomed = root.with_name(_ERASED + root.name)
        root.rename(doomed)
        remove_tree(doomed)

"""Reads the workspace's files into snapshots. Touches no widget; writes nothing but requests.

`snapshot` and `detail` are for one thread at a time. A `Reader` remembers what it has read by the
files' times, so that looking again costs little, and shows what can be read when something beside
it cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from projects import checkpoints, jobs
from projects.errors import SwapdeckError
from projects.files import inside
from projects.jobfiles import Asked
from projects.people import load_person
from projects.swaps import Swap, load_swap
from projects.texts import read_jsonl
from projects.workspace import Workspace, open_workspace
from tui.convert_reading import read_convert
from tui.folders import list_folder
from tui.people_reading import read_person, read_person_detail
from tui.progress import Event, Follower, Progress, number, whole
from tui.snapshot import (
    Detail,
    FolderDetail,
    JobDetail,
    JobRow,
    PersonRow,
    ResultRow,
    Snapshot,
    SwapDetail,
    SwapRow,
)
from tui.states import LIVE
from tui.swap_reading import read_checkpoints, read_comparison, read_training
from tui.text import clean, clean_path

T = TypeVar("T")
LOG_BYTES = 16_384
LOG_LINES = 100
TAIL_BYTES = 8_192
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
STALLED_AFTER = 120.0  # seconds without an event
FEW_ENTRIES = 500


class Reader:
    """The workspace at `root`, read again whenever it is asked."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[Hashable, Any]] = {}
        self._followers: dict[Path, Follower] = {}

    def snapshot(self) -> Snapshot:
        """Everything the lists show."""
        empty = Snapshot(clean_path(self.root, str(Path.home())), self._clock())
        try:
            if self._is_vacant():
                return empty
            ws = open_workspace(self.root, readonly=True)
            people = tuple(self._person(folder) for folder in _folders(ws.people))
            names = {person.slug: person.name for person in people}
            return replace(
                empty,
                people=people,
                swaps=tuple(self._swap(folder, names) for folder in _folders(ws.swaps)),
                jobs=tuple(self._job(ws, folder) for folder in reversed(_folders(ws.jobs))),
            )
        except SwapdeckError as error:
            return replace(empty, problem=clean(error))
        except OSError as error:
            return replace(empty, problem=_sentence(error))

    def detail(self, mode: str, key: str) -> Detail:
        """More about the row `key` of a mode; None when it has gone or cannot be read."""
        readers: dict[str, Callable[[Workspace, str], Detail]] = {
            "people": self._person_detail,
            "swaps": self._swap_detail,
            "training": partial(read_training, self),
            "checkpoints": partial(read_checkpoints, self),
            "compare": partial(read_comparison, self),
            "convert": partial(read_convert, self),
            "jobs": self._job_detail,
        }
        try:
            if mode == "system":
                from tui.machine import read_system  # slow to import, and seldom wanted

                return read_system(self.root)
            if mode == "files":
                return self._folder_detail(key)
            return readers[mode](open_workspace(self.root, readonly=True), key)
        except (SwapdeckError, OSError, ValueError):  # the last: a name that no file can have
            return None

    def ask(self, job: str, what: Asked) -> None:
        """Leave a request for a job.

        Raises:
            SwapdeckError: the job has gone, or its folder cannot be written.
        """
        jobs.request(jobs.get_job(open_workspace(self.root), job), what)

    def _is_vacant(self) -> bool:
        try:
            return not self.root.exists() or not any(self.root.iterdir())
        except (OSError, ValueError):
            return False  # what is wrong is said when it is opened

    def _remembered(
        self, kind: str, folder: Path, watched: tuple[Path, ...], build: Callable[[], T]
    ) -> T:
        """What `build` gave last time, unless a watched file, or the hour, has changed since."""
        times = (int(self._clock() // 3600), *(_time(path) for path in watched))
        found = self._known.get((kind, folder.name))
        if found is None or found[0] != times:
            found = self._known[kind, folder.name] = (times, build())
        value: T = found[1]
        return value

    def follower(self, path: Path, read: Callable[[int], tuple[list[Event], int]]) -> Follower:
        """Who reads the log at `path` on from where it was read to; see `Follower`."""
        return self._followers.setdefault(path, Follower(path, read))

    # People.

    def _person(self, folder: Path) -> PersonRow:
        watched = (folder / "person.toml", folder / "sources", folder / "faces.sqlite")
        return self._remembered("person", folder, watched, lambda: read_person(folder))

    def _person_detail(self, ws: Workspace, slug: str) -> Detail:
        person = load_person(inside(ws.people, slug))
        return self._remembered(
            "faces", person.root, (person.index_path,), lambda: read_person_detail(person)
        )

    # Swaps.

    def _swap(self, folder: Path, names: dict[str, str]) -> SwapRow:
        watched = (
            *(folder / name for name in ("swap.toml", "checkpoints", "results", "previews")),
            folder / "history.jsonl",
        )
        row = self._remembered("swap", folder, watched, lambda: _read_swap(folder))
        return replace(
            row,
            source_name=names.get(row.source, row.source),
            target_name=names.get(row.target, row.target),
            other_names=tuple(names.get(slug, slug) for slug in row.others),
        )

    def _swap_detail(self, ws: Workspace, slug: str) -> Detail:
        path = load_swap(inside(ws.swaps, slug)).history_path

        def read(offset: int) -> tuple[list[Event], int]:
            records, after = read_jsonl(path, offset)
            return [{"kind": "step", **record} for record in records], after

        return SwapDetail(slug, self.follower(path, read).follow())

    # Files.

    def _folder_detail(self, key: str) -> Detail:
        """`key` is the path of an entry in the workspace; ending in / where none is selected."""
        from tui.looking import look

        where, _, name = key.rpartition("/")
        folder = inside(self.root, where)
        listed = self._last("folder", folder, lambda: list_folder(folder, self.root))
        entry = next((entry for entry in listed.entries if entry.path.name == name), None)
        if entry is None or entry.kind in ("folder", "link"):
            return FolderDetail(where, listed)
        return FolderDetail(where, listed, self._last("look", entry.path, lambda: look(entry.path)))

    def _last(self, kind: str, path: Path, build: Callable[[], T]) -> T:
        """As `_remembered`, of the last path of its kind only. A folder with few entries is read
        anew all the same, because its files may grow."""
        found = self._known.get((kind, ""))
        now = (path, _stamp(path))
        few = found is not None and len(getattr(found[1], "entries", ())) <= FEW_ENTRIES
        if found is None or found[0] != now or (kind == "folder" and few):
            found = self._known[kind, ""] = (now, build())
        value: T = found[1]
        return value

    # Jobs.

    def _job(self, ws: Workspace, folder: Path) -> JobRow:
        found = self._known.get(("job", folder.name))
        if found is not None and found[0]:  # it has ended: nothing changes any more
            row: JobRow = found[1]
            return row
        try:
            job = jobs.load_job(inside(ws.jobs, folder.name))
            state = jobs.state(job)
        except (SwapdeckError, OSError) as error:
            problem = _sentence(error) if isinstance(error, OSError) else clean(error)
            return JobRow(folder.name, subject=clean(folder.name), problem=problem)
        live = state.name in LIVE
        progress = self._events(job) if live else Progress()
        row = JobRow(
            job.id,
            clean(job.verb),
            clean(job.subject),
            _epoch(job.created),
            None if live else state.at or _last_heard(job),
            state.name,
            clean(state.detail),
            clean(job.after),
            clean(job.retry_of),
            self._is_silent(state.name, progress),
            progress,
        )
        self._known["job", folder.name] = (not live, row)
        return row

    def _events(self, job: jobs.Job) -> Progress:
        return self.follower(job.events_path, lambda offset: jobs.read_events(job, offset)).follow()

    def _is_silent(self, state: str, progress: Progress) -> bool:
        if state != "running" or progress.updated is None:
            return False
        return self._clock() - progress.updated > STALLED_AFTER

    def _job_detail(self, ws: Workspace, identity: str) -> Detail:
        job = jobs.get_job(ws, identity)
        progress = self._events(job)
        preview = _inside_workspace(ws, ws.swaps / job.subject, progress.preview)
        return JobDetail(job.id, progress, preview, _log(job.output_path))


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))
    except FileNotFoundError:
        return []


def _read_swap(folder: Path) -> SwapRow:
    try:
        swap = load_swap(folder)
        steps = checkpoints.steps(swap.checkpoints_dir)
        newest = steps[-1] if steps else None
        last = _last_record(swap.history_path)
        trained = whole(last.get("step"))
        return SwapRow(
            swap.slug,
            clean(swap.name),
            swap.source,
            swap.target,
            others=swap.others,
            preset=clean(swap.preset),
            trained=newest if trained is None else trained,
            checkpoint=newest,
            saved=None if newest is None else _seconds(swap.checkpoints_dir / f"{newest:08d}"),
            loss=number(last.get("loss")),
            results=_results(swap),
            preview=_newest_picture(swap.previews_dir),
        )
    except SwapdeckError as error:
        return SwapRow(folder.name, clean(folder.name), problem=clean(error))


def _results(swap: Swap) -> tuple[ResultRow, ...]:
    rows = []
    for path in _entries(swap.results_dir):
        if path.suffix == ".json":  # what a program wrote for programs, beside its result
            continue
        with suppress(OSError):
            found = path.stat()
            name = clean(path.name) + ("/" if path.is_dir() else "")
            rows.append(ResultRow(name, found.st_size, found.st_mtime))
    return tuple(sorted(rows, key=lambda row: row.written, reverse=True))


def _newest_picture(folder: Path) -> Path | None:
    pictures = [path for path in _entries(folder) if path.suffix.lower() in PICTURES]
    return max(pictures, key=lambda path: (_time(path) or 0, path.name), default=None)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        return iter(())
    return (path for path in entries if not path.name.startswith("."))


def _last_record(path: Path) -> dict[str, Any]:
    records, _ = read_jsonl(path, -TAIL_BYTES)
    return records[-1] if records else {}


def _log(path: Path) -> tuple[str, ...]:
    """The last lines of a job's output. A line drawn over itself counts as it was last."""
    text = _tail(path, LOG_BYTES).decode("utf-8", errors="replace")
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    kept = [clean(line) for line in lines[-LOG_LINES:]]
    return tuple(kept[:-1] if kept and not kept[-1] else kept)


def _tail(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - size))
            return file.read(size)
    except OSError:
        return b""


def _last_heard(job: jobs.Job) -> float | None:
    last = jobs.read_events(job, -TAIL_BYTES)[0][-1:]
    return number(last[0].get("at")) if last else None


def _inside_workspace(ws: Workspace, folder: Path, path: str) -> Path | None:
    """A picture that an event names, unless it leads out of the workspace."""
    if not path:
        return None
    with suppress(SwapdeckError, OSError, ValueError):
        found = (folder / path).resolve()
        if found.is_relative_to(ws.root.resolve()) and found.is_file():
            return found
    return None


def _time(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _seconds(path: Path) -> float | None:
    time_ns = _time(path)
    return None if time_ns is None else time_ns / 1e9


def _epoch(created: str) -> float:
    try:
        return datetime.fromisoformat(created).timestamp()
    except ValueError:
        return 0.0


def _sentence(error: OSError) -> str:
    name = clean(error.filename or "The workspace")
    return f"{name} cannot be read: {error.strerror}. Check its owner and its permissions."

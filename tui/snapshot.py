"""What the dashboard knows of the workspace: plain values that never change once made.

Every text in them is clean already: a widget can show it without a second thought.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from projects.checkpoint_rows import CheckpointRow
from tui.convert_details import ConvertDetail
from tui.folders import Folder
from tui.progress import Progress


@dataclass(frozen=True)
class SourceRow:
    """Something that was brought in for a person; `size` in bytes, `seconds` None when unknown.

    `licence`, `page`, `title` and `author` are what was said where it was found, `part` which part
    of the original it is.
    """

    name: str
    kind: str
    origin: str
    size: int
    digest: str = ""
    seconds: float | None = None
    licence: str = ""
    page: str = ""
    title: str = ""
    author: str = ""
    part: str = ""
    added: str = ""


@dataclass(frozen=True)
class PersonRow:
    """A person with the counts of their faces.

    `lapsed` says why the consent does not hold, `problem` what cannot be read; both are sentences.
    `consent` is its state in a word: valid, expired, withdrawn, missing, damaged.
    """

    slug: str
    name: str
    basis: str = ""
    scope: str = ""
    recorded_by: str = ""
    expires: str = ""
    lapsed: str = ""
    consent: str = ""
    sources: tuple[SourceRow, ...] = ()
    kept: int = 0
    rejected: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ResultRow:
    """A file that a conversion or report left; `written` in seconds since the epoch."""

    name: str
    size: int
    written: float


@dataclass(frozen=True)
class SwapRow:
    """A swap and how far it has come; `saved` is its newest checkpoint's time."""

    slug: str
    name: str
    source: str = ""  # slug, as the next
    target: str = ""
    source_name: str = ""
    target_name: str = ""
    others: tuple[str, ...] = ()  # slugs of further people who share the encoder
    other_names: tuple[str, ...] = ()
    preset: str = ""
    trained: int | None = None
    checkpoint: int | None = None
    saved: float | None = None
    loss: float | None = None
    results: tuple[ResultRow, ...] = ()
    preview: Path | None = None
    problem: str = ""


@dataclass(frozen=True)
class JobRow:
    """A job, its state and what its events say; times in seconds since the epoch.

    `ended` is when it was last heard of, once it has ended.
    """

    id: str
    verb: str = ""
    subject: str = ""
    created: float = 0.0
    ended: float | None = None
    state: str = ""
    detail: str = ""
    after: str = ""  # id of the job that has to be done before, as the next
    retry_of: str = ""
    stalled: bool = False
    progress: Progress = field(default_factory=Progress)
    problem: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The workspace at one moment; `at` in seconds since the epoch, `place` its path.

    `problem` says why nothing could be read, "" when it could.
    """

    place: str
    at: float = field(default=0.0, compare=False)
    people: tuple[PersonRow, ...] = ()
    swaps: tuple[SwapRow, ...] = ()
    jobs: tuple[JobRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class PersonDetail:
    """More about one person: the crops of a few sharp faces, from one profile to the other, and
    how many kept faces look each way (see projects.face_poses)."""

    slug: str
    faces: tuple[Path, ...]
    poses: tuple[tuple[tuple[int, int], int], ...] = ()


@dataclass(frozen=True)
class SwapDetail:
    """More about one swap: its whole training so far."""

    slug: str
    training: Progress


@dataclass(frozen=True)
class JobDetail:
    """More about one job: its newest preview and the end of its output."""

    id: str
    progress: Progress
    preview: Path | None
    log: tuple[str, ...]


@dataclass(frozen=True)
class SystemDetail:
    """What is known of the machine: sections of names and values."""

    sections: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Looked:
    """What one file says: facts, lines of text (or records of names and values), a picture to show,
    a sentence about the rest."""

    facts: Pairs = ()
    lines: tuple[str | Pairs, ...] = ()
    picture: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class FolderDetail:
    """A folder of the workspace, `where` its path in it, and what the selected file says."""

    where: str
    folder: Folder
    looked: Looked | None = None


@dataclass(frozen=True)
class TrainingDetail:
    """A swap's training: its losses, its held-out scores, its previews by their steps."""

    slug: str
    training: Progress
    scores: tuple[tuple[float, float], ...] = ()
    score: tuple[tuple[str, float], ...] = ()
    """The parts of the newest score by name."""
    best: tuple[int, float] | None = None
    """Step and score of the best one."""
    previews: tuple[tuple[int, Path], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class CheckpointsDetail:
    """A swap's checkpoints, the newest first, with the preview nearest to each."""

    slug: str
    rows: tuple[CheckpointRow, ...] = ()
    previews: tuple[tuple[int, Path], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class CompareDetail:
    """Some swaps' trainings, and the settings and faces that are not the same in all: a name and
    the value in each."""

    swaps: tuple[TrainingDetail, ...] = ()
    differs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problem: str = ""


Detail = (
    PersonDetail
    | SwapDetail
    | TrainingDetail
    | CheckpointsDetail
    | CompareDetail
    | ConvertDetail
    | JobDetail
    | SystemDetail
    | FolderDetail
    | None
)

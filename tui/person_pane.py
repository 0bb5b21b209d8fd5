"""One person in full: what runs for them, what they need next, consent, sources, faces, poses."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui import text
from tui.panes import Pane, facts, lines, progress_bar, progress_words
from tui.picture import Picture
from tui.pose_map import pose_map
from tui.services import Services
from tui.snapshot import JobRow, PersonDetail, PersonRow, SourceRow
from tui.states import LIVE, badge, warning

CHART = 24  # cells of the longest bar
SHOWN_SOURCES = 6
POSES = "poses of the kept faces: yaw across, pitch down"
VERBS = ("gather", "extract", "import")


class PersonPane(Pane):
    """One person."""

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="job")
        yield Static(id="consent")
        yield Static("sources", classes="title", markup=False)
        yield Static(id="sources")
        yield Static("faces", classes="title", markup=False)
        yield Static(id="faces")
        yield Static(POSES, id="poses-title", classes="title", markup=False)
        yield Static(id="poses")
        yield Static(id="space")
        yield Picture(rows=10, id="portraits")

    def show(self, row: PersonRow, detail: PersonDetail | None, job: JobRow | None) -> None:
        """Fill the pane. Without `detail`, what was shown of the same person stays."""
        if detail is None and row.slug != self.shown_key:
            detail = PersonDetail(row.slug, ())
        self.shown_key = row.slug
        head = [Content.styled(row.name, "bold $primary")]
        head += [Content(), Content.styled(row.problem, "$error")] if row.problem else []
        step = next_step(row)
        head += [Content.assemble(("next  ", "$quiet"), step[1])] if step else []
        self.fill("#head", lines([*head, ""]))
        width = max(20, self.size.width - 4)
        self.fill("#job", None if job is None else lines([*_job(job, width), ""]))
        self.fill("#consent", facts(_consent(row)))
        key = cast(Services, self.app).keys_of
        self.fill("#faces", _faces(row, key("extract")))
        self.fill("#sources", _sources(row, key("gather"), key("sources")))
        if detail is not None:
            self.query_one(Picture).paths = detail.faces
            poses = pose_map(dict(detail.poses), width) if detail.poses else None
            self.fill("#poses-title", Content(POSES) if poses else None)
            self.fill("#poses", poses)


def next_step(row: PersonRow) -> tuple[str, str] | None:
    """What a person needs next: the action that does it, and words. None when they are damaged."""
    if row.problem:
        return None
    if row.consent in ("missing", "damaged", "expired"):
        return "edit_person", f"record their consent, which is {row.consent}"
    if not row.sources:
        return "gather", "bring in footage"
    if not row.kept + row.rejected:
        return "extract", "find the faces in the footage"
    return "faces", "look at the faces, and at what the doctor says"


def job_of(slug: str, jobs: tuple[JobRow, ...]) -> JobRow | None:
    """The job that works for a person, else the newest that did."""
    theirs = [job for job in jobs if job.subject == slug and job.verb in VERBS]
    live = [job for job in theirs if job.state in LIVE]
    return next(iter(live or theirs), None)


def _job(job: JobRow, width: int) -> list[Content | str]:
    """A job that runs, with how far it is; one that ended badly, with why."""
    shown: list[Content | str] = [Content.assemble((f"{job.verb}  ", "bold"), badge(job.state))]
    if job.state in LIVE:
        bar = progress_bar(job.progress, min(width, 60))
        shown += [bar] if bar is not None else []
        shown.append(progress_words(job.progress))
    elif job.state == "done":
        return [Content.assemble((f"{job.verb}  ", "$quiet"), badge(job.state))]
    if job.detail:
        shown.append(Content.styled(job.detail, "$quiet" if job.state in LIVE else "$error"))
    return [one for one in shown if str(one)]


def _consent(row: PersonRow) -> list[tuple[str, Content | str]]:
    return [
        ("consent", row.basis),
        ("scope", row.scope),
        ("recorded by", row.recorded_by),
        ("expires", row.expires),
        ("", warning(row.lapsed) if row.lapsed else ""),
    ]


def _faces(row: PersonRow, extract: str) -> Content:
    if not row.kept + row.rejected:
        return Content.styled(
            f"none yet: {extract} finds them" if row.sources else "none yet", "$quiet"
        )
    counts = [("kept", row.kept, "$success"), *((r, n, "$quiet") for r, n in row.reasons)]
    biggest = max(number for _, number, _ in counts) or 1
    width = min(40, max(len(name) for name, _, _ in counts))
    return lines(
        Content.assemble(
            f"{name[:width]:<{width}}  ",
            f"{text.count(number):>7}  ",
            ("━" * max(1, round(number / biggest * CHART)), colour),
        )
        for name, number, colour in counts
    )


def _sources(row: PersonRow, gather: str, every: str) -> Content:
    if not row.sources:
        return Content.styled(
            f"none yet: {gather} brings some in, or swapdeck gather {row.slug} FOOTAGE", "$quiet"
        )
    shown = [
        Content.assemble(source.name, (f"  {source_words(source)}", "$quiet"))
        for source in row.sources[:SHOWN_SOURCES]
    ]
    more = len(row.sources) - len(shown)
    return lines(
        [
            *shown,
            *([Content.styled(f"and {more} more: {every} lists them", "$quiet")] if more else []),
        ]
    )


def source_words(source: SourceRow) -> str:
    """A source in a few words: kind, length, size, licence."""
    parts = [source.kind, text.size(source.size)]
    if source.seconds:
        parts.insert(1, text.duration(source.seconds))
    return ", ".join([*parts, *([source.licence] if source.licence else [])])

"""Jobs: what runs and what ran, each with its live progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from projects.jobs import Job
from tui import jobkeeping, text
from tui.actions import JOB_LIST, JOBS, LISTS, bindings, ids
from tui.curve import Curve
from tui.dialogs import Confirm
from tui.mode import ModeScreen
from tui.panes import Pane, facts, lines, loss_lines, progress_bar, progress_words
from tui.picture import Picture
from tui.rows import Column, Row
from tui.services import Services
from tui.snapshot import Detail, JobDetail, JobRow, Snapshot
from tui.states import ENDED, KILLABLE, LIVE, RETRIED, badge, warning

SIDE_BY_SIDE = 96  # cells from which the curve and the preview stand beside each other
LOG_SHOWN = 12  # lines, and more where there is room beside the LOG_LEAVES above them
LOG_LEAVES = 14


class JobPane(Pane):
    """One job: how far it is, its losses, its newest preview, the end of its output."""

    DEFAULT_CSS = """
    JobPane #pictures { layout: vertical; height: auto; }
    JobPane #pictures Vertical { height: auto; width: 1fr; }
    JobPane.-beside #pictures { layout: horizontal; }
    JobPane.-beside #preview-part { margin-left: 3; }
    JobPane #log { color: $quiet; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="bar")
        yield Static(id="where")
        yield Static(id="notes")
        with Horizontal(id="pictures"):
            with Vertical(id="curve-part"):
                yield Static("loss", classes="title", markup=False)
                yield Curve(id="curve")
                yield Static(id="losses")
            with Vertical(id="preview-part"):
                yield Static("newest preview", id="preview-title", classes="title", markup=False)
                yield Picture(id="preview")
        yield Static("result", id="result-title", classes="title", markup=False)
        yield Static(id="result")
        yield Static("output", id="log-title", classes="title", markup=False)
        yield Static(id="log")

    def _within(self, result: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Paths in the workspace without the way to it, which every one of them has."""
        root = text.clean(cast(Services, self.app).root) + "/"
        return [(name, value.removeprefix(root)) for name, value in result]

    def _arrange(self) -> None:
        """Share the room between the curve and the preview."""
        width, height = self.size
        self.set_class(width >= SIDE_BY_SIDE, "-beside")
        rows = max(8, min(32, height - 3))
        self.query_one(Picture).rows = rows
        self.query_one(Curve).rows = 6 if width < SIDE_BY_SIDE else min(14, rows - 8)

    def show(self, row: JobRow, now: float, detail: JobDetail | None) -> None:
        """Fill the pane. Without `detail`, what was shown of the same job stays."""
        if detail is None and row.id != self.shown_key:
            detail = JobDetail(row.id, row.progress, None, ())
        self.shown_key = row.id
        self._arrange()
        progress = row.progress if detail is None else detail.progress
        head = Content.assemble(
            (row.verb, "bold $primary"), " ", (row.subject, "bold"), "   ", badge(row.state)
        )
        since = f"started {text.ago(now - row.created)}" if row.created else ""
        if row.created and row.ended is not None:
            since += f", took {text.duration(row.ended - row.created)}"
        self.fill("#head", lines([head, Content.styled(since, "$quiet"), ""]))
        live = row.state in LIVE
        self.fill("#bar", progress_bar(progress, self.size.width - 6) if live else None)
        self.fill("#where", progress_words(progress, live) if live or progress.step else None)
        notes = _notes(row, progress.warnings)
        self.fill("#notes", lines(["", *notes]) if notes else None)
        if detail is None:
            return
        self.query_one(Curve).points = progress.curve
        self.query_one("#curve-part").display = len(progress.curve) > 1
        self.fill(
            "#losses", loss_lines(progress, self.query_one(Curve).size.width or self.size.width - 4)
        )
        title = "newest preview"
        if progress.preview_step is not None:
            title += f", step {progress.preview_step:,}"
        self.fill("#preview-title", Content(title))
        self.query_one(Picture).paths = (detail.preview,) if detail.preview else ()
        self.query_one("#preview-part").display = detail.preview is not None
        result = facts(self._within(progress.result)) if progress.result else None
        self.fill("#result", result)
        self.query_one("#result-title").display = result is not None
        shown = max(LOG_SHOWN, self.size.height - LOG_LEAVES)
        log = lines(detail.log[-shown:]) if detail.log else None
        self.fill("#log", log)
        self.query_one("#log-title").display = log is not None


class JobsScreen(ModeScreen):
    """The jobs of the workspace, the newest first."""

    MODE = "jobs"
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("state", 10),
        Column("job", 16, grow=2),
        Column("started", 7, right=True),
        Column("progress", 16, grow=4),
    )
    EMPTY = """[b]Nothing runs, and nothing ever has.[/]

A job is one run of the engine: extracting faces, training, converting.
Jobs go on when this window closes or the connection drops.

People and Swaps start them, each at its place. Or in another terminal:

  [b $primary]swapdeck demo[/]
  [$quiet]every kind of job once, on two rendered people[/]

  [b $primary]swapdeck train SWAP[/]
  [$quiet]a training; watch it here: loss, previews, time left[/]"""
    GROUPS: ClassVar[Sequence[str]] = (JOB_LIST, JOBS, LISTS)
    BINDINGS = bindings(*ids(JOB_LIST))

    def make_pane(self) -> Pane:
        return JobPane(id="detail")

    def rows(self, snapshot: Snapshot) -> list[Row]:
        return [Row(row.id, _cells(row, snapshot.at)) for row in snapshot.jobs]

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        for row in snapshot.jobs:
            if row.id == key:
                found = detail if isinstance(detail, JobDetail) else None
                self.query_one(JobPane).show(row, snapshot.at, found)

    def job(self) -> JobRow | None:
        rows = self.snapshot.jobs if self.snapshot is not None else ()
        return next((row for row in rows if row.id == self.key), None)

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not super().check_action(action, parameters):
            return False
        if action not in _POSSIBLE or not self.is_mounted:
            return True
        if action == "clean_jobs":
            return any(row.state in ENDED for row in self.snapshot.jobs) if self.snapshot else False
        row = self.job()
        return row is not None and row.state in _POSSIBLE[action]

    def action_retry_job(self) -> None:
        """Go on with the job, and go to the one that does."""
        row = self.job()
        if row is None:
            return

        def started(made: list[Job]) -> None:
            self.go_to(made[0].id)
            more = f", and {len(made) - 1} after it" if len(made) > 1 else ""
            self.dashboard.say(f"{row.verb} {row.subject} goes on{more}.")

        self.dashboard.do(partial(jobkeeping.retry, self.dashboard.root, row.id), started)

    def action_kill_job(self) -> None:
        """End the job's processes, once that is confirmed."""
        row = self.job()
        if row is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.say(f"{row.verb} {row.subject} is ended; it has ten seconds.")
                self.dashboard.do(partial(jobkeeping.kill, self.dashboard.root, row.id))

        self.app.push_screen(
            Confirm(
                f"Kill {row.verb} {row.subject}?",
                "Its processes are ended, and by force after ten seconds. What it did since it "
                "last saved is lost. Stopping (x) saves first.",
                "Kill it",
            ),
            answered,
        )

    def action_adopt_job(self) -> None:
        """Watch over an orphan again."""
        row = self.job()
        if row is not None:
            self.dashboard.do(
                partial(jobkeeping.adopt, self.dashboard.root, row.id),
                lambda _: self.dashboard.say(f"{row.verb} {row.subject} is watched over again."),
            )

    async def action_go_to_subject(self) -> None:
        """Show the person or the swap that the job works on."""
        row = self.job()
        if row is None or self.snapshot is None:
            return
        for mode, known in (("swaps", self.snapshot.swaps), ("people", self.snapshot.people)):
            if any(one.slug == row.subject for one in known):
                await self.app.run_action(f"app.show({mode!r}, {row.subject!r})")
                return
        self.dashboard.say(f"There is no person and no swap called {row.subject} any more.")

    def action_trash_job(self) -> None:
        """Move what is known of a job that has ended to the trash."""
        row = self.job()
        if row is not None:
            self.dashboard.trash(
                f"Move the record of {row.verb} {row.subject} to the trash?",
                "Its events and its output go. What the job made stays: faces, checkpoints, "
                "results.",
                partial(jobkeeping.to_trash, identity=row.id),
                f"the record of {row.verb} {row.subject}",
            )

    def action_clean_jobs(self) -> None:
        """Move what is known of every job that has ended to the trash."""
        root, ended = self.dashboard.root, 0
        if self.snapshot is not None:
            ended = sum(row.state in ENDED for row in self.snapshot.jobs)

        def cleaned(trashed: list[Path]) -> None:
            records = text.plural(len(trashed), "record")
            self.dashboard.push_undo(
                f"the removal of {records}", partial(jobkeeping.restore_all, root, trashed)
            )
            key = self.dashboard.keys_of("undo")
            self.dashboard.say(f"{records} went to the trash. Press {key} to get them back.")

        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.do(partial(jobkeeping.clean, root), cleaned)

        self.app.push_screen(
            Confirm(
                f"Move the records of {text.plural(ended, 'job')} to the trash?",
                "Events and output of all jobs that have ended go, but of those that a living job "
                "waits for. What they made stays: faces, checkpoints, results.",
                "To the trash",
            ),
            answered,
        )


_POSSIBLE = {
    "retry_job": RETRIED,
    "kill_job": KILLABLE,
    "adopt_job": frozenset({"orphaned"}),
    "go_to_subject": LIVE | ENDED,
    "trash_job": ENDED,
    "clean_jobs": ENDED,
}


def _cells(row: JobRow, now: float) -> tuple[Content | str, ...]:
    if row.problem:
        return (
            Content.styled("! damaged", "$error"),
            row.subject,
            "",
            Content.styled(row.problem, "$error"),
        )
    return (
        badge(row.state),
        Content.assemble(row.verb, " ", (row.subject, "$quiet")),
        text.age(now - row.created) if row.created else "",
        _progress_cell(row),
    )


def _progress_cell(row: JobRow) -> Content:
    progress = row.progress
    if row.state == "done" and row.created and row.ended is not None:
        return Content.styled(f"took {text.duration(row.ended - row.created)}", "$quiet")
    if row.state not in LIVE:
        return Content.styled(row.detail, "$error" if row.state in _BAD else "$quiet")
    parts = []
    bar = progress_bar(progress, 14)
    if bar is not None:
        parts.append(bar)
    if progress.eta is not None:
        parts.append(Content.styled(text.duration(progress.eta), "$quiet"))
    elif bar is None:
        parts.append(progress_words(progress))
    if row.stalled:
        parts.insert(0, warning("silent"))
    return Content("  ").join(parts)


_BAD = frozenset({"failed", "crashed"})


def _notes(row: JobRow, warnings: Sequence[str]) -> list[Content]:
    notes = []
    if row.problem:
        notes.append(Content.styled(row.problem, "$error"))
    if row.after:
        notes.append(Content.styled(f"It comes after {row.after}.", "$quiet"))
    if row.retry_of:
        notes.append(Content.styled(f"It goes on with {row.retry_of}.", "$quiet"))
    if row.detail:
        notes.append(Content.styled(row.detail, "$error" if row.state in _BAD else "$quiet"))
    if row.stalled:
        notes.append(warning("Nothing was heard of it for more than two minutes."))
    return notes + [warning(words) for words in warnings]

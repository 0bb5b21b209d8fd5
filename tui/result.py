"""What a conversion made, how good it is by the report, and its worst frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui import text
from tui.actions import JOBS, RESULT, bindings, ids
from tui.convert_details import ConvertDetail, Drawn, Result
from tui.panes import Pane, facts, lines, progress_words
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import Detail, JobRow, Snapshot
from tui.states import LIVE, warning
from tui.swapscreen import SwapScreen

_FRAMES = ("frame-back", "frame-on", "one-back", "one-on")
NAME = 24
FIGURE = 17
BESIDE = 130  # cells from which the figures stand beside the picture
COLUMNS = (Column("worst", 7, right=True), Column("why", 30, grow=1))


class ResultPane(Pane):
    """One of the worst frames with the facts, and the figures; beside each other on wide ones."""

    DEFAULT_CSS = """
    ResultPane #parts { layout: vertical; height: auto; }
    ResultPane Vertical { height: auto; width: 1fr; }
    ResultPane.-beside #parts { layout: horizontal; }
    ResultPane.-beside #measured { width: 64; margin-left: 2; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal(id="parts"):
            with Vertical(id="shown"):
                yield Static(id="frame")
                yield Picture()
                yield Static(id="facts")
            with Vertical(id="measured"):
                yield Static(id="figures")


class ResultScreen(SwapScreen):
    """One result of a swap, by the name of its file."""

    MODE = "convert"
    GROUPS: ClassVar[Sequence[str]] = (RESULT, JOBS)
    BINDINGS = bindings(*ids(RESULT), *_FRAMES, "draw-frame")
    DEFAULT_CSS = """
    ResultScreen #body { height: 1fr; }
    ResultScreen #list { height: auto; margin-bottom: 1; display: none; }
    ResultScreen.-measured #list { display: block; }
    ResultScreen ResultPane { height: 1fr; }
    ResultScreen.-enlarged #facts, ResultScreen.-enlarged #measured { display: none; }
    """

    def __init__(self, slug: str, name: str) -> None:
        super().__init__(slug)
        self.result_name = name
        self.frame: int | None = None
        """The frame of the result that is looked at; None shows the worst frame selected."""
        self.look = ""
        self.drawn: dict[int, Drawn] = {}

    @property
    def key(self) -> str:
        return f"{self.slug}/{self.look}"

    def compose_swap(self) -> ComposeResult:
        with Vertical(id="body"):
            yield Static(id="title", markup=False)
            with Vertical(id="list"):
                yield Rows(COLUMNS)
            yield ResultPane()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    @property
    def result(self) -> Result | None:
        """The result, None when its record has gone."""
        results = self.detail.results if isinstance(self.detail, ConvertDetail) else ()
        return next((one for one in results if one.name == self.result_name), None)

    def job(self) -> JobRow | None:
        """The report that is being written, for pause and stop."""
        rows = self.snapshot.jobs if self.snapshot is not None else ()
        return next(
            (
                row
                for row in rows
                if (row.verb, row.subject) == ("report", self.slug) and row.state in LIVE
            ),
            None,
        )

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        if isinstance(detail, ConvertDetail) and detail.job is not None:
            for one in detail.job.drawn:
                if self.drawn.get(one.frame) != one:
                    self.drawn[one.frame] = one
                    self.query_one(Picture).reload()
        super().update(snapshot, key, detail)

    def draw(self) -> None:
        result = self.result
        title = Content.assemble((f" {self.result_name}", "bold"))
        if result is None and isinstance(self.detail, ConvertDetail):
            title = Content.styled(f" There is no record of {self.result_name} any more.", "$error")
        self.query_one("#title", Static).update(title)
        worst = result.worst if result is not None else ()
        self.set_class(bool(worst), "-measured")
        rows = self.query_one(Rows)
        rows.styles.height = 1 + min(max(1, len(worst)), max(4, self.size.height // 5))
        rows.show([Row(str(n), (f"{w.frame:,}", w.why)) for n, w in enumerate(worst)])
        self.query_one(ResultPane).draw(self._fill)

    def _fill(self) -> None:
        pane, result = self.query_one(ResultPane), self.result
        picture = pane.query_one(Picture)
        if result is None:
            picture.paths = ()
            return
        key = self.query_one(Rows).key
        worst = result.worst[int(key)] if key and int(key) < len(result.worst) else None
        pane.set_class(pane.size.width >= BESIDE, "-beside")
        height = pane.size.height
        if self.has_class("-enlarged"):
            picture.rows = max(8, height - 1)
        else:
            picture.rows = max(8, height - 9 if pane.has_class("-beside") else height // 2)
        shown = worst.picture if worst is not None else None
        if self.frame is not None:
            shown = self.drawn[self.frame].path if self.frame in self.drawn else None
        picture.paths = (shown,) if shown is not None else ()
        pane.fill("#frame", self._frame_words(result))
        now = self.snapshot.at if self.snapshot is not None else 0.0
        pane.fill("#facts", lines(["", facts(_facts(result, now)), *self._notes(result)]))
        pane.fill("#figures", _figures(result))

    def _frame_words(self, result: Result) -> Content:
        """Which frame is looked at, and how its picture fares."""
        draw = self.dashboard.keys_of("draw-frame")
        if self.frame is None:
            how = f"◂ ▸ go through its frames, {draw} shows one"
            return Content.styled(f"worst frames; {how}" if result.worst else how, "$quiet")
        words = Content.assemble(
            ("◂ ", "$primary"),
            (f"frame {self.frame:,} of {max(0, result.frames - 1):,}", "bold"),
            (" ▸", "$primary"),
            ("   before | after   ", "$quiet"),
        )
        look = self.detail.job if isinstance(self.detail, ConvertDetail) else None
        if self.frame in self.drawn:
            return words
        if self.look and look is not None and look.state in LIVE:
            return words + Content.styled(f"drawing: {look.detail or 'starting'} …", "$primary")
        if self.look and look is not None and look.state != "done":
            return words + Content.styled(look.detail, "$error")
        return words + Content.styled(f"press {draw} to see it", "$quiet")

    def _notes(self, result: Result) -> list[Content]:
        notes = []
        job = self.job()
        measure = self.dashboard.keys_of("measure")
        if job is not None:
            notes.append(
                Content.assemble(("measuring  ", "$primary"), progress_words(job.progress))
            )
        elif not result.figures:
            notes.append(
                Content.styled(f"Not measured yet. Press {measure} to measure it.", "$quiet")
            )
        if not result.there:
            notes.append(warning("The file is not there any more."))
        return notes

    @on(Rows.Selected)
    def _moved(self, event: Rows.Selected) -> None:
        event.stop()
        self.frame = None
        self.query_one(ResultPane).draw(self._fill)

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("train", "swap_settings", "trash_swap", "convert", "checkpoints"):
            return False
        if not super().check_action(action, parameters):
            return False
        if not self.is_mounted:
            return True
        if action == "measure":
            return self.result is not None and self.job() is None
        if action == "draw_frame":
            return self.result is not None and self.result.there
        return action not in _ON_RESULT or self.result is not None

    def _step(self, by: int) -> None:
        result = self.result
        if result is not None:
            at = result.frames // 2 - by if self.frame is None else self.frame
            self.frame = max(0, min(max(0, result.frames - 1), at + by))
            self.query_one(ResultPane).draw(self._fill)

    def action_frame(self, step: int) -> None:
        """A twentieth of the result on, or back."""
        if self.result is not None:
            self._step(step * max(1, self.result.frames // 20))

    def action_one_frame(self, step: int) -> None:
        """One frame on, or back."""
        self._step(step)

    def action_draw_frame(self) -> None:
        """Show this frame of the finished file beside the footage, by a job."""
        result = self.result
        if result is None:
            return
        if self.frame is None:
            self._step(0)
        arguments = {"swap": self.slug, "result": result.path.name, "frames": [self.frame]}
        self.dashboard.start_job("look", self.slug, arguments, self._looking, quiet=True)

    def _looking(self, job: str) -> None:
        self.look = job
        self.post_message(self.Wanted())

    def action_measure(self) -> None:
        """Start the report as a job."""
        self.dashboard.start_job("report", self.slug, {"swap": self.slug})

    def action_copy_path(self) -> None:
        """Put the result's path on the terminal's clipboard, and say it."""
        if self.result is not None:
            self.app.copy_to_clipboard(str(self.result.path))
            self.dashboard.say(f"Copied: {text.clean(self.result.path)}")

    def action_enlarge(self) -> None:
        """The picture alone, or the figures too."""
        self.toggle_class("-enlarged")
        self.draw()


_ON_RESULT = frozenset({"copy_path", "enlarge", "frame", "one_frame"})


def _facts(result: Result, now: float) -> list[tuple[str, Content | str]]:
    swapped = f"{text.plural(result.frames, 'frame')}, {text.plural(result.faces, 'face')} replaced"
    took = f" in {text.duration(result.seconds)}" if result.seconds else ""
    return [
        ("file", text.clean_path(result.path, str(Path.home()))),
        ("made", f"{text.ago(now - result.written)}, by step {result.step:,}"),
        ("it has", f"{swapped}{took}"),
        ("cast", ", ".join(f"{who} by {swap}" for who, swap in result.cast)),
        ("left alone", "; ".join(result.left)),
        ("anonymous", "; ".join(result.anonymity)),
    ]


def _figures(result: Result) -> Content | None:
    """The report's figures as a table: the result first, then what it is compared with."""
    if not result.figures:
        return None
    heads = "".join(name[:FIGURE].rjust(FIGURE + 1) for name in result.compared)
    rows = [Content.styled(" " * NAME + heads, "$quiet")]
    for name, *values in result.figures:
        first, *others = (value.rjust(FIGURE + 1) for value in values)
        rows.append(
            Content.assemble((name.ljust(NAME), "$quiet"), (first, "bold"), "".join(others))
        )
    return lines(
        [Content.styled(f"measured {result.measured.replace('T', ' ')[:16]} UTC", "$quiet"), *rows]
    )

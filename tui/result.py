"""What a conversion made, how good it is by the report, and its worst frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui import text
from tui.actions import JOBS, RESULT, bindings, ids
from tui.convert_details import ConvertDetail, Result
from tui.panes import Pane, facts, lines, progress_words
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import JobRow
from tui.states import LIVE, warning
from tui.swapscreen import SwapScreen

COLUMNS = (Column("worst", 7, right=True), Column("why", 30, grow=1))
NAME = 22
FIGURE = 12


class ResultPane(Pane):
    """One of the worst frames, then facts and figures."""

    def compose(self) -> ComposeResult:
        yield Picture(id="worst-picture")
        yield Static(id="facts")
        yield Static(id="figures")


class ResultScreen(SwapScreen):
    """One result of a swap, by the name of its file."""

    MODE = "convert"
    GROUPS: ClassVar[Sequence[str]] = (RESULT, JOBS)
    BINDINGS = bindings(*ids(RESULT))
    DEFAULT_CSS = """
    ResultScreen #body { height: 1fr; }
    ResultScreen #list { height: auto; margin-bottom: 1; display: none; }
    ResultScreen.-measured #list { display: block; }
    ResultScreen ResultPane { height: 1fr; }
    ResultScreen.-enlarged #facts, ResultScreen.-enlarged #figures { display: none; }
    """

    def __init__(self, slug: str, name: str) -> None:
        super().__init__(slug)
        self.result_name = name

    @property
    def key(self) -> str:
        return f"{self.slug}/"

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
        enlarged = self.has_class("-enlarged")
        picture.rows = max(8, pane.size.height if enlarged else pane.size.height // 2)
        shown = worst.picture if worst is not None else None
        picture.paths = (shown,) if shown is not None else ()
        now = self.snapshot.at if self.snapshot is not None else 0.0
        pane.fill("#facts", lines(["", facts(_facts(result, now)), *self._notes(result)]))
        pane.fill("#figures", _figures(result))

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
        if action == "enlarge":
            return self.result is not None and bool(self.result.worst)
        return action != "copy_path" or self.result is not None

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


def _facts(result: Result, now: float) -> list[tuple[str, Content | str]]:
    swapped = f"{text.plural(result.frames, 'frame')}, {text.plural(result.faces, 'face')} replaced"
    took = f" in {text.duration(result.seconds)}" if result.seconds else ""
    return [
        ("file", text.clean(result.path)),
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
    return lines([Content.styled(f"\nmeasured {result.measured}", "$quiet"), *rows])

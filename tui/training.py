"""A swap's training, running or done: curves, figures, previews to scrub through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui import text
from tui.actions import JOBS, SWAPS, TRAINING, bindings, ids
from tui.curve import Curve
from tui.panes import Pane, facts, lines, progress_bar, progress_words
from tui.picture import Picture
from tui.progress import Progress
from tui.snapshot import JobRow, SwapRow, TrainingDetail
from tui.states import LIVE, badge, warning
from tui.swapscreen import SwapScreen

COLUMNS = ("source", "rebuilt", "target", "rebuilt", "target as source")
STALL_IS_MUCH = 0.1
TALL = 30  # lines from which the parts of the score are shown too


class ColumnNames(Widget):
    """What the columns of a preview are, under a picture as wide as this and `rows` high."""

    DEFAULT_CSS = """
    ColumnNames { height: auto; color: $quiet; }
    """

    rows = 0

    def render(self) -> Content:
        # A preview is five chips wide and three high; a cell is two pixels high.
        cell = min(self.size.width, self.rows * 2 * 5 // 3) // len(COLUMNS)
        if cell < max(len(name) for name in COLUMNS[:-1]) + 1:
            return Content(" · ".join(COLUMNS))
        return Content("".join(name.ljust(cell) for name in COLUMNS).rstrip())


class TrainingPane(Pane):
    """Figures and curves beside the preview; the preview alone when it is enlarged."""

    DEFAULT_CSS = """
    TrainingPane #parts { height: auto; }
    TrainingPane #figures { width: 1fr; height: auto; }
    TrainingPane #shown { width: 1fr; height: auto; margin-left: 2; }
    TrainingPane.-enlarged #figures { display: none; }
    TrainingPane.-enlarged #shown { margin-left: 0; }
    SwapScreen.-wide TrainingPane #shown, SwapScreen.-widest TrainingPane #shown { width: 2fr; }
    """

    BINDINGS = bindings(*ids(TRAINING))
    position: int | None = None
    """Which preview is shown; None follows the newest."""
    detail: TrainingDetail | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="bar")
        yield Static(id="where")
        yield Static(id="notes")
        with Horizontal(id="parts"):
            with Vertical(id="figures"):
                yield Static("loss", id="loss-title", classes="title", markup=False)
                yield Curve(id="loss", rows=4, empty="no step yet")
                yield Static("held-out score", id="score-title", classes="title", markup=False)
                yield Curve(id="score", rows=3, linear=True, empty="scored once a minute")
                yield Static(id="machine")
            with Vertical(id="shown"):
                yield Static(id="preview-title", classes="title", markup=False)
                yield Picture(id="preview")
                yield ColumnNames()

    def show(self, row: SwapRow, job: JobRow | None, detail: TrainingDetail | None) -> None:
        """Fill the pane. `job` is the one that works on the swap now."""
        self.detail = detail or self.detail
        training = self.detail.training if self.detail is not None else Progress()
        live = job is not None and job.verb == "train" and job.state in LIVE
        now = job.progress if job is not None and live else training
        self.fill("#head", _head(row, job))
        self.fill("#bar", progress_bar(now, self.size.width - 6) if live else None)
        self.fill("#where", _where(row, now, training, live))
        notes = _notes(row, job, self.detail)
        self.fill("#notes", lines(notes) if notes else None)
        self._arrange()
        self.query_one("#loss", Curve).points = training.curve
        self.fill("#loss-title", _loss_title(training))
        scores = self.detail.scores if self.detail is not None else ()
        self.query_one("#score", Curve).points = scores
        self.fill("#score-title", _score_title(self.detail))
        machine = _machine(now if now.memory is not None else training, live)
        parts = _score_parts(self.detail) if self.size.height >= TALL else []
        self.fill("#machine", facts([*machine, *parts]))
        self.show_preview()

    def _arrange(self) -> None:
        width, height = self.size
        wide = width >= 116
        self.query_one("#loss", Curve).rows = max(4, min(10, height - 20)) if wide else 4
        self.query_one("#score", Curve).rows = max(3, min(6, height - 28)) if wide else 3
        rows = max(8, height - (6 if self.has_class("-enlarged") else 9))
        self.query_one(Picture).rows = self.query_one(ColumnNames).rows = rows

    def show_preview(self) -> None:
        """Show the preview that is scrubbed to."""
        previews = self.detail.previews if self.detail is not None else ()
        picture = self.query_one(Picture)
        if not previews:
            picture.paths = ()
            words = "no preview yet: one is drawn every 20 seconds of a training"
            self.fill("#preview-title", Content.styled(words, "$quiet"))
            self.query_one(ColumnNames).display = False
            return
        at = len(previews) - 1 if self.position is None else min(self.position, len(previews) - 1)
        step, path = previews[at]
        picture.paths = (path,)
        newest = "  newest" if at == len(previews) - 1 else ""
        self.fill(
            "#preview-title",
            Content.assemble(
                ("◂ ", "$primary" if at else "$rule"),
                (f"step {step:,}", "bold"),
                f"  {at + 1} of {len(previews)}{newest}",
                (" ▸", "$primary" if not newest else "$rule"),
            ),
        )
        self.query_one(ColumnNames).display = True

    def action_scrub(self, steps: int) -> None:
        """Go so many previews on, or back."""
        previews = self.detail.previews if self.detail is not None else ()
        if previews:
            last = len(previews) - 1
            at = max(0, min(last, (last if self.position is None else self.position) + steps))
            self.position = None if at == last else at
            self.show_preview()

    def action_scrub_to(self, end: int) -> None:
        """Go to the first preview (0), or to the newest and follow it (-1)."""
        self.position = None if end < 0 else 0
        self.show_preview()

    def action_enlarge(self) -> None:
        """Give the preview the whole screen, or take it back."""
        self.toggle_class("-enlarged")
        self.scroll_home(animate=False)
        self._refill()


class TrainingScreen(SwapScreen):
    """The training of one swap."""

    MODE = "training"
    GROUPS: ClassVar[Sequence[str]] = (TRAINING, SWAPS, JOBS)
    DEFAULT_CSS = """
    TrainingScreen #body { height: 1fr; }
    """

    def compose_swap(self) -> ComposeResult:
        yield TrainingPane(id="body")

    def on_mount(self) -> None:
        self.query_one(TrainingPane).focus()

    def draw(self) -> None:
        pane = self.query_one(TrainingPane)
        pane.draw(self._fill)

    def _fill(self) -> None:
        row = self.swap_row()
        if row is not None:
            detail = self.detail if isinstance(self.detail, TrainingDetail) else None
            self.query_one(TrainingPane).show(row, self.job(), detail)

    def action_back(self) -> None:
        """Out of the enlarged preview, or back to the list."""
        pane = self.query_one(TrainingPane)
        if pane.has_class("-enlarged") and not self.has_class("-gone"):
            pane.action_enlarge()
        else:
            super().action_back()


def _head(row: SwapRow, job: JobRow | None) -> Content:
    parts: list[Content] = [
        Content.assemble(
            (row.source_name, "bold $primary"), (" → ", "$quiet"), (row.target_name, "bold")
        ),
        Content.styled(row.name, "$quiet"),
        Content.styled(row.preset, "$quiet"),
    ]
    if job is not None:
        verb = "" if job.verb == "train" else f" {job.verb}"
        parts.append(Content.assemble(badge(job.state), verb))
    return Content("   ").join(parts)


def _where(row: SwapRow, now: Progress, training: Progress, live: bool) -> Content:
    if live:
        return progress_words(now) if now.step is not None or now.stage else Content("starting")
    if not row.trained:
        return Content.styled("It was never trained.", "$quiet")
    loss = f"  ·  loss {text.figure(training.loss)}" if training.loss is not None else ""
    return Content(f"trained to step {row.trained:,}{loss}")


def _notes(row: SwapRow, job: JobRow | None, detail: TrainingDetail | None) -> list[Content]:
    notes = []
    if job is not None and job.stalled:
        notes.append(warning("Nothing was heard of it for more than two minutes."))
    if job is not None and job.detail and job.state != "running":
        notes.append(Content.styled(job.detail, "$quiet"))
    if job is not None:
        notes += [warning(words) for words in job.progress.warnings[-1:]]
    if detail is not None and detail.problem:
        notes.append(Content.styled(detail.problem, "$error"))
    return notes


def _loss_title(training: Progress) -> Content:
    shown: list[Content | str] = ["loss"]
    if training.loss is not None:
        shown.append(Content.styled(f" {text.figure(training.loss)}", "bold $primary"))
    return Content.assemble(*shown)


def _score_title(detail: TrainingDetail | None) -> Content:
    if detail is None or not detail.scores:
        return Content("held-out score")
    step, value = detail.scores[-1]
    shown: list[Content | tuple[str, str] | str] = [
        "held-out score ",
        (f"{value:.4f}", "bold $primary"),
    ]
    if detail.best is not None:
        best = "the best" if detail.best[0] == step else f"best {detail.best[1]:.4f}"
        shown.append(f"  {best}")
    return Content.assemble(*shown)


def _score_parts(detail: TrainingDetail | None) -> list[tuple[str, Content | str]]:
    """What the newest score is made of."""
    names = {"source": "source SSIM", "target": "target SSIM", "identity": "distance",
             "landmarks": "landmarks"}  # fmt: skip
    found = detail.score if detail is not None else ()
    return [(names.get(name, name), f"{value:.4f}") for name, value in found]


def _machine(fared: Progress, live: bool) -> list[tuple[str, Content | str]]:
    """How the machine fares, or last fared."""
    stall: Content | str = ""
    if fared.stall is not None:
        share = f"{fared.stall:.1%}"
        stall = warning(share) if fared.stall > STALL_IS_MUCH else Content(share)
    memory = "" if fared.memory is None else text.size(fared.memory)
    if fared.memory is not None and fared.memory_limit:
        memory += f" of {text.size(fared.memory_limit)}"
    plateau = ""
    if fared.plateau is not None and live:
        plateau = f"{text.duration(fared.plateau)} or later"
    rate = "" if fared.rate is None or live else f"{text.figure(fared.rate)} steps/s"
    return [("speed", rate), ("input stall", stall), ("memory", memory), ("levels off", plateau)]

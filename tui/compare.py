"""Swaps beside each other: their losses and scores in one curve, what differs, their previews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui import text
from tui.actions import SWAP_LIST, bindings
from tui.curve import Curves, Points
from tui.mode import BaseScreen
from tui.panes import Pane, lines
from tui.picture import Picture
from tui.snapshot import CompareDetail, Detail, Snapshot, TrainingDetail
from tui.swap_actions import live_job

MOST = 4
"""Swaps beside each other; more could not be told apart."""
NAME, VALUE = 20, 22


class ComparePane(Pane):
    """Curves over one another, a table, and the newest previews."""

    def compose(self) -> ComposeResult:
        yield Static(id="problem")
        yield Static("loss against steps", classes="title", markup=False)
        yield Curves(id="loss", rows=8, empty="no step yet")
        yield Static("held-out score against steps", classes="title", markup=False)
        yield Curves(id="score", rows=5, linear=True, empty="no score yet")
        yield Static(id="table")
        yield Static("newest previews", id="preview-title", classes="title", markup=False)
        yield Picture()
        yield Static(id="command", classes="title")

    def show(self, found: CompareDetail, running: Sequence[bool]) -> None:
        """Fill the pane; `running` says which of them are being trained."""
        problem = Content.styled(found.problem, "$error") if found.problem else None
        self.fill("#problem", problem)
        swaps = found.swaps
        self.query_one("#loss", Curves).series = tuple(
            (one.slug, _points(one.training.curve)) for one in swaps
        )
        self.query_one("#score", Curves).series = tuple(
            (one.slug, _points(one.scores)) for one in swaps
        )
        self.fill("#table", _table(found, running) if swaps else None)
        paths = tuple(one.previews[-1][1] for one in swaps if one.previews)
        picture = self.query_one(Picture)
        picture.rows = max(8, min(24, self.size.height - 4))
        picture.paths = paths
        self.query_one("#preview-title").display = bool(paths)
        words = f"over time too, as a picture: swapdeck compare {' '.join(s.slug for s in swaps)}"
        self.fill("#command", Content(words))


class CompareScreen(BaseScreen):
    """Two swaps or more; Escape goes back to the list."""

    MODE = "compare"
    TAB = "swaps"
    GROUPS: ClassVar[Sequence[str]] = (SWAP_LIST,)
    BINDINGS = bindings("back")
    DEFAULT_CSS = """
    CompareScreen ComparePane { height: 1fr; }
    """

    def __init__(self, slugs: Sequence[str]) -> None:
        super().__init__()
        self.slugs = tuple(slugs)
        self.detail: CompareDetail | None = None

    @property
    def key(self) -> str:
        return " ".join(self.slugs)

    def compose_body(self) -> ComposeResult:
        yield ComparePane()

    def on_mount(self) -> None:
        self.query_one(ComparePane).focus()

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        if isinstance(detail, CompareDetail) and key == self.key:
            self.detail = detail
        self.query_one(ComparePane).draw(self._fill)

    def _fill(self) -> None:
        if self.detail is None or self.snapshot is None:
            return
        snapshot = self.snapshot
        jobs = [live_job(snapshot, one.slug) for one in self.detail.swaps]
        running = [job is not None and job.verb == "train" for job in jobs]
        self.query_one(ComparePane).show(self.detail, running)

    def action_back(self) -> None:
        """Back to the list."""
        self.app.pop_screen()


def _points(points: Points) -> tuple[tuple[float, float], ...]:
    return tuple(points)


def _table(found: CompareDetail, running: Sequence[bool]) -> Content:
    """A line for what is compared, a column for each swap; the best value is marked."""
    swaps = found.swaps
    head = "".join(one.slug[: VALUE - 2].ljust(VALUE) for one in swaps)
    rows: list[Content] = [Content(), Content.assemble(" " * NAME, (head.rstrip(), "bold"))]
    steps = [None if one.training.step is None else f"{one.training.step:,}" for one in swaps]
    rows.append(_row("trained to step", [step or "no history" for step in steps]))
    if any(running):
        rows.append(_row("now", ["running" if live else "" for live in running]))
    rates = [one.training.rate for one in swaps]
    rows.append(_row("steps a second", ["" if r is None else text.figure(r) for r in rates]))
    rows.append(_row("input stall", [_share(one.training.stall) for one in swaps]))
    memory = [one.training.memory for one in swaps]
    rows.append(_row("memory", ["" if m is None else text.size(m) for m in memory]))
    rows.append(_row("loss", [_figure(one.training.loss) for one in swaps]))
    tops = [max((value for _, value in one.scores), default=None) for one in swaps]
    best = max((top for top in tops if top is not None), default=None)
    scores = ["" if t is None else f"{t:.4f}{' ✓ best' if t == best else ''}" for t in tops]
    rows.append(_row("best score", scores))
    rows.append(_row("at step", [_best_step(one) for one in swaps]))
    rows += [_row(name, values) for name, values in found.differs]
    if not found.differs and not found.problem:
        rows.append(Content.styled("Their settings and their faces are the same.", "$quiet"))
    return lines(row for row in rows if row.plain.strip() or row is rows[0])


def _row(name: str, values: Sequence[str]) -> Content:
    if not any(values):
        return Content()
    cells = "".join(value[: VALUE - 2].ljust(VALUE) for value in values)
    return Content.assemble((name[: NAME - 1].ljust(NAME), "$quiet"), cells.rstrip())


def _best_step(one: TrainingDetail) -> str:
    step, _ = max(one.scores, key=lambda point: point[1], default=(None, None))
    return "" if step is None else f"{int(step):,}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "" if value is None else text.figure(value)

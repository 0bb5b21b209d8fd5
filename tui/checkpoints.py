"""A swap's checkpoints: compared, marked to be used, gone back to, exported, put away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from projects import checkpoints
from projects.checkpoint_rows import CheckpointRow, go_back, trash_checkpoint
from projects.options import Value
from projects.swaps import get_swap
from projects.workspace import open_workspace, restore_from_trash
from tui import text
from tui.actions import CHECKPOINTS, JOBS, SWAPS, bindings, ids
from tui.dialogs import Confirm
from tui.panes import Pane, facts
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import CheckpointsDetail
from tui.swap_forms import export_form
from tui.swapscreen import SwapScreen

COLUMNS = (
    Column("", 1),
    Column("step", 9, right=True),
    Column("score", 7, right=True),
    Column("saved", 7, right=True),
    Column("size", 7, right=True),
    Column("", 12, grow=1),
)
NONE = "No checkpoint yet. One is saved every minute of a training, and at its end."


class Checkpoint(Vertical):
    """One checkpoint: its figures and the preview nearest to it."""

    DEFAULT_CSS = """
    Checkpoint { width: 1fr; height: auto; margin-right: 2; }
    Checkpoint Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        yield Static(classes="what")
        yield Static(classes="figures")
        yield Picture()
        yield Static(classes="drawn")

    def show(
        self, row: CheckpointRow, other: CheckpointRow | None, preview: tuple[int, Path] | None
    ) -> None:
        """Fill it; figures that are better than those of `other` are marked."""
        _fill(self, ".what", Content.styled(f"step {row.step:,}", "bold $primary"))
        _fill(self, ".figures", facts(_figures(row, other), least=9))
        self.query_one(Picture).paths = (preview[1],) if preview is not None else ()
        words = "no preview of it"
        if preview is not None:
            near = "" if preview[0] == row.step else f" of step {preview[0]:,}, the nearest"
            words = f"preview{near}"
        _fill(self, ".drawn", Content.styled(words, "$quiet"))


class CheckpointsPane(Pane):
    """The checkpoint under the cursor, beside the one that was selected before."""

    DEFAULT_CSS = """
    CheckpointsPane #beside { height: auto; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal(id="beside"):
            yield Checkpoint(id="first")
            yield Checkpoint(id="second")


class CheckpointsScreen(SwapScreen):
    """The checkpoints of one swap."""

    MODE = "checkpoints"
    GROUPS: ClassVar[Sequence[str]] = (CHECKPOINTS, SWAPS, JOBS)
    BINDINGS = bindings(*ids(CHECKPOINTS))
    DEFAULT_CSS = """
    CheckpointsScreen #body { height: 1fr; }
    CheckpointsScreen #none { padding: 1 3; display: none; }
    CheckpointsScreen CheckpointsPane { height: 1fr; }
    CheckpointsScreen.-none #none { display: block; }
    CheckpointsScreen.-none #list, CheckpointsScreen.-none CheckpointsPane { display: none; }
    CheckpointsScreen #list { height: auto; margin-bottom: 1; }
    """

    selected: int | None = None
    """The step that stays beside the one under the cursor."""

    def compose_swap(self) -> ComposeResult:
        with Vertical(id="body"):
            yield Static(id="title", markup=False)
            yield Static(NONE, id="none", markup=False)
            with Vertical(id="list"):
                yield Rows(COLUMNS)
            yield CheckpointsPane()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    # What is shown.

    @property
    def rows(self) -> tuple[CheckpointRow, ...]:
        """The swap's checkpoints, the newest first."""
        return self.detail.rows if isinstance(self.detail, CheckpointsDetail) else ()

    @property
    def current(self) -> CheckpointRow | None:
        """The checkpoint under the cursor."""
        key = self.query_one(Rows).key
        return next((row for row in self.rows if str(row.step) == key), None)

    def draw(self) -> None:
        row = self.swap_row()
        problem = self.detail.problem if isinstance(self.detail, CheckpointsDetail) else ""
        if row is not None:
            title = Content.assemble(
                (f" Checkpoints of {row.name}", "bold"), "  ", (problem, "$error")
            )
            self.query_one("#title", Static).update(title)
        known = isinstance(self.detail, CheckpointsDetail)
        self.set_class(known and not self.rows and not problem, "-none")
        now = self.snapshot.at if self.snapshot is not None else 0.0
        rows = self.query_one(Rows)
        rows.styles.height = 1 + min(len(self.rows), max(4, self.size.height // 5))
        rows.show([self._line(one, now) for one in self.rows])
        self.query_one(CheckpointsPane).draw(self._compare)

    def _line(self, row: CheckpointRow, now: float) -> Row:
        marks = [
            word
            for word, has in (
                ("● in use", row.used),
                ("chosen", row.chosen),
                ("best", row.best),
                ("newest", row.newest),
            )
            if has
        ]
        return Row(
            str(row.step),
            (
                Content.styled("◆" if row.step == self.selected else "", "$primary"),
                f"{row.step:,}",
                "" if row.score is None else f"{row.score:.4f}",
                text.age(now - row.saved),
                text.size(row.size),
                Content.styled(", ".join(marks), "$primary" if row.used else "$quiet"),
            ),
        )

    def _compare(self) -> None:
        current = self.current
        if current is None:
            return
        chosen = next((row for row in self.rows if row.step == self.selected), None)
        pair = [row for row in (chosen, current) if row is not None]
        pair = pair[:1] if len(pair) > 1 and pair[0].step == pair[1].step else pair
        pane = self.query_one(CheckpointsPane)
        for number, part in enumerate(pane.query(Checkpoint)):
            part.display = number < len(pair)
            if number < len(pair):
                other = pair[1 - number] if len(pair) > 1 else None
                part.query_one(Picture).rows = max(8, pane.size.height - 9)
                part.show(pair[number], other, self._preview(pair[number].step))

    def _preview(self, step: int) -> tuple[int, Path] | None:
        """The preview nearest to a step."""
        if not isinstance(self.detail, CheckpointsDetail) or not self.detail.previews:
            return None
        return min(self.detail.previews, key=lambda one: abs(one[0] - step))

    @on(Rows.Selected)
    def _moved(self, event: Rows.Selected) -> None:
        event.stop()
        self.query_one(CheckpointsPane).draw(self._compare)
        self.refresh_bindings()

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("checkpoints", "trash_swap", "swap_settings"):
            return False
        if not super().check_action(action, parameters):
            return False
        if action in _ON_ONE and self.is_mounted:
            row = self.current
            return row is not None and not (action == "restore" and row.newest)
        return True

    def action_select(self) -> None:
        """Keep this checkpoint beside the one under the cursor, or no longer."""
        row = self.current
        if row is not None:
            self.selected = None if self.selected == row.step else row.step
            self.draw()

    def action_use(self) -> None:
        """Let this checkpoint be used, or let the score decide again."""
        row = self.current
        if row is None:
            return
        before = next((one.step for one in self.rows if one.chosen), None)
        after = None if row.chosen else row.step
        self.dashboard.do(partial(self._choose, after), lambda _: self._used(before, after))

    def _choose(self, step: int | None) -> None:
        swap = get_swap(open_workspace(self.dashboard.root), self.slug)
        checkpoints.choose(swap.checkpoints_dir, step)

    def _used(self, before: int | None, after: int | None) -> None:
        def back() -> str:
            self._choose(before)
            return "It is used as before."

        self.dashboard.push_undo("the choice of a checkpoint", back)
        self.dashboard.say(
            f"Step {after:,} is used from now on, and kept."
            if after is not None
            else "The one with the best score is used again."
        )

    def action_restore(self) -> None:
        """Take the training back to this checkpoint, once the question is answered."""
        row = self.current
        newer = [one.step for one in self.rows if row is not None and one.step > row.step]
        if row is None or not newer:
            return
        step = row.step

        def restore() -> list[Path]:
            ws = open_workspace(self.dashboard.root)
            return go_back(ws, get_swap(ws, self.slug), step)

        def restored(trashed: list[Path]) -> None:
            self.dashboard.push_undo("the restoring", partial(back, trashed))
            self.dashboard.say(
                f"The training goes on from step {step:,}. Press "
                f"{self.dashboard.keys_of('undo')} to undo that."
            )

        def back(trashed: list[Path]) -> str:
            ws = open_workspace(self.dashboard.root)
            for path in trashed:
                restore_from_trash(ws, path)
            return f"{text.plural(len(trashed), 'checkpoint')} restored."

        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.do(restore, restored)

        steps = ", ".join(f"{one:,}" for one in newer)
        self.app.push_screen(
            Confirm(
                f"Take the training back to step {step:,}?",
                f"The checkpoints of step {steps} go to the trash. Losses and scores after step "
                f"{step:,} are forgotten once it is trained again.",
                "Take it back",
            ),
            answered,
        )

    def action_trash_checkpoint(self) -> None:
        """Move this checkpoint to the trash, once the question is answered."""
        row = self.current
        if row is None:
            return
        step = row.step
        only = " It is the only one: without it the training starts over." * (len(self.rows) == 1)
        used = " Conversions use it now." * row.used
        self.dashboard.trash(
            f"Move the checkpoint of step {step:,} to the trash?",
            f"{text.size(row.size)}.{used}{only}",
            lambda ws: trash_checkpoint(ws, get_swap(ws, self.slug), step),
            f"The checkpoint of step {step:,}",
        )

    def action_export(self) -> None:
        """Ask for a folder, and write the model there as a job."""
        row = self.swap_row()
        if row is None:
            return

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                folder = Path(str(values["folder"])).expanduser().absolute()
                arguments = {"swap": self.slug, "folder": str(folder), "newest": values["newest"]}
                self.start_consented("export", "export", arguments)

        self.app.push_screen(export_form(row, Path.home() / f"{self.slug}-model"), answered)


_ON_ONE = frozenset({"select", "use", "restore", "trash_checkpoint", "export"})


def _figures(row: CheckpointRow, other: CheckpointRow | None) -> list[tuple[str, Content | str]]:
    """Figures by name; the better of two is marked."""
    theirs = None if other is None else _measured(other)
    found: list[tuple[str, Content | str]] = []
    for name, value, higher in _measured(row):
        rival = None if theirs is None else next((v for n, v, _ in theirs if n == name), None)
        shown = "not measured" if value is None else f"{value:.4f}"
        better = value is not None and rival is not None and (value > rival) == higher
        better = better and value != rival
        found.append((name, Content.styled(f"{shown} ✓ better", "$success") if better else shown))
    at = "never" if row.scored_at is None else f"at step {row.scored_at:,}"
    return [*found, ("scored", Content.styled(at, "$quiet"))]


def _measured(row: CheckpointRow) -> list[tuple[str, float | None, bool]]:
    """Name, value, and whether higher is better."""
    return [
        ("score", row.score, True),
        *((f"{who} SSIM", value, True) for who, value in row.ssim),
        ("distance to source", row.identity, False),
        ("landmark error", row.landmarks, False),
        ("loss", row.loss, False),
    ]


def _fill(part: Vertical, selector: str, content: Content) -> None:
    static = part.query_one(selector, Static)
    if content != static.content:
        static.update(content)

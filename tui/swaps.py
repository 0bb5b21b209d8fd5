"""Swaps: whose face goes onto whom, how far the model is, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui import text
from tui.actions import JOBS, LISTS, SWAP_LIST, SWAPS, bindings, ids
from tui.compare import MOST, CompareScreen
from tui.curve import Curve
from tui.mode import ModeScreen
from tui.panes import Pane, facts, lines, loss_lines
from tui.picture import Picture
from tui.progress import Progress
from tui.rows import Column, Row, Rows
from tui.snapshot import Detail, Snapshot, SwapDetail, SwapRow
from tui.states import badge
from tui.swap_actions import SwapActions, live_job
from tui.training import TrainingScreen

SHOWN_RESULTS = 8


class SwapPane(Pane):
    """One swap: its people, its results, its training so far, the newest preview."""

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="facts")
        yield Static("results", classes="title", markup=False)
        yield Static(id="results")
        yield Static("loss so far", id="curve-title", classes="title", markup=False)
        yield Curve(id="curve")
        yield Static(id="losses")
        yield Static("newest preview", id="preview-title", classes="title", markup=False)
        yield Picture(id="preview")

    def show(self, row: SwapRow, snapshot: Snapshot, detail: SwapDetail | None) -> None:
        """Fill the pane. Without `detail`, what was shown of the same swap stays."""
        if detail is None and row.slug != self.shown_key:
            detail = SwapDetail(row.slug, Progress())
        self.shown_key = row.slug
        head: list[Content | str] = [
            Content.assemble(
                (row.source_name, "bold $primary"), ("  →  ", "$quiet"), (row.target_name, "bold")
            )
            if row.source
            else Content.styled(row.name, "bold")
        ]
        head += [Content(), Content.styled(row.problem, "$error")] if row.problem else []
        self.fill("#head", lines([*head, ""]))
        self.fill("#facts", facts(_facts(row, snapshot)))
        self.fill("#results", _results(row, snapshot.at))
        preview = self.query_one("#preview", Picture)
        preview.rows = max(8, min(32, self.size.height - 3))
        preview.paths = (row.preview,) if row.preview else ()
        preview.display = self.query_one("#preview-title").display = row.preview is not None
        if detail is not None:
            self.query_one(Curve).points = detail.training.curve
            self.fill("#losses", loss_lines(detail.training, self.size.width - 4))
            shown = len(detail.training.curve) > 1
            for name in ("#curve", "#curve-title", "#losses"):
                self.query_one(name).display = shown


class SwapsScreen(ModeScreen, SwapActions):  # Textual takes the first one's CSS alone
    """The swaps of the workspace."""

    MODE = "swaps"
    GROUPS: ClassVar[Sequence[str]] = (SWAPS, SWAP_LIST, LISTS, JOBS)
    BINDINGS = bindings(*ids(SWAP_LIST))
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("source → target", 18, grow=3),
        Column("name", 16, grow=2, from_width=60),
        Column("preset", 11, from_width=90),
        Column("steps", 8, right=True),
        Column("loss", 7, right=True, from_width=76),
        Column("saved", 7, right=True),
        Column("results", 7, right=True, from_width=66),
    )
    _wanted_key = ""  # the row that was made here and is not read yet
    EMPTY = """[b]There is no swap yet.[/]

A swap puts one person's face onto another person's footage.
Both need faces first, in People ([b $primary]1[/]). Then [b $primary]a[/] makes one,
[b $primary]t[/] trains it, and [b $primary]c[/] converts footage with it. On the command line:

  [b $primary]swapdeck swap new ada-as-ben --source ada --target ben[/]
  [b $primary]swapdeck train ada-as-ben[/]
  [b $primary]swapdeck convert ada-as-ben footage.mp4[/]

Or see the whole job once with two rendered people:

  [b $primary]swapdeck demo[/]"""

    def __init__(self) -> None:
        super().__init__()
        self.marked: dict[str, None] = {}  # in the order of marking

    def make_pane(self) -> Pane:
        return SwapPane(id="detail")

    def rows(self, snapshot: Snapshot) -> list[Row]:
        return [
            Row(row.slug, _cells(row, snapshot, marked=row.slug in self.marked))
            for row in snapshot.swaps
        ]

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        for row in snapshot.swaps:
            if row.slug == key:
                found = detail if isinstance(detail, SwapDetail) else None
                self.query_one(SwapPane).show(row, snapshot, found)

    def action_open(self) -> None:
        """Show the swap's training."""
        if self.key:
            self.app.push_screen(TrainingScreen(self.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not super().check_action(action, parameters):
            return False
        if action == "compare" and self.is_mounted:
            return bool(self.marked)
        return not (action == "mark_swap" and self.is_mounted) or bool(self.key)

    def action_mark_swap(self) -> None:
        """Mark the swap under the cursor, or take its mark away."""
        key = self.key
        if key in self.marked:
            del self.marked[key]
        elif len(self.marked) == MOST:
            self.dashboard.complain(f"{MOST} swaps are the most that can be compared here.")
        elif key:
            self.marked[key] = None
            if len(self.marked) == 1:
                keys = self.dashboard.keys_of("compare-swaps")
                self.dashboard.say(f"{keys} compares it with others that you mark.")
        if self.snapshot is not None:
            self.query_one(Rows).show(self.rows(self.snapshot))
        self.refresh_bindings()

    def action_compare(self) -> None:
        """Show the marked swaps side by side; one alone beside the one under the cursor."""
        chosen = list(self.marked)
        if len(chosen) == 1 and self.key and self.key not in chosen:
            chosen.append(self.key)
        if len(chosen) < 2:
            self.dashboard.complain("Mark another swap to compare this one with.")
            return
        self.app.push_screen(CompareScreen(chosen))

    def swap_made(self, slug: str) -> None:
        self._wanted_key = slug

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        there = {row.slug for row in snapshot.swaps}
        self.marked = {slug: None for slug in self.marked if slug in there}
        super().update(snapshot, key, detail)
        if self._wanted_key and self.query_one(Rows).select(self._wanted_key):
            self._wanted_key = ""


def _cells(row: SwapRow, snapshot: Snapshot, *, marked: bool) -> tuple[Content | str, ...]:
    if row.problem and not row.source:
        names = Content.styled(f"! {row.name}", "$error")
    else:
        names = Content.assemble(row.source_name, (" → ", "$quiet"), row.target_name)
    return (
        Content.assemble(("● ", "$primary"), names) if marked else names,
        Content.styled(row.name, "$quiet"),
        row.preset,
        Content.styled("-", "$quiet") if row.trained is None else text.count(row.trained),
        "" if row.loss is None else text.figure(row.loss),
        "" if row.saved is None else text.age(snapshot.at - row.saved),
        text.count(len(row.results)) if row.results else Content.styled("-", "$quiet"),
    )


def _facts(row: SwapRow, snapshot: Snapshot) -> list[tuple[str, Content | str]]:
    job = live_job(snapshot, row.slug)
    trained = "not yet" if row.trained is None else text.plural(row.trained, "step")
    saved = ""
    if row.checkpoint is not None and row.saved is not None:
        saved = f"step {row.checkpoint:,}, {text.ago(snapshot.at - row.saved)}"
    return [
        ("swap", row.name),
        *([("also", ", ".join(row.other_names))] if row.others else []),
        ("preset", row.preset),
        ("trained", trained),
        ("saved", saved),
        ("now", Content.assemble(badge(job.state), f"  {job.verb}") if job is not None else ""),
    ]


def _results(row: SwapRow, now: float) -> Content:
    if not row.results:
        return Content.styled(f"none yet: swapdeck convert {row.slug} FOOTAGE", "$quiet")
    shown = [
        Content.assemble(
            result.name,
            (f"  {text.size(result.size)}, {text.ago(now - result.written)}", "$quiet"),
        )
        for result in row.results[:SHOWN_RESULTS]
    ]
    more = len(row.results) - len(shown)
    return lines([*shown, *([Content.styled(f"and {more} more", "$quiet")] if more else [])])

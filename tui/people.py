"""People: who there is, on what ground their faces are used, and what their datasets hold."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from projects.consent import FORBIDDEN
from tui import text
from tui.mode import ModeScreen
from tui.panes import Pane, facts, lines
from tui.picture import Picture
from tui.rows import Column, Row
from tui.snapshot import Detail, PersonDetail, PersonRow, Snapshot
from tui.states import warning

CHART = 24  # cells of the longest bar
SHOWN_SOURCES = 6


class PersonPane(Pane):
    """One person: consent, sources, faces."""

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="consent")
        yield Static("sources", classes="title", markup=False)
        yield Static(id="sources")
        yield Static("faces", classes="title", markup=False)
        yield Static(id="faces")
        yield Static(id="space")
        yield Picture(rows=10, id="portraits")

    def show(self, row: PersonRow, detail: PersonDetail | None) -> None:
        """Fill the pane. Without `detail`, what was shown of the same person stays."""
        if detail is None and row.slug != self.shown_key:
            detail = PersonDetail(row.slug, ())
        self.shown_key = row.slug
        head = [Content.styled(row.name, "bold $primary")]
        head += [Content(), Content.styled(row.problem, "$error")] if row.problem else []
        self.fill("#head", lines([*head, ""]))
        self.fill("#consent", facts(_consent(row)))
        self.fill("#faces", _faces(row))
        self.fill("#sources", _sources(row))
        if detail is not None:
            self.query_one(Picture).paths = detail.faces


class PeopleScreen(ModeScreen):
    """The people of the workspace."""

    MODE = "people"
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", 14, grow=3),
        Column("consent", 10, grow=1),
        Column("sources", 7, right=True),
        Column("kept", 7, right=True),
        Column("rejected", 8, right=True),
        Column("rejected as", 18, grow=1, from_width=84),
    )
    EMPTY = f"""[b]Nobody is here yet.[/]

[$warning]{fill(FORBIDDEN, 66)}[/]

A swap needs two people: one whose face will be seen,
and one whose footage is altered.

  [b $primary]swapdeck demo[/]
  [$quiet]the whole job on two rendered people, in some six minutes[/]

  [b $primary]swapdeck person add Ada --basis self --scope "a test"[/]
  [b $primary]swapdeck gather ada footage.mp4[/]
  [b $primary]swapdeck extract ada[/]
  [$quiet]your own people: consent first, then footage, then its faces[/]

Run them in another terminal; what they make appears here by itself."""

    def make_pane(self) -> Pane:
        return PersonPane(id="detail")

    def rows(self, snapshot: Snapshot) -> list[Row]:
        return [
            Row(
                row.slug,
                (
                    Content(row.name) if not row.problem else Content.styled(row.name, "$error"),
                    _basis(row),
                    text.count(len(row.sources)),
                    text.count(row.kept),
                    Content.styled(text.count(row.rejected), "$quiet"),
                    Content.styled(
                        ", ".join(f"{reason} {number}" for reason, number in row.reasons), "$quiet"
                    ),
                ),
            )
            for row in snapshot.people
        ]

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        for row in snapshot.people:
            if row.slug == key:
                found = detail if isinstance(detail, PersonDetail) else None
                self.query_one(PersonPane).show(row, found)


def _basis(row: PersonRow) -> Content:
    if row.problem and not row.consent:
        return Content.styled("! unreadable", "$error")
    if row.lapsed:
        return Content.styled(f"! {row.consent}", "$warning")
    return Content(row.basis)


def _consent(row: PersonRow) -> list[tuple[str, Content | str]]:
    return [
        ("consent", row.basis),
        ("scope", row.scope),
        ("recorded by", row.recorded_by),
        ("expires", row.expires),
        ("", warning(row.lapsed) if row.lapsed else ""),
    ]


def _faces(row: PersonRow) -> Content:
    if not row.kept + row.rejected:
        return Content.styled(
            f"none yet: swapdeck extract {row.slug}" if row.sources else "none yet", "$quiet"
        )
    counts = [("kept", row.kept, "$success"), *((r, n, "$quiet") for r, n in row.reasons)]
    biggest = max(number for _, number, _ in counts) or 1
    width = max(len(name) for name, _, _ in counts)
    return lines(
        Content.assemble(
            f"{name:<{width}}  ",
            f"{text.count(number):>7}  ",
            ("━" * max(1, round(number / biggest * CHART)), colour),
        )
        for name, number, colour in counts
    )


def _sources(row: PersonRow) -> Content:
    if not row.sources:
        return Content.styled(f"none yet: swapdeck gather {row.slug} FOOTAGE", "$quiet")
    shown = [
        Content.assemble(source.name, (f"  {source.kind}, {text.size(source.size)}", "$quiet"))
        for source in row.sources[:SHOWN_SOURCES]
    ]
    more = len(row.sources) - len(shown)
    return lines([*shown, *([Content.styled(f"and {more} more", "$quiet")] if more else [])])

"""Who is in the footage, and who becomes whom: tracks, each with its face, to be cast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from projects.options import Value
from tui.actions import CAST, JOBS, bindings, ids
from tui.convert_details import ConvertDetail, TrackRow
from tui.convert_forms import NOBODY, Plan, cast_form, cast_person_form
from tui.footage import Footage
from tui.panes import facts, lines, progress_bar
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import JobRow
from tui.states import LIVE
from tui.swapscreen import SwapScreen

COLUMNS = (
    Column("track", 8),
    Column("frames", 9, right=True),
    Column("looks like", 8, grow=1),
    Column("sure", 4, right=True),
    Column("becomes", 13, grow=2),
)


class CastScreen(SwapScreen):
    """The people in one piece of footage. `changed` gets the plan whenever its cast changes."""

    MODE = "convert"
    GROUPS: ClassVar[Sequence[str]] = (CAST, JOBS)
    BINDINGS = bindings(*ids(CAST))
    DEFAULT_CSS = """
    CastScreen #body { height: 1fr; }
    CastScreen #parts { height: 1fr; }
    CastScreen #list { width: 2fr; height: 1fr; }
    CastScreen Rows { height: 1fr; }
    CastScreen #one { width: 1fr; height: 1fr; padding: 0 2; }
    CastScreen Static { height: auto; }
    CastScreen #said { padding: 0 1; margin-bottom: 1; }
    """

    def __init__(
        self, slug: str, footage: Footage, plan: Plan, changed: Callable[[Plan], None]
    ) -> None:
        super().__init__(slug)
        self.footage = footage
        self.plan = plan
        self.changed = changed
        self.look = ""
        self.asked = False

    @property
    def key(self) -> str:
        return f"{self.slug}/{self.look}/{self.footage.path.stem}"

    def compose_swap(self) -> ComposeResult:
        with Vertical(id="body"):
            yield Static(id="title", markup=False)
            yield Static(id="said", markup=False)
            with Horizontal(id="parts"):
                with Vertical(id="list"):
                    yield Rows(COLUMNS)
                with Vertical(id="one"):
                    yield Picture(rows=14)
                    yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    @property
    def seen(self) -> ConvertDetail | None:
        """The newest reading; None before there is one."""
        return self.detail if isinstance(self.detail, ConvertDetail) else None

    @property
    def tracks(self) -> tuple[TrackRow, ...]:
        """Who is in the footage."""
        return self.seen.tracks or () if self.seen is not None else ()

    @property
    def current(self) -> TrackRow | None:
        """The track under the cursor."""
        key = self.query_one(Rows).key
        return next((track for track in self.tracks if track.name == key), None)

    def job(self) -> JobRow | None:
        """The search that runs, for pause and stop."""
        rows = self.snapshot.jobs if self.snapshot is not None else ()
        return next((row for row in rows if row.id == self.look and row.state in LIVE), None)

    # What is shown.

    def draw(self) -> None:
        row = self.swap_row()
        if row is None or self.seen is None:
            return
        if self.seen.tracks is None and not self.asked and not self.dashboard.readonly:
            self.asked = True  # nobody looked yet: that is the first thing to do
            arguments = self.plan.tracks(self.slug, self.footage.path)
            self.start_consented("convert", "conversion", arguments, then=self._looking, quiet=True)
        title = Content.assemble((f" Who is in {self.footage.name}", "bold"))
        self.query_one("#title", Static).update(title)
        self.query_one("#said", Static).update(self._said())
        self.query_one(Rows).show([self._line(track) for track in self.tracks])
        self._about()

    def _looking(self, job: str) -> None:
        self.look = job
        self.post_message(self.Wanted())

    def _said(self) -> Content:
        """What is cast, or how the search fares."""
        look = self.seen.job if self.seen is not None else None
        said: list[Content] = []
        if self.look and look is not None and look.state in LIVE:
            bar = progress_bar(look.progress, 24)
            words = look.detail or look.progress.stage or "starting"
            said.append(Content.styled(f"Looking for everybody: {words} …", "$primary"))
            said += [bar] if bar is not None else []
        elif self.look and look is not None and look.state != "done":
            said.append(Content.styled(look.detail or f"The search {look.state}.", "$error"))
        elif self.seen is not None and self.seen.tracks == ():
            said.append(Content("Nobody was found in it."))
        elif not self.tracks:
            said.append(Content.styled("Looking for everybody …", "$primary"))
        row = self.swap_row()
        if self.plan.cast:
            cast = ", ".join(f"{who} by {swap}" for who, swap in self.plan.cast)
            said.append(Content.assemble(("Cast: ", "$quiet"), (cast, "bold")))
        elif row is not None:
            usual = f"Nobody is cast: {row.target_name} becomes {row.source_name}, by their looks."
            said.append(Content.styled(usual, "$quiet"))
        return lines(said)

    def _line(self, track: TrackRow) -> Row:
        cast = dict(self.plan.cast).get(track.name)
        becomes: Content | str = Content.styled(
            f"replaced, as {track.becomes}" if track.becomes else f"as it is: {track.why}",
            "$quiet",
        )
        if cast:
            becomes = Content.styled(f"● by {cast}", "$primary")
        elif self.plan.cast:
            becomes = Content.styled("not cast by number", "$quiet")
        return Row(
            track.name,
            (
                track.name,
                f"{track.first}-{track.last}",
                track.nearest,
                "" if track.sure is None else f"{track.sure:.0%}",
                becomes,
            ),
        )

    def _about(self) -> None:
        track = self.current
        picture = self.query_one(Picture)
        picture.paths = (track.picture,) if track is not None and track.picture else ()
        about = Content("")
        if track is not None:
            about = facts(
                [
                    ("track", track.name),
                    ("frames", f"{track.first} to {track.last}"),
                    ("seen in", f"{track.seen} of them"),
                    ("looks like", track.nearest),
                ]
            )
        self.query_one("#about", Static).update(about)

    @on(Rows.Selected)
    def _moved(self, event: Rows.Selected) -> None:
        event.stop()
        self._about()
        self.refresh_bindings()

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        event.stop()
        self.action_cast_track()

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("train", "swap_settings", "trash_swap", "convert", "checkpoints"):
            return False
        if not super().check_action(action, parameters):
            return False
        if action == "cast_track" and self.is_mounted:
            return self.current is not None
        if action == "uncast":
            return bool(self.plan.cast)
        return True

    def _change(self, who: str, swap: Value) -> None:
        self.plan = self.plan.with_cast(who, None if swap in (None, NOBODY) else str(swap))
        self.changed(self.plan)
        self.draw()
        self.refresh_bindings()

    def action_cast_track(self) -> None:
        """Choose what becomes of this track."""
        track = self.current
        if track is None or self.snapshot is None:
            return

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                self._change(track.name, values["swap"])

        self.app.push_screen(cast_form(track.name, self.snapshot, self.slug), answered)

    def action_cast_person(self) -> None:
        """Cast a person wherever they are recognised, or whoever a picture shows."""
        row = self.swap_row()
        if row is None or self.snapshot is None:
            return

        def answered(values: dict[str, Value] | None) -> None:
            if values is None:
                return
            who = str(values["person"])
            if values["picture"]:
                who = f"picture:{Path(str(values['picture'])).expanduser().absolute()}"
            self._change(who, values["swap"])

        self.app.push_screen(cast_person_form(self.snapshot, self.slug, row.target), answered)

    def action_uncast(self) -> None:
        """Take back the last casting."""
        if self.plan.cast:
            self._change(self.plan.cast[-1][0], None)

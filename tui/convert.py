"""Converting: footage, any frame before and after, who becomes whom, and the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from projects.options import Value
from tui import text
from tui.actions import CONVERT, JOBS, bindings, ids
from tui.convert_details import ConvertDetail, Drawn, Result
from tui.convert_forms import Plan, plan_words, settings_form, start_form
from tui.filepicker import PickFiles
from tui.footage import Footage, describe
from tui.panes import Pane, facts, progress_bar, progress_words
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import Detail, JobRow, Snapshot
from tui.states import LIVE, badge, warning
from tui.swapscreen import SwapScreen

COLUMNS = (
    Column("", 1),
    Column("footage", 16, grow=3),
    Column("frames", 7, right=True),
    Column("length", 8, right=True, from_width=70),
    Column("result", 22, grow=2),
)
NONE = "No footage yet. Press {add} to choose some."
Shown = tuple[Path, int, Plan]


class ConvertPane(Pane):
    """A frame before and after, and what the conversion is told."""

    DEFAULT_CSS = """
    ConvertPane #told { margin-bottom: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="told")
        yield Static(id="frame")
        yield Static(id="state")
        yield Picture()


class ConvertScreen(SwapScreen):
    """Footage and results of one swap."""

    MODE = "convert"
    GROUPS: ClassVar[Sequence[str]] = (CONVERT, JOBS)
    BINDINGS = bindings(*ids(CONVERT))
    DEFAULT_CSS = """
    ConvertScreen #body { height: 1fr; }
    ConvertScreen #list { height: auto; margin-bottom: 1; }
    ConvertScreen #none { padding: 1 1; display: none; }
    ConvertScreen.-none #none { display: block; }
    ConvertScreen.-none #list { display: none; }
    ConvertScreen ConvertPane { height: 1fr; }
    """

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.plan = Plan()
        self.added: list[Footage] = []
        self.marked: set[Path] = set()
        self.frames: dict[Path, int] = {}
        self.look = ""
        """The job that draws, or drew, the last preview; and what of."""
        self.looks_at: Shown | None = None
        self.drawn: dict[tuple[Path, int], tuple[Plan, Drawn]] = {}
        self.closer = False
        """Whether the faces are shown instead of the whole frame."""

    @property
    def key(self) -> str:
        return f"{self.slug}/{self.look}"

    def compose_swap(self) -> ComposeResult:
        with Vertical(id="body"):
            yield Static(id="title", markup=False)
            yield Static(id="none", markup=False)
            with Vertical(id="list"):
                yield Rows(COLUMNS)
            yield ConvertPane()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    # What is known.

    @property
    def seen(self) -> ConvertDetail:
        """The newest reading."""
        return self.detail if isinstance(self.detail, ConvertDetail) else ConvertDetail(self.slug)

    @property
    def footage(self) -> list[Footage]:
        """What was added, then the target's own sources and what was converted before."""
        added = {one.path for one in self.added}
        return [*self.added, *(one for one in self.seen.footage if one.path not in added)]

    @property
    def current(self) -> Footage | None:
        """The footage under the cursor."""
        key = self.query_one(Rows).key
        return next((one for one in self.footage if str(one.path) == key), None)

    def frame_of(self, footage: Footage) -> int:
        """The frame that is looked at: the middle one at first."""
        return self.frames.get(footage.path, footage.frames // 2)

    def result_of(self, footage: Footage) -> Result | None:
        """The newest result of the footage."""
        return next((one for one in self.seen.results if one.input == str(footage.path)), None)

    def job(self) -> JobRow | None:
        """The conversion that runs, for pause and stop; not what draws a preview."""
        rows = self.snapshot.jobs if self.snapshot is not None else ()
        return next(
            (
                row
                for row in rows
                if (row.verb, row.subject) == ("convert", self.slug)
                and row.state in LIVE
                and row.id != self.look
            ),
            None,
        )

    # What is shown.

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        if isinstance(detail, ConvertDetail) and detail.job is not None and self.looks_at:
            path, _, plan = self.looks_at
            for one in detail.job.drawn:
                known = self.drawn.get((path, one.frame))
                if known is None or known != (plan, one):
                    self.drawn[path, one.frame] = plan, one
                    self.query_one(Picture).reload()
        super().update(snapshot, key, detail)

    def draw(self) -> None:
        row = self.swap_row()
        if row is None:
            return
        who = Content.assemble(
            (f" Convert with {row.name}", "bold"),
            "   ",
            (row.source_name, "$primary"),
            (" → ", "$quiet"),
            row.target_name,
        )
        self.query_one("#title", Static).update(who)
        none = NONE.format(add=self.dashboard.keys_of("add-footage"))
        self.query_one("#none", Static).update(none)
        footage = self.footage
        self.set_class(not footage and isinstance(self.detail, ConvertDetail), "-none")
        rows = self.query_one(Rows)
        rows.styles.height = 1 + min(max(1, len(footage)), max(3, self.size.height // 6))
        rows.show([self._line(one) for one in footage])
        self.query_one(ConvertPane).draw(self._fill)

    def _line(self, one: Footage) -> Row:
        result = self.result_of(one)
        made: Content | str = ""
        if one.problem:
            made = Content.styled(one.problem, "$error")
        elif result is not None:
            made = Content.assemble(
                ("✓ ", "$success") if result.there else ("! gone: ", "$warning"), result.name
            )
        return Row(
            str(one.path),
            (
                Content.styled("●" if one.path in self.marked else "", "$primary"),
                one.name,
                text.count(one.frames) if one.frames else "?",
                text.duration(one.seconds) if one.seconds else "",
                made,
            ),
        )

    def _fill(self) -> None:
        pane, row, footage = self.query_one(ConvertPane), self.swap_row(), self.current
        if row is None:
            return
        cast = ", ".join(f"{who} by {swap}" for who, swap in self.plan.cast)
        becomes = cast or f"{row.target_name} becomes {row.source_name}"
        if not cast and self.plan.run.get("reverse"):
            becomes = f"{row.source_name} becomes {row.target_name}"
        pane.fill(
            "#told",
            facts([("who", becomes), ("settings", plan_words(self.plan)), ("now", self._now())]),
        )
        picture = pane.query_one(Picture)
        if footage is None:
            pane.fill("#frame", None)
            pane.fill("#state", None)
            picture.paths = ()
            return
        frame = self.frame_of(footage)
        last = footage.frames - 1 if footage.frames else None
        of = f" of {last:,}" if last else ""
        pane.fill(
            "#frame",
            Content.assemble(
                ("◂ ", "$primary" if frame else "$rule"),
                (f"frame {frame:,}{of}", "bold"),
                (" ▸", "$primary" if last is None or frame < last else "$rule"),
                ("   before | after", "$quiet"),
            ),
        )
        pane.fill("#state", self._state(footage, frame))
        picture.rows = max(8, pane.size.height - (6 if self.job() else 5))
        known = self.drawn.get((footage.path, frame))
        picture.paths = ()
        if known is not None:
            close = known[1].close if self.closer else None
            picture.paths = (close or known[1].path,)

    def _now(self) -> Content | str:
        """How the conversion fares that runs."""
        job = self.job()
        if job is None:
            return ""
        bar = progress_bar(job.progress, 20)
        words = progress_words(job.progress)
        parts = [badge(job.state), *([bar] if bar is not None else []), words]
        if job.detail and job.state != "running":
            parts.append(Content.styled(job.detail, "$quiet"))
        return Content("  ").join(part for part in parts if str(part))

    def _state(self, footage: Footage, frame: int) -> Content:
        """What is to be said of the preview of a frame."""
        if footage.problem:
            return Content.styled(footage.problem, "$error")
        look, at = self.seen.job, self.looks_at
        if self.look and at == (footage.path, frame, self.plan):
            if look is None or look.id != self.look:
                return Content.styled("starting …", "$quiet")
            if look.state in LIVE:
                waits = look.detail or look.progress.stage or "starting"
                return Content.styled(f"drawing: {waits} …", "$primary")
            if look.state != "done":
                return Content.styled(look.detail or f"The preview {look.state}.", "$error")
            if look.warnings and (known := self.drawn.get((footage.path, frame))) is not None:
                return warning(f"{text.plural(known[1].faces or 0, 'face')}. {look.warnings[-1]}")
        known = self.drawn.get((footage.path, frame))
        draw = self.dashboard.keys_of("draw-frame")
        if known is None:
            return Content.styled(f"Press {draw} to see what becomes of it.", "$quiet")
        plan, drawn = known
        faces = "" if drawn.faces is None else text.plural(drawn.faces, "face") + " replaced"
        if plan != self.plan:
            return Content.styled(
                f"{faces}; drawn with other settings: {draw} draws anew", "$quiet"
            )
        return Content.styled(faces, "$quiet")

    @on(Rows.Selected)
    def _moved(self, event: Rows.Selected) -> None:
        event.stop()
        self.query_one(ConvertPane).draw(self._fill)
        self.refresh_bindings()

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        event.stop()
        self.action_result()

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _ELSEWHERE:
            return False
        if not super().check_action(action, parameters):
            return False
        if not self.is_mounted:
            return True
        footage = self.current
        if action in ("frame", "one_frame", "mark"):
            return footage is not None
        if action in ("draw_frame", "start_convert", "who"):
            return footage is not None and not footage.problem
        if action == "result":
            return footage is not None and self.result_of(footage) is not None
        return True

    def _step(self, by: int) -> None:
        footage = self.current
        if footage is None:
            return
        last = footage.frames - 1 if footage.frames else 10**9
        self.frames[footage.path] = max(0, min(last, self.frame_of(footage) + by))
        self.query_one(ConvertPane).draw(self._fill)

    def action_frame(self, step: int) -> None:
        """A twentieth of the footage on, or back."""
        if self.current is not None:
            self._step(step * self.current.stride)

    def action_one_frame(self, step: int) -> None:
        """One frame on, or back."""
        self._step(step)

    def action_closer(self) -> None:
        """The faces of the frame close, or all of it."""
        self.closer = not self.closer
        self.query_one(ConvertPane).draw(self._fill)

    def action_mark(self) -> None:
        """Convert this one together with the others that are marked."""
        footage = self.current
        if footage is not None:
            self.marked ^= {footage.path}
            self.draw()
            self.query_one(Rows).action_cursor(1)

    def action_add_footage(self) -> None:
        """Choose files or folders."""

        def chosen(paths: tuple[Path, ...] | None) -> None:
            if paths:
                self.dashboard.do(lambda: [describe(path) for path in paths], self._add)

        used = [Path(one.input).parent for one in self.seen.results if one.input]
        start = self.added[0].path.parent if self.added else (*used, Path.home())[0]
        if start.is_relative_to(self.dashboard.root):
            start = Path.home()
        picker = PickFiles("Footage", start, ("video", "picture", "folder"), many=True)
        self.app.push_screen(picker, chosen)

    def _add(self, found: list[Footage]) -> None:
        new = {one.path for one in found}
        self.added = [*found, *(one for one in self.added if one.path not in new)]
        self.draw()
        self.query_one(Rows).select(str(found[0].path))

    def action_draw_frame(self) -> None:
        """Draw this frame before and after, as a job."""
        footage = self.current
        if footage is None:
            return
        frame = self.frame_of(footage)
        self.looks_at, self.look = (footage.path, frame, self.plan), ""
        arguments = self.plan.preview(self.slug, footage.path, frame)
        self.start_consented("convert", "conversion", arguments, then=self._looking, quiet=True)

    def _looking(self, job: str) -> None:
        self.look = job
        self.draw()
        self.post_message(self.Wanted())

    def action_convert_settings(self) -> None:
        """Change how it looks, and draw the frame anew if it was drawn."""

        def answered(values: dict[str, Value] | None) -> None:
            if values is None:
                return
            before = self.plan
            self.plan = before.with_settings(values)
            self.draw()
            footage = self.current
            if self.plan != before and footage is not None and self.look:
                self.action_draw_frame()

        self.app.push_screen(settings_form(self.plan), answered)

    def action_start_convert(self) -> None:
        """Ask where to, and start the conversion as a job."""
        chosen = [one for one in self.footage if one.path in self.marked and not one.problem]
        current = self.current
        if not chosen and current is not None and not current.problem:
            chosen = [current]
        if not chosen:
            return
        inputs = [one.path for one in chosen]
        names = [one.name for one in chosen]

        def answered(values: dict[str, Value] | None) -> None:
            if values is None:
                return
            plan = self.plan.with_run(values)
            self.plan = self.plan.with_run({**values, "output": None, "overwrite": False})
            self.marked.clear()
            self.start_consented("convert", "conversion", plan.arguments(self.slug, inputs))

        self.app.push_screen(start_form(self.plan, names), answered)

    def action_who(self) -> None:
        """Show who is in the footage, to be cast."""
        from tui.cast import CastScreen

        footage = self.current
        if footage is not None:
            self.app.push_screen(CastScreen(self.slug, footage, self.plan, self._cast))

    def _cast(self, plan: Plan) -> None:
        self.plan = plan

    def action_result(self) -> None:
        """Show the newest result of this footage, and how good it is."""
        from tui.result import ResultScreen

        footage = self.current
        result = self.result_of(footage) if footage is not None else None
        if result is not None:
            self.app.push_screen(ResultScreen(self.slug, result.name))


_ELSEWHERE = frozenset({"train", "swap_settings", "trash_swap", "convert", "checkpoints"})

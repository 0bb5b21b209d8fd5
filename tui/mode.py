"""What the modes share: the heading, a list, details beside it or in its place, the footer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from projects.jobfiles import Asked
from tui.actions import JOBS, LISTS, bindings, ids, writes
from tui.dialogs import Confirm
from tui.frame import Heading, Keys
from tui.panes import Pane
from tui.remembered import Place
from tui.rows import Column, Row, Rows
from tui.services import Services
from tui.snapshot import Detail, JobRow, Snapshot
from tui.states import can_be_asked


class BaseScreen(Screen[None]):
    """A mode: the heading, a body, the footer.

    `GROUPS` are the groups of actions that belong to it, for the help. `TAB` is the mode in whose
    place it stands, where that is another one.
    """

    MODE: ClassVar[str]
    TAB: ClassVar[str] = ""
    GROUPS: ClassVar[Sequence[str]] = ()
    snapshot: Snapshot | None = None

    class Wanted(Message):
        """Something else is selected, or this mode has just opened: a reading is wanted."""

    def compose(self) -> ComposeResult:
        yield Heading(self.TAB or self.MODE)
        yield from self.compose_body()
        yield Keys()

    def on_screen_resume(self) -> None:
        self.post_message(self.Wanted())

    @property
    def dashboard(self) -> Services:
        """The dashboard, for what a mode asks of it."""
        return cast(Services, self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides an action; a read-only dashboard has none that writes."""
        return not (self.dashboard.readonly and writes(action))

    def compose_body(self) -> ComposeResult:
        """What is between heading and footer."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """What is selected, "" when nothing is."""
        return ""

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        """Show a new reading; `detail` belongs to `key`."""
        self.snapshot = snapshot
        self.query_one(Heading).show(snapshot)


class JobScreen(BaseScreen):
    """What can be asked of the job that a screen is about."""

    GROUPS: ClassVar[Sequence[str]] = (JOBS,)
    BINDINGS = bindings(*ids(JOBS))

    class JobAsked(Message):
        """A running job is to be asked for something."""

        def __init__(self, job: JobRow, what: Asked) -> None:
            super().__init__()
            self.job = job
            self.what = what

    def job(self) -> JobRow | None:
        """The job that pause, save, preview and stop are about."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides an action that would do nothing here. Subclasses ask this first."""
        if not super().check_action(action, parameters):
            return False
        if action in ("request", "stop_job") and self.is_mounted:
            what = "stop" if action == "stop_job" else cast(Asked, parameters[0])
            job = self.job()
            return job is not None and can_be_asked(job.state, job.verb, what)
        return True

    def action_request(self, what: Asked) -> None:
        """Ask the selected job for something that costs nothing."""
        job = self.job()
        if job is not None:
            self.post_message(self.JobAsked(job, what))

    def action_stop_job(self) -> None:
        """Ask the selected job to stop, once the question is answered."""
        job = self.job()
        if job is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.post_message(self.JobAsked(job, "stop"))

        self.app.push_screen(
            Confirm(
                f"Stop {_DOING.get(job.verb, job.verb)} {job.subject}?",
                "It saves what it has done and ends. The same command goes on from there later: "
                f"swapdeck {job.verb} {job.subject}",
                "Stop it",
            ),
            answered,
        )


class ModeScreen(JobScreen):
    """A mode with a list. Subclasses say what the list holds and fill the details."""

    _reopen = False  # whether the details are to be opened once they are read
    COLUMNS: ClassVar[Sequence[Column]]
    EMPTY: ClassVar[str]
    GROUPS: ClassVar[Sequence[str]] = (LISTS, JOBS)
    BINDINGS = bindings("open", "back", "filter")
    DEFAULT_CSS = """
    ModeScreen #panes { height: 1fr; }
    ModeScreen #list { width: 1fr; height: 1fr; }
    ModeScreen Rows { height: 1fr; }
    ModeScreen #detail { display: none; width: 1fr; height: 1fr; }
    ModeScreen #notice { padding: 1 3; height: 1fr; display: none; }
    ModeScreen #filter { display: none; height: 1; border: none; padding: 0 1; }
    ModeScreen #filter.-active { display: block; }

    ModeScreen.-wide #detail, ModeScreen.-widest #detail {
        display: block; border-left: vkey $rule;
    }
    ModeScreen.-open #list { display: none; }
    ModeScreen.-open #detail { display: block; width: 1fr; border-left: none; }
    ModeScreen.-notice #panes { display: none; }
    ModeScreen.-notice #notice { display: block; }
    """

    def compose_body(self) -> ComposeResult:
        yield Static(id="notice")
        with Horizontal(id="panes"):
            with Vertical(id="list"):
                yield from self.compose_above()
                yield Rows(self.COLUMNS)
                yield Input(id="filter", placeholder="words to look for", compact=True)
            yield self.make_pane()

    def on_mount(self) -> None:
        place = self.dashboard.places.get(self.MODE, Place())
        self._reopen = place.opened
        self.go_to(place.key)
        self.query_one(Rows).focus()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, also one that is yet to be read."""
        if key:
            self.query_one(Rows).prefer(key)

    def _remember(self) -> None:
        if self.key and not self._reopen:
            self.dashboard.places[self.MODE] = Place(self.key, self.has_class("-open"))

    # What a mode says about itself.

    def compose_above(self) -> ComposeResult:
        """What stands above the list; nothing, usually."""
        yield from ()

    def make_pane(self) -> Pane:
        """The pane with the details, its id "detail"."""
        raise NotImplementedError

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The list's rows."""
        raise NotImplementedError

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        """Fill the pane for the row named."""
        raise NotImplementedError

    # Readings.

    @property
    def key(self) -> str:
        return self.query_one(Rows).key if self.is_mounted else ""

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        rows = self.rows(snapshot)
        notice = self.notice(snapshot, bool(rows))
        shown = self.query_one("#notice", Static)
        self.set_class(notice is not None, "-notice")
        if notice is not None and notice != shown.content:
            shown.update(notice)
        self.query_one(Rows).show(rows)
        if not rows:
            self.remove_class("-open")
        elif self._reopen:
            self._reopen = False
            if self.key == self.dashboard.places[self.MODE].key and self.is_current:
                self.action_open()
        self._draw_detail(detail if key == self.key else None)
        self._remember()
        self.refresh_bindings()

    def _draw_detail(self, detail: Detail) -> None:
        pane = self.query_one(Pane)
        pane.visible = bool(self.key)
        if self.snapshot is not None and self.key:
            pane.draw(partial(self.show_detail, self.snapshot, self.key, detail))

    def notice(self, snapshot: Snapshot, filled: bool) -> Content | None:
        """What is shown in place of the list; None when the list is."""
        if snapshot.problem:
            return Content.assemble(
                ("The workspace cannot be shown.\n\n", "bold $error"), snapshot.problem
            )
        if filled:
            return None
        return Content.from_markup(self.EMPTY)

    @on(Rows.Selected)
    def _selected(self, event: Rows.Selected) -> None:
        event.stop()
        self._draw_detail(None)
        self.query_one(Pane).scroll_home(animate=False)
        self._remember()
        self.refresh_bindings()
        self.post_message(self.Wanted())

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        event.stop()
        self.action_open()

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides an action that would do nothing here. Subclasses ask this first."""
        if not super().check_action(action, parameters):
            return False
        if not self.is_mounted:
            return True
        opened = self.has_class("-open")
        if action == "open":
            return bool(self.key) and not opened
        if action == "back":
            filtered = self.query_one("#filter").has_class("-active")
            return opened or filtered or self.query_one(Pane).has_focus
        if action == "filter":
            typing = isinstance(self.focused, Input)
            return not opened and not typing and not self.has_class("-notice")
        return True

    def action_open(self) -> None:
        """Give the details the whole screen."""
        self.add_class("-open")
        self.query_one(Pane).focus()
        self._remember()
        self.refresh_bindings()

    def action_back(self) -> None:
        """Back to the list, or drop the filter."""
        if self.has_class("-open"):
            self.remove_class("-open")
        else:
            self.drop_filter()
        self.query_one(Rows).focus()
        self._remember()
        self.refresh_bindings()

    def drop_filter(self) -> None:
        """Show every line again."""
        words = self.query_one("#filter", Input)
        words.value = ""
        words.remove_class("-active")
        self.query_one(Rows).narrow("")

    def action_filter(self) -> None:
        """Ask for words to look for."""
        words = self.query_one("#filter", Input)
        words.add_class("-active")
        self.set_focus(words)
        self.refresh_bindings()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(Rows).narrow(event.value)

    @on(Input.Submitted, "#filter")
    def _narrowed(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            event.input.remove_class("-active")
        self.query_one(Rows).focus()


_DOING = {
    "gather": "gathering for",
    "extract": "extracting the faces of",
    "train": "training",
    "find-rate": "finding a learning rate for",
    "pretrain": "training the base",
    "convert": "converting with",
    "report": "reporting on",
}

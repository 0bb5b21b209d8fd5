"""The dashboard: its modes, its readings, and what it asks of running jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from rich.console import RenderableType
from textual import events, on, work
from textual.actions import ActionParseResult, parse
from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.geometry import Size
from textual.markup import escape
from textual.message import Message
from textual.screen import Screen

from projects.workspace import is_writable
from tui.actions import ACTIONS, EVERYWHERE, bindings, ids, key_name, writes
from tui.dialogs import Help, TooSmall
from tui.ends import End, just_ended, read_end
from tui.hangup import end_on_signals
from tui.mode import BaseScreen, ModeScreen
from tui.reading import Reader
from tui.remembered import Remembered, recall, remember
from tui.rows import Rows
from tui.services import READ_ONLY, Services
from tui.settings import Settings, keymap
from tui.snapshot import Detail, JobRow, Snapshot
from tui.states import LIVE
from tui.text import clean
from tui.themes import ANSI, DARK, DEFAULT_VARIABLES, OURS

POLL = 0.5  # seconds between readings while a job runs
IDLE_POLLS = 4  # so many polls between readings while none does
SHOW_AGES_EVERY = 5.0  # seconds after which "12 s ago" is drawn anew though nothing else changed
LOW_BANDWIDTH_POLLS = 4  # so many times more rarely is everything read and drawn then
LOW_BANDWIDTH_AGES = 60.0
REMEMBER_EVERY = 5.0  # seconds
NAMED_IN_PALETTE = 500
LEAST = Size(60, 16)
FEW_COLOURS = frozenset({"linux", "vt100", "vt220", "xterm-16color", "ansi"})


class Dashboard(Services):
    """Shows a workspace. `poll` None reads only when told to, which tests do."""

    TITLE = "swapdeck"
    MODES = {  # noqa: RUF012 - declared by Textual, as the next
        "people": lambda: _screen("tui.people", "PeopleScreen"),
        "swaps": lambda: _screen("tui.swaps", "SwapsScreen"),
        "jobs": lambda: _screen("tui.jobs", "JobsScreen"),
        "files": lambda: _screen("tui.files", "FilesScreen"),
        "system": lambda: _screen("tui.system", "SystemScreen"),
    }
    DEFAULT_MODE = "people"
    BINDINGS = bindings(*ids(EVERYWHERE))
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (160, "-widest")]  # noqa: RUF012
    CSS = """
    Toast { background: $panel; }
    CommandPalette SearchIcon { display: none; }
    """

    class Read(Message):
        """A reading is finished. `detail` belongs to the row `key` of the mode."""

        def __init__(self, snapshot: Snapshot, mode: str, key: str, detail: Detail) -> None:
            super().__init__()
            self.snapshot = snapshot
            self.mode = mode
            self.key = key
            self.detail = detail

    def __init__(
        self,
        reader: Reader,
        *,
        poll: float | None = POLL,
        readonly: bool = False,
        settings: Settings | None = None,
        problems: Sequence[str] = (),
        state: Path | None = None,
    ) -> None:
        self._state = state
        self._recalled = recall(state) if state is not None else Remembered()
        self.DEFAULT_MODE = self._recalled.mode  # type: ignore[misc] # read once, by what follows
        self.settings = settings or Settings()
        super().__init__(
            reader.root,
            readonly=readonly or not is_writable(reader.root),
            low_bandwidth=self.settings.low_bandwidth,
        )
        self.places = dict(self._recalled.places)
        self._reader = reader
        self._poll_every = poll
        self._polls = 0
        self._reading = False
        self._read_again = False
        self.snapshot: Snapshot | None = None
        self._shown: tuple[Snapshot, str, str, Detail] | None = None
        self._shown_at = 0.0
        self._problems = list(problems)
        if self.readonly and not readonly:
            self._problems.append("You may not write to this workspace, so it is only shown.")
        for theme in OURS:
            self.register_theme(theme)
        self._choose_theme(self.settings.theme, self._recalled.theme)
        moved, wrong = keymap(self.settings.keys)
        self._problems += [f"In your settings, {sentence}" for sentence in wrong]
        self.keys = {action.id: action.keys for action in ACTIONS} | moved
        if moved:  # Textual moves a key whole, so that all must be said again
            self.set_keymap(self.keys)

    def _choose_theme(self, wanted: str, recalled: str) -> None:
        """The one that the settings name; else the last one that was chosen here; else ours."""
        known = self.available_themes
        if wanted and wanted not in known:
            names = ", ".join(sorted(known))
            self._problems.append(f"There is no theme '{wanted}'. There are: {names}.")
        usual = ANSI.name if os.environ.get("TERM") in FEW_COLOURS else DARK.name
        self.theme = next(name for name in (wanted, recalled, usual) if name in known)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def on_mount(self) -> None:
        if not self.is_headless:
            end_on_signals(self.exit)
        for problem in self._problems:
            self.complain(clean(problem))
        if self._poll_every is not None:
            slower = LOW_BANDWIDTH_POLLS if self.low_bandwidth else 1
            self.set_interval(self._poll_every * slower, self._poll)
            self.set_interval(REMEMBER_EVERY, self._remember)

    def exit(
        self, result: None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        self._remember()
        super().exit(result, return_code, message)

    def _remember(self) -> None:
        """Keep where somebody is, if that has changed."""
        now = Remembered(self.current_mode, dict(self.places), self.theme)
        if self._state is not None and now != self._recalled:
            self._recalled = now
            remember(self._state, now)

    def on_resize(self, event: events.Resize) -> None:
        """Below the least size there is room for nothing but a message that says so."""
        small = event.size.width < LEAST.width or event.size.height < LEAST.height
        if small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall(LEAST))
        elif not small and isinstance(self.screen, TooSmall):
            self.pop_screen()

    # Readings: a thread reads, a message brings the result, this handler alone shows it.

    def _poll(self) -> None:
        self._polls += 1
        running = self.snapshot is not None and any(row.state in LIVE for row in self.snapshot.jobs)
        if running or self._polls % IDLE_POLLS == 0:
            self.refresh_now()

    def refresh_now(self) -> None:
        """Read the files, or read them once more after the reading that is going on."""
        if self._reading:
            self._read_again = True
            return
        screen = self._mode_screen
        if screen is not None:
            self._reading = True
            self._read(screen.MODE, screen.key)

    @work(thread=True, group="reading")
    def _read(self, mode: str, key: str) -> None:
        snapshot = self._reader.snapshot()
        detail = self._reader.detail(mode, key) if key or mode == "system" else None
        self.post_message(self.Read(snapshot, mode, key, detail))

    @on(Read)
    def _show(self, message: Read) -> None:
        self._reading = False
        screen = self._mode_screen
        seen = (message.snapshot, message.mode, message.key, message.detail)
        age = message.snapshot.at - self._shown_at
        if screen is not None and (seen != self._shown or not 0 <= age < self._ages_every):
            self._shown, self._shown_at = seen, message.snapshot.at
            for row in just_ended(self.snapshot, message.snapshot):
                self._look_at_end(row)
            self.snapshot = message.snapshot
            same = message.mode == screen.MODE
            screen.update(message.snapshot, message.key, message.detail if same else None)
        if self._read_again:
            self._read_again = False
            self.refresh_now()

    @work(thread=True, group="ends")
    def _look_at_end(self, row: JobRow) -> None:
        end = read_end(self.root, row)
        if end is not None:
            self.post_message(self.Done(partial(self._tell_end, end)))

    def _tell_end(self, end: End) -> None:
        (self.complain if end.bad else self.say)(end.sentence)
        if end.ringing and not self.is_headless and self._driver is not None:
            self._driver.write(end.ringing)

    @property
    def _ages_every(self) -> float:
        return LOW_BANDWIDTH_AGES if self.low_bandwidth else SHOW_AGES_EVERY

    @property
    def _mode_screen(self) -> BaseScreen | None:
        """The mode that is shown, whatever dialog is over it."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, BaseScreen):
                return screen if screen.is_mounted else None
        return None

    @on(BaseScreen.Wanted)
    def _wanted(self) -> None:
        self._shown = None
        self.refresh_now()

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "demo":
            new = self.snapshot is not None and not (self.snapshot.people or self.snapshot.problem)
            return new and not self.readonly and not self._demo_runs()
        return not (self.readonly and writes(action))

    def _demo_runs(self) -> bool:
        rows = self.snapshot.jobs if self.snapshot is not None else ()
        return any(row.verb == "demo" and row.state in LIVE for row in rows)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """As Textual's; what would write is refused in a read-only dashboard, whoever asks."""
        name = parse(action)[1] if isinstance(action, str) else action[1]
        if self.readonly and writes(name):
            self.complain(READ_ONLY)
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def get_key_display(self, binding: Binding) -> str:
        return key_name(binding.key)

    def keys_of(self, action: str) -> str:
        return key_name(self.keys[action].split(",")[0])

    async def action_mode(self, mode: str) -> None:
        """Show another mode, at once with what is known."""
        await self.switch_mode(mode)
        screen = self._mode_screen
        if screen is not None and self.snapshot is not None:
            screen.update(self.snapshot, "", None)
        self._wanted()

    def action_refresh_now(self) -> None:
        """Read the files again."""
        self.refresh_now()

    def action_pictures(self) -> None:
        """Show pictures, or spare the line."""
        self.pictures = not self.pictures

    def action_help(self) -> None:
        """Show what every key does."""
        screen = self._mode_screen
        self.push_screen(Help(self.keys, screen.GROUPS if screen is not None else ()))

    async def action_show(self, mode: str, key: str) -> None:
        """Go to one row of a mode."""
        await self.action_mode(mode)
        while len(self.screen_stack) > 1:  # what was opened from the list before
            await self.pop_screen()
        self.screen.query_one(Rows).prefer(key)

    @on(ModeScreen.JobAsked)
    def _asked(self, message: ModeScreen.JobAsked) -> None:
        name = f"{message.job.verb} {message.job.subject}"
        self.do(
            partial(self._reader.ask, message.job.id, message.what),
            lambda _: self.say(f"Asked {name} to {_ASKED[message.what]}."),
        )

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            if action.palette and _possible(screen, action.action):
                run = partial(self.run_action, action.action, screen)
                yield SystemCommand(action.label, action.tooltip, run)
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        if self.snapshot is None:
            return
        named = [("people", row.slug, f"Person {row.name}") for row in self.snapshot.people]
        named += [("swaps", row.slug, f"Swap {row.name}") for row in self.snapshot.swaps]
        named += [
            ("jobs", row.id, f"Job {row.verb} {row.subject}, {row.state}")
            for row in self.snapshot.jobs
        ]
        for mode, key, title in named[:NAMED_IN_PALETTE]:
            # The palette reads titles as markup, and anybody may be called [red].
            yield SystemCommand(escape(title), key, partial(self.action_show, mode, key))


def _screen(module: str, name: str) -> BaseScreen:
    """A mode's screen. Only the one that is shown first is imported before the first paint."""
    screen: BaseScreen = getattr(import_module(module), name)()
    return screen


def _possible(screen: Screen[object], action: str) -> bool:
    space, name, parameters = parse(action)
    known = space == "app" or hasattr(screen, f"action_{name}")
    return known and screen.check_action(name, parameters) is True


_ASKED = {
    "stop": "stop",
    "pause": "pause",
    "resume": "go on",
    "save": "save a checkpoint",
    "preview": "draw a preview",
}

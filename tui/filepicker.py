"""Choosing files and folders: pages through folders, marks with space, takes a typed path too."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui import text
from tui.actions import PICKER, bindings, ids
from tui.folders import Entry, Folder, Kind, list_folder
from tui.rows import Column, Row, Rows
from tui.text import clean_path, plural

COLUMNS = (
    Column("", 1),
    Column("name", 20, grow=1),
    Column("kind", 7),
    Column("size", 7, right=True),
)
UP = ".."


class PickFiles(ModalScreen[tuple[Path, ...] | None]):
    """Gives the paths that were chosen, or None when it was left.

    Only files of `kinds` can be chosen, and folders when "folder" is among them; with `many` any
    number of them. It opens in `start`, or its nearest folder that exists.
    """

    BINDINGS = bindings("open", *ids(PICKER))
    DEFAULT_CSS = """
    PickFiles { align: center middle; background: $background 60%; }
    PickFiles #window {
        width: 92; max-width: 100%; height: 90%; padding: 0 1;
        background: $background; border: round $primary; border-title-color: $primary;
        border-subtitle-color: $quiet;
    }
    PickFiles #place { height: 1; color: $quiet; text-wrap: nowrap; text-overflow: ellipsis; }
    PickFiles Rows { height: 1fr; }
    PickFiles #path { display: none; }
    PickFiles #path.-active { display: block; }
    PickFiles #note { height: 1; color: $quiet; }
    """

    class Listed(Message):
        """A folder was read; the cursor goes to `name` in it."""

        def __init__(self, folder: Folder, name: str) -> None:
            super().__init__()
            self.folder = folder
            self.name = name

    def __init__(
        self,
        title: str,
        start: Path,
        kinds: Collection[Kind] = ("video", "picture"),
        *,
        many: bool = False,
    ) -> None:
        super().__init__()
        self.window_title = title
        self.kinds = frozenset(kinds)
        self.many = many
        self.folder = Folder(_nearest(start))
        self.marked: dict[Path, None] = {}  # in the order of marking

    def compose(self) -> ComposeResult:
        with Vertical(id="window") as window:
            window.border_title = Content(self.window_title)
            marks = "Space marks · " if self.many else ""
            window.border_subtitle = (
                f"Enter opens · {marks}^S chooses · / types a path · Esc leaves"
            )
            yield Static(id="place", markup=False)
            yield Rows(COLUMNS)
            yield Input(id="path", placeholder="a path, or words to look for", compact=True)
            yield Static(id="note", markup=False)

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.go(self.folder.path)

    @work(thread=True, exclusive=True, group="listing")
    def go(self, folder: Path, name: str = "") -> None:
        """Show another folder."""
        self.post_message(self.Listed(list_folder(folder), name))

    @on(Listed)
    def _listed(self, message: Listed) -> None:
        message.stop()
        if message.folder.problem:
            self._note(message.folder.problem, problem=True)
            if not self.folder.entries and self.folder.path != message.folder.path.parent:
                self.go(message.folder.path.parent)
            return
        self.folder = message.folder
        self.query_one("#place", Static).update(clean_path(self.folder.path, str(Path.home())))
        rows = self.query_one(Rows)
        rows.narrow("")
        self._show()
        if not rows.select(message.name):
            rows.cursor = 0

    def _show(self) -> None:
        entries = self.folder.entries
        up = [] if self.folder.path == self.folder.path.parent else [Row(UP, ("", UP, "", ""))]
        self.query_one(Rows).show([*up, *(self._row(entry) for entry in entries)])
        parts = [plural(len(self.marked), "file") + " marked"] if self.marked else []
        parts += [f"{self.folder.more:,} more are not listed: type words of a path with /"] * bool(
            self.folder.more
        )
        self._note(", ".join(parts) or self._wanted())

    def _wanted(self) -> str:
        kinds = sorted("any file" if kind == "data" else kind for kind in self.kinds)
        return f"Wanted: {' or '.join(kinds)}."

    def _note(self, words: str, *, problem: bool = False) -> None:
        self.query_one("#note", Static).update(
            Content.styled(words, "$error" if problem else "$quiet")
        )

    def _row(self, entry: Entry) -> Row:
        style = "bold" if entry.kind == "folder" else "" if entry.kind in self.kinds else "$quiet"
        slash = "/" if entry.kind == "folder" else ""
        return Row(
            entry.path.name,
            (
                Content.styled("●", "$primary") if entry.path in self.marked else "",
                Content.styled(entry.name + slash, style),
                Content.styled(entry.kind if entry.kind != "data" else "", "$quiet"),
                "" if entry.kind == "folder" else text.size(entry.size),
            ),
        )

    def _entry(self) -> Entry | None:
        key = self.query_one(Rows).key
        return next((entry for entry in self.folder.entries if entry.path.name == key), None)

    def _choose(self, paths: Collection[Path]) -> None:
        if paths:
            self.dismiss(tuple(path.absolute() for path in paths))
        else:
            self._note(f"That cannot be chosen here. {self._wanted()}", problem=True)

    # Actions.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a path, a slash is a slash."""
        return not (action == "type_path" and isinstance(self.focused, Input))

    def action_open(self) -> None:
        """Go into the folder, or choose the file."""
        if self.query_one(Rows).key == UP:
            self.action_out()
            return
        entry = self._entry()
        if entry is None:
            return
        if entry.kind == "folder":
            self.go(entry.path)
        else:
            self._choose([*self.marked, entry.path] if self._possible(entry) else ())

    @on(Rows.Opened)
    def _opened(self, event: Rows.Opened) -> None:
        event.stop()
        self.action_open()

    def _possible(self, entry: Entry) -> bool:
        return entry.kind in self.kinds

    def action_out(self) -> None:
        """To the folder around this one."""
        here = self.folder.path
        self.go(here.parent, here.name)

    def action_mark(self) -> None:
        """Mark the line, or take the mark away, and go to the next."""
        entry = self._entry()
        if entry is None or not self.many:
            return
        if not self._possible(entry):
            self._note(f"That cannot be chosen here. {self._wanted()}", problem=True)
            return
        if entry.path in self.marked:
            del self.marked[entry.path]
        else:
            self.marked[entry.path] = None
        self._show()
        self.query_one(Rows).action_cursor(1)

    def action_choose(self) -> None:
        """Take what is marked, or the line under the cursor; on .. the folder that is shown."""
        if self.marked:
            self._choose(self.marked)
            return
        if self.query_one(Rows).key == UP:
            self._choose([self.folder.path] if "folder" in self.kinds else ())
            return
        entry = self._entry()
        self._choose([entry.path] if entry is not None and self._possible(entry) else ())

    def action_type_path(self) -> None:
        """Type a path, or words that a name has."""
        field = self.query_one("#path", Input)
        field.add_class("-active")
        self.set_focus(field)

    def action_leave_picker(self) -> None:
        """Close the line for the path, or leave."""
        field = self.query_one("#path", Input)
        if field.has_class("-active"):
            field.value = ""
            field.remove_class("-active")
            self.query_one(Rows).focus()
        else:
            self.dismiss(None)

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        written = event.value.strip()
        self.query_one(Rows).narrow("" if _is_path(written) else written)

    @on(Input.Submitted, "#path")
    def _given(self, event: Input.Submitted) -> None:
        event.stop()
        written = event.value.strip()
        if not _is_path(written):
            event.input.remove_class("-active")
            self.query_one(Rows).focus()
            return
        path = Path(os.path.expanduser(written))  # noqa: PTH111 - a home that is unknown stays
        path = path if path.is_absolute() else self.folder.path / path
        if not path.exists():
            self._note(f"There is no {text.clean(path)}.", problem=True)
            return
        event.input.value = ""
        event.input.remove_class("-active")
        self.query_one(Rows).focus()
        self.go(path if path.is_dir() else path.parent, "" if path.is_dir() else path.name)


def _is_path(words: str) -> bool:
    return "/" in words or words in ("~", ".", "..")


def _nearest(start: Path) -> Path:
    """The folder itself, or the nearest around it that exists."""
    path = start.expanduser().absolute()
    return next((place for place in (path, *path.parents) if place.is_dir()), Path("/"))

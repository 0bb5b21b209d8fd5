"""Files: the workspace's folders, and what is in each file, as far as it can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from projects.workspace import Workspace, move_to_trash
from tui import text
from tui.actions import FILES, LISTS, bindings, ids
from tui.folders import Entry, Folder
from tui.mode import ModeScreen
from tui.panes import Pane, facts, lines
from tui.picture import Picture
from tui.rows import Column, Row, Rows
from tui.snapshot import Detail, FolderDetail, Looked, Pairs, Snapshot

REMOVABLE = ("results", "previews")  # of a swap: what else there is goes with its person or swap
WORDS = {"data": "file", "special": "no ordinary file", "link": "link, not followed"}


NO_WORKSPACE = """[b]There is no workspace here yet.[/]

It is made when the first person is added, or the demo is started:
see People, [b $primary]1[/]."""


class FilePane(Pane):
    """One entry: what it is, and what it says."""

    DEFAULT_CSS = "FilePane #picture { margin-top: 1; }"

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        yield Static(id="facts")
        yield Static(id="file-note")
        yield Picture(id="picture")
        yield Static(id="text")

    def show(self, entry: Entry, now: float, looked: Looked | None, folder: str) -> None:
        """Fill the pane. Without `looked`, what was shown of the same file stays."""
        again = str(entry.path) == self.shown_key
        self.shown_key = str(entry.path)
        what = WORDS.get(entry.kind, entry.kind)
        about = [("kind", what), ("in", folder or "the workspace")]
        if entry.kind not in ("folder", "link"):
            about.append(("size", f"{text.size(entry.size)} ({entry.size:,} bytes)"))
        if entry.written:
            about.append(("changed", text.ago(now - entry.written)))
        self.fill("#head", lines([Content.styled(entry.name, "bold $primary"), ""]))
        if looked is None and again:
            return
        looked = looked or _without_reading(entry)
        self.fill("#facts", facts([*about, *looked.facts]))
        self.fill(
            "#file-note",
            lines(["", Content.styled(looked.note, "$quiet")]) if looked.note else None,
        )
        picture = self.query_one(Picture)
        picture.rows = max(8, min(40, self.size.height - 8))
        picture.paths = (looked.picture,) if looked.picture is not None else ()
        picture.display = looked.picture is not None
        self.fill("#text", lines(["", *map(_line, looked.lines)]) if looked.lines else None)


class FilesScreen(ModeScreen):
    """The workspace's own folders. Never leaves them."""

    MODE = "files"
    GROUPS: ClassVar[Sequence[str]] = (LISTS, FILES)
    BINDINGS = bindings(*ids(FILES))
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", 24, grow=3),
        Column("kind", 8),
        Column("size", 8, right=True),
        Column("changed", 8, right=True),
    )
    DEFAULT_CSS = "FilesScreen #place { height: 1; padding: 0 1; color: $primary; }"
    EMPTY = """[b]There is nothing in this folder.[/]

The workspace keeps everything in ordinary files: TOML for what you may
edit, JSONL for logs, pictures as pictures. Copy the folder, and
you have copied all of it.

  [b $primary]Backspace[/]
  [$quiet]to the folder around this one[/]"""

    def __init__(self) -> None:
        super().__init__()
        self.where = ""
        self._folder = Folder(Path())

    def compose_above(self) -> ComposeResult:
        yield Static(id="place", markup=False)

    def make_pane(self) -> Pane:
        return FilePane(id="detail")

    @property
    def key(self) -> str:
        return f"{self.where}/{super().key}" if self.is_mounted else ""

    def go_to(self, key: str) -> None:
        if key:
            where, _, name = key.rpartition("/")
            self._go(where, name)

    @property
    def entry(self) -> Entry | None:
        """What the cursor is on."""
        name = super().key
        return next((one for one in self._folder.entries if one.path.name == name), None)

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        if isinstance(detail, FolderDetail) and detail.where == self.where:
            if self.where and not detail.folder.path.is_dir():
                self.action_out()  # it has gone meanwhile
                return
            self._folder = detail.folder
            self.query_one("#place", Static).update(f"{text.clean(self.where)}/")
        elif detail is None and key == self.key and self.where:
            self.action_out()  # it leads out of the workspace by now
            return
        super().update(snapshot, key, detail)

    def rows(self, snapshot: Snapshot) -> list[Row]:
        now = snapshot.at
        return [Row(entry.path.name, _cells(entry, now)) for entry in self._folder.entries]

    def notice(self, snapshot: Snapshot, filled: bool) -> Content | None:
        if self._folder.path == Path():  # nothing was listed yet
            return None
        if self._folder.problem and not self.where:
            return Content.from_markup(NO_WORKSPACE)
        if self._folder.problem:
            return Content.styled(self._folder.problem, "$error")
        return super().notice(snapshot, filled)

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        entry = self.entry
        if entry is not None:
            looked = detail.looked if isinstance(detail, FolderDetail) else None
            self.query_one(FilePane).show(entry, snapshot.at, looked, text.clean(self.where))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "trash_file":
            return bool(super().check_action(action, parameters) and self._is_removable())
        if action == "copy_path":
            return self.entry is not None
        if action == "out":
            return bool(self.where) or self.has_class("-open")
        if action == "back" and self.where:
            return True
        return super().check_action(action, parameters)

    # Actions.

    def action_open(self) -> None:
        """Into the folder, or the file's text in full."""
        entry = self.entry
        if entry is None or self.has_class("-open"):
            return
        if entry.kind == "folder":
            self._go(f"{self.where}/{entry.path.name}".strip("/"))
        else:
            super().action_open()

    def action_back(self) -> None:
        """Back to the list, drop the filter, or out of the folder."""
        filtered = self.query_one("#filter").has_class("-active")
        if self.has_class("-open") or filtered or not self.where:
            super().action_back()
        else:
            self.action_out()

    def action_out(self) -> None:
        """To the folder around this one; the cursor is on the folder one comes from."""
        if self.has_class("-open"):
            super().action_back()
        elif self.where:
            parent, _, name = self.where.rpartition("/")
            self._go(parent, name)

    def _go(self, where: str, select: str = "") -> None:
        self.where = where
        self.drop_filter()
        rows = self.query_one(Rows)
        rows.show([])
        rows.prefer(select)
        self.post_message(self.Wanted())

    def action_copy_path(self) -> None:
        """Give the path to the terminal's clipboard, which is the one of the person's machine."""
        entry = self.entry
        if entry is not None:
            self.app.copy_to_clipboard(str(entry.path))
            self.dashboard.say(f"Copied: {text.clean(entry.path)}")

    def _is_removable(self) -> bool:
        parts = Path(self.where).parts
        return (
            len(parts) >= 3 and parts[0] == "swaps" and parts[2] in REMOVABLE and bool(self.entry)
        )

    def action_trash_file(self) -> None:
        """Move a result or a preview to the trash."""
        entry = self.entry
        if entry is None or not self._is_removable():
            return
        what = "The folder with all that is in it" if entry.kind == "folder" else "The file"
        self.dashboard.trash(
            f"Move {entry.name} to the trash?",
            f"{what} goes from {text.clean(self.where)}. It is {text.size(entry.size)}.",
            partial(_remove, entry.path),
            entry.name,
        )


def _remove(path: Path, workspace: Workspace) -> Path:
    return move_to_trash(workspace, path)


def _cells(entry: Entry, now: float) -> tuple[Content | str, ...]:
    if entry.kind == "folder":
        name = Content.styled(entry.name + "/", "bold")
    elif entry.kind in ("link", "special"):
        name = Content.styled(entry.name, "$warning")
    else:
        name = Content(entry.name)
    return (
        name,
        Content.styled("" if entry.kind == "data" else entry.kind, "$quiet"),
        text.size(entry.size) if entry.kind not in ("folder", "link", "special") else "",
        text.age(now - entry.written) if entry.written else "",
    )


def _line(line: str | Pairs) -> Content:
    if isinstance(line, str):
        return Content(line)
    pairs = (Content.assemble((f"{name} ", "$quiet"), value) for name, value in line)
    return Content("  ").join(pairs)


def _without_reading(entry: Entry) -> Looked:
    if entry.kind == "link":
        return Looked(note="It leads out of the workspace, or nowhere. It is not followed.")
    if entry.kind == "folder":
        return Looked(note="Enter goes into it.")
    return Looked()

"""A person's sources: where each came from, what was said of its use, and taking one away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from projects.errors import CommandError
from projects.people import get_person
from projects.source_removal import remove_source, restore_source
from projects.sources import list_sources
from projects.workspace import open_workspace
from tui import text
from tui.actions import LISTS, SOURCES, bindings, ids
from tui.dialogs import Confirm
from tui.mode import BaseScreen
from tui.panes import facts
from tui.rows import Column, Row, Rows
from tui.snapshot import Detail, PersonRow, Snapshot, SourceRow

COLUMNS = (
    Column("name", 16, grow=2),
    Column("kind", 5),
    Column("length", 9, right=True),
    Column("size", 7, right=True),
    Column("licence", 10, grow=1),
    Column("from", 18, grow=2, from_width=100),
)


class SourcesScreen(BaseScreen):
    """The sources of one person in a list, and all that is known of the one under the cursor."""

    MODE = "people"
    GROUPS: ClassVar[Sequence[str]] = (SOURCES, LISTS)
    BINDINGS = bindings("back", *ids(SOURCES))
    DEFAULT_CSS = """
    SourcesScreen #whose { height: 1; padding: 0 1; }
    SourcesScreen Rows { height: 1fr; }
    SourcesScreen #about { height: 8; padding: 0 1; border-top: hkey $rule; }
    SourcesScreen #nothing { display: none; padding: 1 3; height: 1fr; }
    SourcesScreen.-nothing #nothing { display: block; }
    SourcesScreen.-nothing Rows, SourcesScreen.-nothing #about { display: none; }
    """

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug
        self.person: PersonRow | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="whose", markup=False)
        yield Static(id="nothing", markup=False)
        yield Rows(COLUMNS)
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    @property
    def key(self) -> str:
        return self.slug

    @property
    def source(self) -> SourceRow | None:
        """The source under the cursor."""
        sources = self.person.sources if self.person is not None else ()
        wanted = self.query_one(Rows).key
        return next((one for one in sources if one.digest == wanted), None)

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        self.person = next((row for row in snapshot.people if row.slug == self.slug), None)
        sources = self.person.sources if self.person is not None else ()
        self.query_one(Rows).show([_row(source) for source in sources])
        self.set_class(not sources, "-nothing")
        self.query_one("#nothing", Static).update(self._nothing())
        name = self.person.name if self.person is not None else self.slug
        size = sum(source.size for source in sources)
        self.query_one("#whose", Static).update(
            Content.assemble(
                (name, "bold $primary"),
                f" · {text.plural(len(sources), 'source')}, {text.size(size)}",
            )
        )
        self._describe()
        self.refresh_bindings()

    def _nothing(self) -> Content:
        if self.person is None:
            return Content("This person is not there any more. Esc goes back.")
        if self.person.problem:
            return Content.assemble((self.person.problem, "$error"), "\n\nEsc goes back.")
        return Content(
            f"No sources yet. Esc, then {self.dashboard.keys_of('gather')} brings some in."
        )

    def on_rows_selected(self, event: Rows.Selected) -> None:
        event.stop()
        self._describe()
        self.refresh_bindings()

    def _describe(self) -> None:
        source = self.source
        self.query_one("#about", Static).update(Content("") if source is None else _about(source))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not super().check_action(action, parameters):
            return False
        if action == "trash_source" and self.is_mounted:
            return self.source is not None
        return True

    def action_back(self) -> None:
        """Back to the people."""
        self.dismiss()

    def action_trash_source(self) -> None:
        """Ask, then move the source to the trash and reject its faces."""
        source, dashboard, slug = self.source, self.dashboard, self.slug
        if source is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                dashboard.do(partial(_remove, dashboard.root, slug, source.digest), removed)

        def removed(trashed: Path) -> None:
            undo = partial(_restore, dashboard.root, slug, source, trashed)
            dashboard.push_undo(f"the removal of {source.name}", undo)
            key = dashboard.keys_of("undo")
            dashboard.say(f"{source.name} is in the trash. Press {key} to get it back.")

        self.app.push_screen(
            Confirm(
                f"Take {source.name} away?",
                f"It goes to the trash ({text.size(source.size)}), and the faces that were found "
                "in it are rejected until it comes back. What was trained already keeps what it "
                "has learnt.",
                "To the trash",
            ),
            answered,
        )


def _remove(root: Path, slug: str, digest: str) -> Path:
    workspace = open_workspace(root)
    person = get_person(workspace, slug)
    for source in list_sources(person):
        if source.digest == digest:
            return remove_source(workspace, person, source)
    raise CommandError("This source is not there any more. There is nothing to remove.")


def _restore(root: Path, slug: str, source: SourceRow, trashed: Path) -> str:
    workspace = open_workspace(root)
    kept = restore_source(workspace, get_person(workspace, slug), source.digest, trashed)
    return f"{source.name} is back, and {text.plural(kept, 'face')} with it."


def _row(source: SourceRow) -> Row:
    return Row(
        source.digest,
        (
            source.name,
            source.kind,
            text.duration(source.seconds) if source.seconds else "",
            text.size(source.size),
            source.licence or Content.styled("not known", "$quiet"),
            Content.styled(source.origin, "$quiet"),
        ),
    )


def _about(source: SourceRow) -> Content:
    return facts(
        (
            ("from", source.origin),
            ("page", source.page),
            ("title", source.title),
            ("author", source.author),
            ("licence", source.licence or "not known: nothing was said where it was found"),
            ("part", source.part),
            ("added", source.added),
            ("sha256", source.digest[:16]),
        )
    )

"""A screen behind a row of the Swaps mode: about one swap, for as long as it is there."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui.actions import bindings
from tui.snapshot import Detail, Snapshot
from tui.swap_actions import SwapActions


class SwapScreen(SwapActions):
    """Escape goes back. When the swap is not there any more, the screen says so."""

    TAB = "swaps"
    BINDINGS = bindings("back")
    DEFAULT_CSS = """
    SwapScreen #gone { display: none; padding: 1 3; height: 1fr; }
    SwapScreen.-gone #gone { display: block; }
    SwapScreen.-gone #body { display: none; }
    """

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug
        self.detail: Detail = None

    @property
    def key(self) -> str:
        return self.slug

    @property
    def swap_slug(self) -> str:
        return self.slug

    def compose_body(self) -> ComposeResult:
        yield Static(id="gone")
        yield from self.compose_swap()

    def compose_swap(self) -> ComposeResult:
        """What is shown of the swap, in a widget with the id "body"."""
        raise NotImplementedError

    def update(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        super().update(snapshot, key, detail)
        row = self.swap_row()
        problem = snapshot.problem or ("" if row is not None else "This swap is not there any more")
        if row is not None and row.problem:
            problem = row.problem
        self.set_class(bool(problem), "-gone")
        if problem:
            words = Content.assemble((problem.rstrip("."), "$error"), ".\n\nEsc goes back.")
            self.query_one("#gone", Static).update(words)
        elif row is not None:
            if detail is not None and key == self.key:
                self.detail = detail
            self.draw()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing but going back is left where the swap has gone."""
        if action == "new_swap" or (self.has_class("-gone") and action != "back"):
            return False
        return super().check_action(action, parameters)

    def draw(self) -> None:
        """Show what is known of the swap now: `snapshot`, `swap_row()` and `detail`."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Back to where one came from."""
        self.app.pop_screen()

    def swap_gone(self) -> None:
        self.app.pop_screen()

"""A list of rows in columns that draws only what is in sight, so its length costs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.actions import bindings

Cell = str | Content


@dataclass(frozen=True)
class Column:
    """`width` in cells; columns with `grow` share what is left; hidden below `from_width`."""

    title: str
    width: int
    grow: int = 0
    right: bool = False
    from_width: int = 0


@dataclass(frozen=True)
class Row:
    """One line: a key that stays the same between readings, and one cell a column."""

    key: str
    cells: tuple[Cell, ...]

    @property
    def words(self) -> str:
        """What a filter looks through."""
        return " ".join(cell if isinstance(cell, str) else cell.plain for cell in self.cells)


def fit(cell: Cell, width: int, right: bool) -> Content:
    """The cell cut (with an ellipsis) or padded to exactly `width` cells."""
    content = cell if isinstance(cell, Content) else Content(cell)
    content = content.truncate(width, ellipsis=True)
    missing = max(0, width - cell_len(content.plain))
    return content.pad_left(missing) if right else content.pad_right(missing)


def widths(columns: Sequence[Column], available: int) -> list[int]:
    """Widths in cells, gaps of two between columns counted; 0 for a column that is hidden."""
    shown = [column.from_width <= available for column in columns]
    room = available - 2 - 2 * (sum(shown) - 1)
    left = room - sum(c.width for c, show in zip(columns, shown, strict=True) if show)
    share = sum(c.grow for c, show in zip(columns, shown, strict=True) if show)
    result = []
    for column, show in zip(columns, shown, strict=True):
        extra = left * column.grow // share if share and left > 0 else 0
        result.append(column.width + extra if show else 0)
    return result


class Rows(ScrollView, can_focus=True):
    """Rows under a heading, one of them under the cursor. The cursor follows its row's key."""

    BINDINGS = bindings("down", "up", "page-down", "page-up", "top", "bottom")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--heading", "rows--cursor"}
    DEFAULT_CSS = """
    Rows {
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        & > .rows--heading { color: $quiet; }
        & > .rows--cursor { background: $panel; }
        &:focus > .rows--cursor { background: $selected; text-style: bold; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    class Selected(Message):
        """The row under the cursor is another one now ("" when there is none)."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Opened(Message):
        """A row was chosen by a second click."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self._all: tuple[Row, ...] = ()
        self.rows: tuple[Row, ...] = ()
        self.filter = ""
        self._told = ""
        self._preferred = ""

    @property
    def key(self) -> str:
        """The key of the row under the cursor, "" when there is none."""
        return self.rows[self.cursor].key if self.cursor < len(self.rows) else ""

    def show(self, rows: Sequence[Row]) -> None:
        """Take a new reading; nothing is drawn when nothing has changed."""
        if tuple(rows) != self._all:
            self._all = tuple(rows)
            self._apply()

    def narrow(self, words: str) -> None:
        """Keep only rows that contain every word of `words`, whatever their case."""
        self.filter = words.strip().casefold()
        self._apply()

    def select(self, key: str) -> bool:
        """Put the cursor on a row; False when it is not here."""
        for index, row in enumerate(self.rows):
            if row.key == key:
                self.cursor = index
                return True
        return False

    def prefer(self, key: str) -> None:
        """Put the cursor on a row that has yet to be shown, once it is among those that are."""
        self._preferred = "" if self.select(key) else key

    def _apply(self) -> None:
        key, before, cursor = self.key, self.rows, self.cursor
        wanted = self.filter.split()
        self.rows = tuple(
            row for row in self._all if all(word in row.words.casefold() for word in wanted)
        )
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        if self._preferred and self.rows:
            preferred, self._preferred = self._preferred, ""
            key = preferred if any(row.key == preferred for row in self.rows) else key
        if not self.select(key):
            self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        self._tell()
        if len(before) == len(self.rows) and cursor == self.cursor:
            pairs = enumerate(zip(before, self.rows, strict=True))
            self._redraw(index for index, (old, new) in pairs if old != new)
        else:
            self.refresh()

    def _redraw(self, rows: Iterable[int]) -> None:
        """Draw some rows again: over a slow line the others are worth sparing."""
        for row in rows:
            y = row + 1 - self.scroll_offset.y
            if 0 < y < self.size.height:
                self.refresh(Region(0, y, self.size.width, 1))

    def _tell(self) -> None:
        if self.key != self._told:
            self._told = self.key
            self.post_message(self.Selected(self.key))

    def watch_cursor(self, before: int, after: int) -> None:
        if self.rows:
            self.scroll_to_region(Region(0, after, 1, 2), animate=False)
        self._redraw((before, after))
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, len(self.rows) + 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        columns = widths(self.columns, width)
        style = self.visual_style
        index = y - 1 + self.scroll_offset.y
        if y == 0:
            cells: tuple[Cell, ...] = tuple(column.title for column in self.columns)
            style = self.get_visual_style("rows--heading")
        elif index < len(self.rows):
            cells = self.rows[index].cells
            if index == self.cursor:
                style = self.get_visual_style("rows--cursor")
        elif index == 0 and self.filter:
            words = Content.styled(" no line has these words", "$quiet")
            return Visual.to_strips(self, words, width, 1, style)[0]
        else:
            return Strip.blank(width, style.rich_style)
        parts = [
            fit(cell, cell_width, column.right)
            for cell, column, cell_width in zip(cells, self.columns, columns, strict=True)
            if cell_width
        ]
        line = Content.assemble(" ", Content("  ").join(parts), " ")
        (strip,) = Visual.to_strips(self, line, width, 1, style)
        return strip.adjust_cell_length(width, style.rich_style)

    def action_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self.rows) - 1))

    def action_page(self, pages: int) -> None:
        self.action_cursor(pages * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        self.cursor = 0 if end < 0 else max(0, len(self.rows) - 1)

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and index < len(self.rows):
            if event.chain > 1:
                self.post_message(self.Opened(self.rows[index].key))
            self.cursor = index

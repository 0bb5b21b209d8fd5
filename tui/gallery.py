"""Faces as pictures in a grid, of which only what is in sight is ever read or drawn.

The widget knows the order of all faces as numbers. Figures and pictures of those in sight, and of
the page after, come from a thread and are drawn as they come, so that a key never waits for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events, on, work
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual
from textual.worker import get_current_worker

from projects.errors import SwapdeckError
from projects.faces import FaceRow
from tui.actions import bindings
from tui.face_words import caption
from tui.gallery_reading import FaceReader, Order, View
from tui.picture import Rgb, decode, half_blocks
from tui.rows import fit
from tui.text import clean, plural

SIZES = ((8, 4), (12, 6), (16, 8), (24, 12))  # cells of one picture
GAP = 2  # cells between pictures, in which the cursor is drawn
REMEMBERED = 800  # pictures
KNOWN = 5_000  # faces whose figures are kept

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Look = tuple[Rgb, bool]  # the colour behind pictures, and whether there are only sixteen
Drawn = tuple[str, int]  # a crop's name and the width it was drawn at


@dataclass(frozen=True)
class Line:
    """A line of the grid: the faces `first` to `first + count`, or a group's heading at `y`."""

    y: int
    first: int
    count: int
    heading: str = ""


class Gallery(ScrollView, can_focus=True):
    """The faces of an `Order`; `marked` are the ids of those that are marked."""

    BINDINGS = bindings(
        "down", "up", "left", "right", "page-down", "page-up", "top", "bottom",
        "mark-face", "mark-faces", "larger", "smaller",
    )  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {"gallery--heading", "gallery--cursor"}
    DEFAULT_CSS = """
    Gallery {
        scrollbar-size-vertical: 1; overflow-x: hidden;
        & > .gallery--heading { color: $quiet; }
        & > .gallery--cursor { color: $primary; background: $selected; text-style: bold; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """Another face is under the cursor, or more is known of it."""

    class Marked(Message):
        """Faces were marked, or no longer are."""

    class Opened(Message):
        """A face was chosen by a second click."""

    class Fetched(Message):
        """From the thread that reads: figures and pictures of some faces."""

        def __init__(
            self, stamp: int, rows: Mapping[int, FaceRow], strips: Mapping[Drawn, list[Strip]]
        ) -> None:
            super().__init__()
            self.stamp = stamp
            self.rows = rows
            self.strips = strips

    class Unreadable(Message):
        """From the thread that reads: why it could not."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, reader: FaceReader, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reader = reader
        self.order = Order(View(), 0, (), (), 0, 0)
        self.marked: set[int] = set()
        self.rows: OrderedDict[int, FaceRow] = OrderedDict()
        self._fresh: set[int] = set()  # whose figures are those of the order's stamp
        self._strips: OrderedDict[Drawn, list[Strip]] = OrderedDict()
        self._lines: list[Line] = []
        self._tops: list[int] = []
        self._chosen_size: int | None = None  # chosen by hand
        self._wanted: tuple[object, ...] = ()

    # What is shown.

    def show(self, order: Order) -> None:
        """Show another order. The cursor stays on its face, or near where that was."""
        before = self.face
        again = order.stamp != self.order.stamp
        self.order = order
        if again:
            self._fresh.clear()
            self._wanted = ()
            self.marked &= set(order.ids)
        cursor = self.cursor
        if before is not None and before in order.ids:
            cursor = order.ids.index(before)
        self._lay_out()
        self.set_reactive(Gallery.cursor, max(0, min(cursor, len(order.ids) - 1)))
        self._to_cursor()
        self.refresh()
        self._fetch_visible()
        self.post_message(self.Moved())

    @property
    def face(self) -> int | None:
        """The id of the face under the cursor."""
        ids = self.order.ids
        return ids[self.cursor] if self.cursor < len(ids) else None

    @property
    def row(self) -> FaceRow | None:
        """What is known of it."""
        return self.rows.get(self.face) if self.face is not None else None

    def assume(self, ids: Iterable[int], *, kept: bool, reason: str) -> None:
        """Show faces as they will be once they have been decided about, until they are read."""
        wanted = set(ids)
        for identity in wanted & self.rows.keys():
            self.rows[identity] = replace(self.rows[identity], kept=kept, reason=reason)
        self._redraw_faces(wanted)
        self.post_message(self.Moved())

    @property
    def chosen(self) -> list[int]:
        """The marked faces, or else the one under the cursor."""
        if self.marked:
            return sorted(self.marked)
        return [] if self.face is None else [self.face]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Cells of one picture; without pictures there are only captions."""
        if not getattr(self.app, "pictures", True):
            return SIZES[2][0], 0
        chosen = self._chosen_size
        if chosen is None:
            chosen = 2 if self.size.width >= 74 else 1
        return SIZES[chosen]

    @property
    def columns(self) -> int:
        """Faces beside each other."""
        return max(1, (self.size.width - 2) // (self.picture_size[0] + GAP))

    def _lay_out(self) -> None:
        columns, tall = self.columns, self.picture_size[1] + 1
        lines: list[Line] = []
        y = first = 0
        for name, number in self.order.groups or (("", len(self.order.ids)),):
            if self.order.groups:
                lines.append(Line(y, first, 0, f"{name}  {plural(number, 'face')}"))
                y += 1
            end = first + number
            while first < end:
                count = min(columns, end - first)
                lines.append(Line(y, first, count))
                first += count
                y += tall
        self._lines = lines
        self._tops = [line.y for line in lines]
        self.virtual_size = Size(self.size.width, y)

    def _line_of(self, index: int) -> int:
        """Where in the lines the face number `index` is."""
        place = bisect_right(self._lines, index, key=lambda line: line.first) - 1
        return max(0, place)

    def _region(self, index: int) -> Region:
        """Where a face is, in cells of everything that could be scrolled to."""
        if not self._lines:
            return Region(0, 0, 1, 1)
        line = self._lines[self._line_of(index)]
        wide, tall = self.picture_size
        return Region((index - line.first) * (wide + GAP), line.y, wide + GAP, tall + 1)

    def _to_cursor(self) -> None:
        region = self._region(self.cursor)
        heading = self._line_of(self.cursor) - 1
        if heading >= 0 and self._lines[heading].heading:
            region = Region(region.x, region.y - 1, region.width, region.height + 1)
        self.scroll_to_region(Region(0, region.y, 1, region.height), animate=False, force=True)

    # Reading what is in sight.

    def _visible(self) -> list[int]:
        """The ids in sight, and then those of the page after."""
        height = self.size.height
        first = max(0, bisect_right(self._tops, self.scroll_offset.y) - 1)
        last = bisect_right(self._tops, self.scroll_offset.y + 2 * height)
        ids: list[int] = []
        for line in self._lines[first:last]:
            ids += self.order.ids[line.first : line.first + line.count]
        return ids

    def _fetch_visible(self) -> None:
        wide, tall = self.picture_size
        ids = self._visible()
        rows = [one for one in ids if one not in self._fresh]
        pictures = [one for one in ids if tall and self._picture(one) is None]
        wanted = (self.order.stamp, tuple(rows), tuple(pictures), wide)
        if (rows or pictures) and wanted != self._wanted:
            self._wanted = wanted
            known = {one: self.rows[one] for one in pictures if one in self.rows}
            look = (self.background_colors[1].rgb, self.app.current_theme.ansi)
            self._fetch(self.order.stamp, rows, pictures, known, (wide, tall), look)

    @work(thread=True, exclusive=True, group="faces")
    def _fetch(
        self,
        stamp: int,
        wanted: Sequence[int],
        pictures: Sequence[int],
        known: dict[int, FaceRow],
        size: tuple[int, int],
        look: Look,
    ) -> None:
        worker = get_current_worker()
        try:
            rows = self.reader.rows(wanted) if wanted else {}
        except (SwapdeckError, OSError) as error:
            self.post_message(self.Unreadable(clean(error)))
            return
        self.post_message(self.Fetched(stamp, rows, {}))
        known |= rows
        done: dict[Drawn, list[Strip]] = {}
        for number, identity in enumerate(pictures):
            if worker.is_cancelled:
                break
            if identity in known:
                done[known[identity].crop, size[0]] = self._draw(known[identity], size, look)
            if number % 4 == 3:
                self.post_message(self.Fetched(stamp, {}, done))
                done = {}
        self.post_message(self.Fetched(stamp, {}, done))

    def _draw(self, row: FaceRow, size: tuple[int, int], look: Look) -> list[Strip]:
        """The lines of one picture. Of one that cannot be shown, a line that says so."""
        wide, tall = size
        try:
            pixels = decode([self.reader.crop(row)], wide, tall * 2, look[0])
        except (SwapdeckError, OSError):
            pixels = "no picture"
        if isinstance(pixels, str):
            words = "no picture".center(wide)[:wide]
            return [Strip.blank(wide)] * (tall // 2) + [Strip([Segment(words)], wide)]
        return half_blocks(pixels, ansi=look[1])

    @on(Fetched)
    def _fetched(self, message: Fetched) -> None:
        message.stop()
        if message.stamp != self.order.stamp:
            return
        _remember(self.rows, message.rows, KNOWN)
        _remember(self._strips, message.strips, REMEMBERED)
        self._fresh |= set(message.rows)
        drawn = {crop for crop, _ in message.strips}
        self._redraw_faces(
            one
            for one in self._visible()
            if one in message.rows or (one in self.rows and self.rows[one].crop in drawn)
        )
        if self.face in message.rows:
            self.post_message(self.Moved())

    def on_mount(self) -> None:
        self.watch(self.app, "pictures", self._anew, init=False)
        self.watch(self.app, "theme", self._anew, init=False)

    def _anew(self) -> None:
        """Draw everything anew: the colours are others now, or there are no pictures."""
        self._strips.clear()
        self._fit_again()

    # Drawing.

    def _redraw_faces(self, ids: Iterable[int]) -> None:
        wanted = set(ids)
        first = max(0, bisect_right(self._tops, self.scroll_offset.y) - 1)
        last = bisect_right(self._tops, self.scroll_offset.y + self.size.height)
        for line in self._lines[first:last]:
            for index in range(line.first, line.first + line.count):
                if self.order.ids[index] in wanted:
                    self._redraw(index)

    def _redraw(self, index: int) -> None:
        region = self._region(index).translate((0, -self.scroll_offset.y))
        shown = region.intersection(Region(0, 0, *self.size))
        if shown:
            self.refresh(shown)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        ground = self.visual_style.rich_style
        at = y + self.scroll_offset.y
        place = bisect_right(self._tops, at) - 1
        if place < 0 or at >= self.virtual_size.height:
            return Strip.blank(width, ground)
        line = self._lines[place]
        if line.heading:
            style = self.get_visual_style("gallery--heading")
            words = fit(Content(f" ── {line.heading} "), width, False)
            (strip,) = Visual.to_strips(self, words, width, 1, style)
            return strip.adjust_cell_length(width, style.rich_style)
        size = self.picture_size
        cells = [
            self._cell(index, at - line.y, size, ground)
            for index in range(line.first, line.first + line.count)
        ]
        parts = [segment for cell in cells for segment in cell]
        wide = line.count * (size[0] + GAP)
        return Strip(parts, wide).adjust_cell_length(width, ground)

    def _cell(self, index: int, y: int, size: tuple[int, int], ground: Style) -> Iterable[Segment]:
        """One line of one face: the gap with the cursor in it, then the picture or its caption."""
        wide, tall = size
        identity = self.order.ids[index]
        edge = Segment("  ", ground)
        if index == self.cursor:
            cursor = self.get_visual_style("gallery--cursor")
            edge = Segment(" ▐", ground + Style(color=cursor.rich_style.color))
        if y < tall:
            row = self.rows.get(identity)
            strips = None if row is None else self._strips.get((row.crop, wide))
            if strips is None:
                dot = "·".center(wide) if y == tall // 2 else " " * wide
                return (edge, Segment(dot, ground))
            if y >= len(strips):
                return (edge, Segment(" " * wide, ground))
            line = strips[y]
            if line.cell_length != wide:
                line = line.adjust_cell_length(wide, ground)
            return (edge, *line)
        words = fit(self._caption(identity), wide, False)
        style = cursor if index == self.cursor else self.visual_style
        (strip,) = Visual.to_strips(self, words, wide, 1, style)
        return (edge, *strip.adjust_cell_length(wide, style.rich_style))

    def _picture(self, identity: int) -> list[Strip] | None:
        row = self.rows.get(identity)
        return None if row is None else self._strips.get((row.crop, self.picture_size[0]))

    def _caption(self, identity: int) -> Content:
        mark = Content.styled("● ", "bold $warning") if identity in self.marked else Content("")
        row = self.rows.get(identity)
        if row is None:
            return mark
        glyph = Content.styled("✓ ", "$success") if row.kept else Content.styled("✗ ", "$error")
        words = caption(row, self.order.view.sort)
        if not row.kept:
            words = f"{clean(row.reason)} {words}"
        return Content.assemble(mark, glyph, words)

    # Moving.

    def watch_cursor(self, before: int, after: int) -> None:
        scrolled = self.scroll_offset.y
        self._to_cursor()
        if self.scroll_offset.y == scrolled:
            self._redraw(before)
            self._redraw(after)
        self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._fetch_visible()

    def on_resize(self, event: events.Resize) -> None:
        if not event.size:  # out of sight: the keys go on working by the layout there was
            return
        self._lay_out()
        self._to_cursor()
        self.refresh()
        self.call_after_refresh(self._fetch_visible)

    def _go(self, index: int) -> None:
        if self.order.ids:
            self.cursor = max(0, min(index, len(self.order.ids) - 1))

    def action_cursor(self, step: int) -> None:
        """The face below, or above; at the end of a short line, its last."""
        if not self._lines:
            return
        place = self._line_of(self.cursor)
        column = self.cursor - self._lines[place].first
        place += step
        while 0 <= place < len(self._lines) and self._lines[place].heading:
            place += step
        if 0 <= place < len(self._lines):
            line = self._lines[place]
            self._go(line.first + min(column, line.count - 1))

    def action_aside(self, step: int) -> None:
        """The next face, or the one before."""
        self._go(self.cursor + step)

    def action_page(self, pages: int) -> None:
        """A page further, or back."""
        rows = max(1, self.size.height // (self.picture_size[1] + 1))
        self._go(self.cursor + pages * rows * self.columns)

    def action_edge(self, end: int) -> None:
        """The first face, or the last."""
        self._go(0 if end < 0 else len(self.order.ids) - 1)

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        place = bisect_right(self._tops, at) - 1
        if place < 0 or self._lines[place].heading:
            return
        line = self._lines[place]
        column = event.x // (self.picture_size[0] + GAP)
        if column < line.count:
            self._go(line.first + column)
            if event.chain > 1:
                self.post_message(self.Opened())

    # Marks and size.

    def action_mark(self) -> None:
        """Mark this face, or no longer; and on to the next."""
        if self.face is not None:
            self.marked ^= {self.face}
            self._redraw(self.cursor)
            self.action_aside(1)
            self.post_message(self.Marked())

    def action_mark_all(self) -> None:
        """Mark every face of this view, or none where some are marked."""
        self.marked = set() if self.marked else set(self.order.ids)
        self.refresh()
        self.post_message(self.Marked())

    def action_resize(self, step: int) -> None:
        """Larger pictures, or smaller ones."""
        if self.picture_size not in SIZES:
            return
        now = SIZES.index(self.picture_size)
        self._chosen_size = max(0, min(now + step, len(SIZES) - 1))
        self._fit_again()

    def _fit_again(self) -> None:
        self._wanted = ()
        self._lay_out()
        self._to_cursor()
        self.refresh()
        self._fetch_visible()


def _remember(known: OrderedDict[K, V], new: Mapping[K, V], most: int) -> None:
    """Add what is new, and forget what was added longest ago beyond `most`."""
    known.update(new)
    while len(known) > most:
        known.popitem(last=False)

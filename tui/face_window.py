"""One face, as large as there is room, with its figures and its landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from projects.errors import SwapdeckError
from projects.face_crop import landmarks_in_crop
from projects.faces import FaceRow
from tui.face_words import figures, state, why
from tui.gallery_reading import FaceReader
from tui.panes import facts
from tui.picture import NOT_DRAWN, Pixels, Rgb, decode, half_blocks
from tui.text import clean

DOT: Rgb = (255, 235, 60)


class FacePicture(Widget):
    """A face's crop, as large as the widget, with its landmarks as dots when asked for."""

    DEFAULT_CSS = """
    FacePicture { width: 1fr; height: 1fr; }
    """

    class Drawn(Message):
        """From the thread that draws."""

        def __init__(self, wanted: object, strips: list[Strip] | str) -> None:
            super().__init__()
            self.wanted = wanted
            self.strips = strips

    def __init__(self, reader: FaceReader, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reader = reader
        self.row: FaceRow | None = None
        self.landmarks = False
        self._strips: list[Strip] | str = []
        self._wanted: object = None

    def on_mount(self) -> None:
        self.watch(self.app, "pictures", self._fetch, init=False)
        self.watch(self.app, "theme", self._fetch, init=False)

    def show(self, row: FaceRow | None, landmarks: bool) -> None:
        """Show another face; None is none."""
        self.row, self.landmarks = row, landmarks
        self._fetch()

    def on_resize(self) -> None:
        self._fetch()

    def _fetch(self) -> None:
        if self.row is None or not self.size.width or not self.size.height:
            self._wanted, self._strips = None, []
            self.refresh()
            return
        if not getattr(self.app, "pictures", True):
            self._wanted, self._strips = None, NOT_DRAWN
            self.refresh()
            return
        look = (self.background_colors[1].rgb, self.app.current_theme.ansi)
        wanted = (self.row.id, self.row.crop, self.size, self.landmarks, look)
        if wanted != self._wanted:
            self._wanted = wanted
            self._draw(wanted, self.row, self.size, self.landmarks, look)

    @work(thread=True, exclusive=True, group="face")
    def _draw(
        self, wanted: object, row: FaceRow, size: Size, landmarks: bool, look: tuple[Rgb, bool]
    ) -> None:
        try:
            pixels = decode([self.reader.crop(row)], size.width, size.height * 2, look[0])
            if landmarks and not isinstance(pixels, str):
                pixels = dotted(pixels, landmarks_in_crop(self.reader.face(row.id)), DOT)
        except (SwapdeckError, OSError) as error:
            pixels = clean(error)
        strips = pixels if isinstance(pixels, str) else half_blocks(pixels, ansi=look[1])
        self.post_message(self.Drawn(wanted, strips))

    @on(Drawn)
    def _drawn(self, message: Drawn) -> None:
        message.stop()
        if message.wanted == self._wanted:
            self._strips = message.strips
            self.refresh()

    def render_line(self, y: int) -> Strip:
        style = self.visual_style.rich_style
        if isinstance(self._strips, str):
            words = Content(self._strips).wrap(self.size.width) if y < self.size.height else []
            line = words[y] if y < len(words) else Content("")
            return Strip(line.render_segments(self.visual_style)).adjust_cell_length(
                self.size.width, style
            )
        if y >= len(self._strips):
            return Strip.blank(self.size.width, style)
        return self._strips[y].adjust_cell_length(self.size.width, style)


class FacePane(Horizontal):
    """A face's picture with its figures beside it."""

    DEFAULT_CSS = """
    FacePane { width: 1fr; height: 1fr; }
    FacePane #figures { width: 39; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    FacePane #figures Static { height: auto; }
    FacePane.-under { layout: vertical; }
    FacePane.-under #figures { width: 1fr; height: 21; }
    """

    def __init__(self, reader: FaceReader, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reader = reader
        self._shape: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        yield FacePicture(self.reader)
        with VerticalScroll(id="figures", can_focus=False):
            yield Static(id="words")

    def show(self, row: FaceRow | None, sources: Mapping[str, str], landmarks: bool) -> None:
        """Show another face; None is none."""
        self.query_one(FacePicture).show(row, landmarks)
        # Laying the screen out costs more than all the rest of a key: only another number of
        # lines, which the reason and names of sources decide, is worth it.
        shape = None if row is None else (why(row), sources.get(row.source, ""))
        words = self.query_one("#words", Static)
        words.update("" if row is None else face_words(row, sources), layout=shape != self._shape)
        self._shape = shape


def face_words(row: FaceRow, sources: Mapping[str, str]) -> Content:
    """State, why, and every figure."""
    reason = why(row)
    parts = [state(row), Content("")]
    parts += [Content(reason), Content("")] if reason else []
    return Content("\n").join([*parts, facts(figures(row, sources))])


def dotted(pixels: Pixels, points: Sequence[tuple[float, float]], colour: Rgb) -> Pixels:
    """The picture with a pixel of `colour` at each point, given as parts of its sides."""
    rgb = bytearray(pixels.rgb)
    for x, y in points:
        if 0 <= x < 1 and 0 <= y < 1:  # not for what is no number
            start = (int(y * pixels.height) * pixels.width + int(x * pixels.width)) * 3
            rgb[start : start + 3] = bytes(colour)
    return Pixels(pixels.width, pixels.height, bytes(rgb))

"""Pictures in a terminal: two pixels a character cell, drawn with the upper half block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual import on, work
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui.text import clean

GAP = 1  # pixels between pictures
FORMATS = ("PNG", "JPEG", "WEBP")  # of all that Pillow knows, some of which run other programs
MOST_PIXELS = 40_000_000
NOT_DRAWN = "Pictures are off, to spare the line. P shows them."
BIGGEST_FILE = 64_000_000  # bytes; a picture in a workspace is never near this

Rgb = tuple[int, int, int]
# What a terminal's sixteen colours are where nobody has set them, after xterm.
_SIXTEEN: tuple[Rgb, ...] = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What is to be drawn, in how many cells, on which ground; `ansi` in sixteen colours."""

    paths: tuple[Path, ...] = ()
    width: int = 0
    rows: int = 0
    ground: Rgb = (0, 0, 0)
    ansi: bool = False
    drawn: bool = True


@dataclass(frozen=True)
class Pixels:
    """A decoded picture: rows of RGB bytes, `width` * 3 each."""

    width: int
    height: int
    rgb: bytes


def decode(paths: Sequence[Path], width: int, height: int, ground: Rgb) -> Pixels | str:
    """Pictures beside each other on `ground`, shrunk to fit `width` x `height` pixels together.

    They keep their shape and are never enlarged beyond twice their size. Gives a sentence instead
    when one cannot be shown.
    """
    from PIL import Image  # kept out of the start-up, as is every codec behind it

    room = (width - (len(paths) - 1) * GAP) // len(paths)
    sheet = Image.new("RGB", (width, height), ground)
    right = tallest = 0
    for path in paths:
        try:
            if not path.is_file():
                return f"{clean(path.name)} is not there any more."
            if path.stat().st_size > BIGGEST_FILE:
                return f"{clean(path.name)} is too big to show here."
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    return f"{clean(path.name)} has too many pixels to show here."
                image.draft("RGB", (room, height))
                scale = min(room / image.width, height / image.height, 2.0)
                fitted = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
                small = image.convert("RGB").resize(fitted, Image.Resampling.BOX, reducing_gap=2.0)
        except Exception as error:  # noqa: BLE001 - a damaged file may make Pillow raise anything
            return f"{clean(path.name)} cannot be shown: {clean(error)}."
        left = right + (GAP if right else 0)
        sheet.paste(small, (left, 0))
        right, tallest = left + small.width, max(tallest, small.height)
    cut = sheet.crop((0, 0, max(1, right), max(1, tallest)))
    return Pixels(cut.width, cut.height, cut.tobytes())


@lru_cache(maxsize=4096)
def nearest(red: int, green: int, blue: int) -> Color:
    """The one of a terminal's sixteen colours that is least unlike."""
    distances = [(red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2 for r, g, b in _SIXTEEN]
    return Color.from_ansi(distances.index(min(distances)))


def half_blocks(pixels: Pixels, *, ansi: bool = False) -> list[Strip]:
    """One strip for every two rows of pixels; `ansi` keeps to the terminal's sixteen colours."""

    def colour(x: int, y: int) -> Color:
        start = (y * pixels.width + x) * 3
        rgb = pixels.rgb[start : start + 3]
        return nearest(*rgb) if ansi else Color.from_triplet(ColorTriplet(*rgb))

    strips = []
    for y in range(0, pixels.height, 2):
        last = y + 1 >= pixels.height
        segments = [
            Segment("▀", Style(color=colour(x, y), bgcolor=None if last else colour(x, y + 1)))
            for x in range(pixels.width)
        ]
        strips.append(Strip(segments, pixels.width))
    return strips


class Picture(Widget):
    """Shows a picture, or a few in a row, as large as its width and `rows` allow."""

    DEFAULT_CSS = """
    Picture { width: 1fr; height: auto; }
    """

    paths: reactive[tuple[Path, ...]] = reactive(())
    rows: reactive[int] = reactive(12)

    class Decoded(Message):
        """Sent to itself by the thread that decodes."""

        def __init__(self, wanted: Wanted, result: Pixels | str) -> None:
            super().__init__()
            self.wanted = wanted
            self.result = result

    def __init__(self, *, rows: int = 12, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(Picture.rows, rows)
        self._strips: list[Strip] = []
        self._wanted = Wanted()

    def on_mount(self) -> None:
        self.watch(self.app, "pictures", self._fetch, init=False)
        self.watch(self.app, "theme", self._fetch, init=False)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._strips)

    def watch_paths(self) -> None:
        self.call_after_refresh(self._fetch)

    def watch_rows(self) -> None:
        self.call_after_refresh(self._fetch)

    def on_resize(self) -> None:
        self._fetch()

    def reload(self) -> None:
        """Read the pictures again: they were written anew under the same names."""
        self._wanted = Wanted()
        self.call_after_refresh(self._fetch)

    def _fetch(self) -> None:
        wanted = Wanted(
            self.paths,
            self.size.width,
            self.rows,
            self.background_colors[1].rgb,
            self.app.current_theme.ansi,
            getattr(self.app, "pictures", True),
        )
        if wanted == self._wanted or (self.paths and not self.size.width):
            return
        self._wanted = wanted
        if self.paths and wanted.drawn:
            self._decode(wanted)
        else:
            self._strips = [Strip([Segment(NOT_DRAWN)])] if self.paths else []
            self.refresh(layout=True)

    @work(thread=True, exclusive=True, group="picture")
    def _decode(self, wanted: Wanted) -> None:
        width, height = wanted.width, wanted.rows * 2
        self.post_message(self.Decoded(wanted, decode(wanted.paths, width, height, wanted.ground)))

    @on(Decoded)
    def _decoded(self, message: Decoded) -> None:
        message.stop()
        if message.wanted != self._wanted:
            return
        if isinstance(message.result, str):
            self._strips = [Strip([Segment(message.result)])]
        else:
            self._strips = half_blocks(message.result, ansi=message.wanted.ansi)
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        return self._strips[y].adjust_cell_length(self.size.width, self.rich_style)

"""A loss curve in braille dots: two by four points a character cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from tui import text

Points = Sequence[tuple[float, float]]
POINTS_A_CELL = 2

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def decimated(points: Points, most: int) -> Points:
    """At most `most` points, each the mean of its neighbours; nothing finer would be seen."""
    stride = -(-len(points) // most)
    if stride < 2:
        return points
    groups = [points[start : start + stride] for start in range(0, len(points), stride)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]


def braille(
    points: Points, width: int, height: int, *, linear: bool = False
) -> tuple[list[str], float, float]:
    """The curve as `height` lines of `width` cells, with its lowest and highest value.

    x is linear from the first point to the last; y is logarithmic where every value is positive,
    because a loss falls fast first and slowly for ever after, unless it is to be `linear`.
    Neighbouring dots are joined.
    """
    points = decimated(points, width * POINTS_A_CELL)
    values = [y for _, y in points]
    low, high = min(values), max(values)
    bounds = (points[0][0], points[-1][0], low, high)
    cells = dots(points, width, height, bounds, linear=linear)
    return ["".join(chr(0x2800 + cell) for cell in line) for line in cells], low, high


def dots(
    points: Points,
    width: int,
    height: int,
    bounds: tuple[float, float, float, float],
    *,
    linear: bool = False,
    gaps: int = 0,
) -> list[list[int]]:
    """The bits of `height` lines of `width` cells of braille; see `braille`.

    bounds: the least and the greatest x, the least and the greatest y. gaps: of every so many dots
    along x only half are drawn, so that curves can be told apart without colours; 0 draws all.
    """
    left, right, low, high = bounds
    logarithmic = low > 0 and not linear
    bottom, top = (math.log(low), math.log(high)) if logarithmic else (low, high)
    columns, rows = width * 2, height * 4
    cells = [[0] * width for _ in range(height)]
    before: tuple[int, int] | None = None
    for x, value in points:
        y = math.log(value) if logarithmic else value
        column = round((x - left) / (right - left) * (columns - 1)) if right > left else 0
        row = round((top - y) / (top - bottom) * (rows - 1)) if top > bottom else rows // 2
        for dot_x, dot_y in _line(before, (column, row)):
            if not gaps or dot_x % gaps < (gaps + 1) // 2:
                cells[dot_y // 4][dot_x // 2] |= _DOTS[dot_x % 2][dot_y % 4]
        before = (column, row)
    return cells


def _line(start: tuple[int, int] | None, end: tuple[int, int]) -> list[tuple[int, int]]:
    if start is None or start == end:
        return [end]
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0))
    return [
        (round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps))
        for i in range(1, steps + 1)
    ]


class Curve(Widget):
    """Draws (x, y) points with the highest, the lowest and the last value written beside them."""

    DEFAULT_CSS = """
    Curve { width: 1fr; height: auto; color: $primary; }
    """

    points: reactive[tuple[tuple[float, float], ...]] = reactive((), layout=True)

    def __init__(
        self, *, rows: int = 6, linear: bool = False, empty: str = "", id: str | None = None
    ) -> None:
        """empty: what is said before there are two points."""
        super().__init__(id=id)
        self.rows = rows
        self.linear = linear
        self.empty = empty or "no curve yet"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.rows + 1 if len(self.points) > 1 else 1

    def render(self) -> Content:
        if len(self.points) < 2 or self.size.width < 20:
            return Content.styled(self.empty, "$quiet")
        margin = 8
        width = self.size.width - margin - 1
        lines, low, high = braille(self.points, width, self.rows, linear=self.linear)
        labels = [""] * self.rows
        labels[0], labels[-1] = text.figure(high), text.figure(low)
        first, last = (f"{int(self.points[end][0]):,}" for end in (0, -1))
        axis = first + last.rjust(width - len(first))
        return Content("\n").join(
            [
                Content.assemble((f"{label:>{margin}} ", "$quiet"), line)
                for label, line in zip(labels, lines, strict=True)
            ]
            + [Content.styled(" " * (margin + 1) + axis, "$quiet")]
        )


class Curves(Widget):
    """Several named curves over one another, on one pair of axes; each has a colour and gaps of
    its own."""

    COLOURS = ("$primary", "$warning", "$success", "$error")
    GAPS = (0, 6, 2, 12)
    DEFAULT_CSS = """
    Curves { width: 1fr; height: auto; }
    """

    series: reactive[tuple[tuple[str, tuple[tuple[float, float], ...]], ...]] = reactive(
        (), layout=True
    )

    def __init__(
        self, *, rows: int = 6, linear: bool = False, empty: str = "", id: str | None = None
    ) -> None:
        """empty: what is said before any of them has two points."""
        super().__init__(id=id)
        self.rows = rows
        self.linear = linear
        self.empty = empty or "no curve yet"

    @property
    def drawn(self) -> list[tuple[int, str, Points]]:
        """The number, the name and the points of each curve that can be drawn."""
        found: list[tuple[int, str, Points]] = []
        for number, (name, points) in enumerate(self.series):
            usable = [(x, y) for x, y in points if math.isfinite(y) and (self.linear or y > 0)]
            if len(usable) > 1:
                found.append((number, name, usable))
        return found

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.rows + 2 if self.drawn else 1

    def render(self) -> Content:
        drawn = self.drawn
        margin = 8
        width = self.size.width - margin - 1
        if not drawn or width < 12:
            return Content.styled(self.empty, "$quiet")
        thinned = [
            (number, name, decimated(points, width * POINTS_A_CELL))
            for number, name, points in drawn
        ]
        xs = [x for _, _, points in thinned for x, _ in points]
        ys = [y for _, _, points in thinned for _, y in points]
        bounds = (min(xs), max(xs), min(ys), max(ys))
        bits = [[0] * width for _ in range(self.rows)]
        whose = [[0] * width for _ in range(self.rows)]
        for number, _, points in thinned:
            gaps = self.GAPS[number % len(self.GAPS)]
            cells = dots(points, width, self.rows, bounds, linear=self.linear, gaps=gaps)
            for y, line in enumerate(cells):
                for x, cell in enumerate(line):
                    if cell:
                        bits[y][x] |= cell
                        whose[y][x] = number
        labels = [""] * self.rows
        labels[0], labels[-1] = text.figure(bounds[3]), text.figure(bounds[2])
        parts = [
            Content.assemble((f"{label:>{margin}} ", "$quiet"), *self._coloured(line, numbers))
            for label, line, numbers in zip(labels, bits, whose, strict=True)
        ]
        first, last = f"{int(bounds[0]):,}", f"{int(bounds[1]):,}"
        axis = first + last.rjust(width - len(first))
        names = [self._key(number, name) for number, name, _ in drawn]
        return Content("\n").join(
            [
                *parts,
                Content.styled(" " * (margin + 1) + axis, "$quiet"),
                Content.assemble(" " * (margin + 1), Content("   ").join(names)),
            ]
        )

    def _coloured(self, line: list[int], numbers: list[int]) -> list[tuple[str, str]]:
        """Runs of cells of one colour."""
        return [
            ("".join(chr(0x2800 + bit) for bit, _ in run), self._colour(number))
            for number, run in groupby(zip(line, numbers, strict=True), key=lambda cell: cell[1])
        ]

    def _colour(self, number: int) -> str:
        return self.COLOURS[number % len(self.COLOURS)]

    def _key(self, number: int, name: str) -> Content:
        """A curve's name behind a piece of it."""
        gaps = self.GAPS[number % len(self.GAPS)]
        [sample] = dots([(0, 0), (1, 0)], 6, 1, (0, 1, -1, 1), linear=True, gaps=gaps)
        words = "".join(chr(0x2800 + bit) for bit in sample)
        return Content.assemble((words, self._colour(number)), f" {name}")

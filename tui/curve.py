"""A loss curve in braille dots: two by four points a character cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    scaled = [math.log(y) for y in values] if low > 0 and not linear else values
    bottom, top = min(scaled), max(scaled)
    left, right = points[0][0], points[-1][0]
    columns, rows = width * 2, height * 4
    cells = [[0] * width for _ in range(height)]
    before: tuple[int, int] | None = None
    for (x, _), y in zip(points, scaled, strict=True):
        column = round((x - left) / (right - left) * (columns - 1)) if right > left else 0
        row = round((top - y) / (top - bottom) * (rows - 1)) if top > bottom else rows // 2
        for dot_x, dot_y in _line(before, (column, row)):
            cells[dot_y // 4][dot_x // 2] |= _DOTS[dot_x % 2][dot_y % 4]
        before = (column, row)
    return ["".join(chr(0x2800 + cell) for cell in line) for line in cells], low, high


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

"""Which ways a person's faces look, as a map of numbers on colours."""

from __future__ import annotations

import math
from collections.abc import Mapping

from textual.content import Content

from projects.face_groups import PITCH_STEP, YAW_STEP

CELL = 6  # characters
MOST_YAW, MOST_PITCH = 4, 3  # steps from straight ahead that have a place of their own
SHADES = ("15%", "30%", "45%", "60%")


def pose_map(counts: Mapping[tuple[int, int], int], width: int) -> Content:
    """The map, `width` cells or less wide; faces beyond its edges count at the edges.

    The darker the ground the more faces; every cell says how many, so that it can be read without
    colours. A dot is a pose that no face has.
    """
    columns = max(1, min(MOST_YAW, ((width - 7) // CELL - 1) // 2))
    cells: dict[tuple[int, int], int] = {}
    for (yaw, pitch), number in counts.items():
        place = (_within(yaw, columns), _within(pitch, MOST_PITCH))
        cells[place] = cells.get(place, 0) + number
    most = max(cells.values(), default=1)
    across = range(-columns, columns + 1)
    heading = " " * 7 + "".join(_edge(yaw, YAW_STEP, columns).rjust(CELL) for yaw in across)
    rows = [Content.styled(heading, "$quiet")]
    for pitch in range(MOST_PITCH, -MOST_PITCH - 1, -1):
        name = _edge(pitch, PITCH_STEP, MOST_PITCH).rjust(6) + " "
        parts = [_cell(cells.get((yaw, pitch), 0), most) for yaw in across]
        rows.append(Content.assemble((name, "$quiet"), *parts))
    return Content("\n").join(rows)


def _within(step: int, most: int) -> int:
    return max(-most, min(step, most))


def _edge(step: int, size: float, most: int) -> str:
    """The middle of a cell in degrees; of one at the edge, that it reaches beyond."""
    beyond = "≤" if step == -most else "≥" if step == most else ""
    return f"{beyond}{step * size:+.0f}°" if step else "0°"


def _cell(number: int, most: int) -> Content:
    if not number:
        return Content.styled("·".rjust(CELL), "$quiet")
    shade = math.sqrt(number / most)
    ground = SHADES[min(len(SHADES) - 1, int(shade * len(SHADES)))]
    words = f"{number}" if number < 100_000 else f"{number // 1000}k"
    return Content.styled(words.rjust(CELL), f"on $primary {ground}")

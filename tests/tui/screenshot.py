"""Draws the dashboard into a PNG, cell by cell, for the documentation and for looking at it.

    python -m tests.tui.screenshot WORKSPACE 140x40 OUT.png [KEY ...]

The keys are pressed first, for example `3 enter`. Needs only what swapdeck itself needs: Pillow,
and the fixed-width font that comes with Matplotlib. Blocks, bars and braille are drawn as shapes,
so that they meet as they do in a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.strip import Strip

from tui.app import Dashboard
from tui.reading import Reader

CELL = (11, 23)  # pixels
MARGIN = 14
FONT_SIZE = 17
_BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


def font(bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans Mono from Matplotlib's own data."""
    found = find_spec("matplotlib")
    assert found is not None and found.origin is not None
    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / name), FONT_SIZE)


def rgb(colour: Color | None, default: tuple[int, int, int]) -> tuple[int, int, int]:
    return default if colour is None or colour.is_default else tuple(colour.get_truecolor())


def draw(strips: list[Strip], background: tuple[int, int, int]) -> Image.Image:
    """The picture of a screen's lines."""
    width, height = CELL
    columns = max(strip.cell_length for strip in strips)
    size = (columns * width + 2 * MARGIN, len(strips) * height + 2 * MARGIN)
    picture = Image.new("RGB", size, background)
    pen = ImageDraw.Draw(picture)
    fonts = {False: font(False), True: font(True)}
    for row, strip in enumerate(strips):
        x, y = MARGIN, MARGIN + row * height
        for segment in strip:
            style = segment.style or Style.null()
            back = rgb(style.bgcolor, background)
            fore = rgb(style.color, (210, 210, 210))
            if style.reverse:
                fore, back = back, fore
            if style.dim:
                fore = tuple((f + b) // 2 for f, b in zip(fore, back, strict=True))
            for character in segment.text:
                cells = cell_len(character)
                box = (x, y, x + cells * width, y + height)
                pen.rectangle((x, y, box[2] - 1, box[3] - 1), fill=back)
                if not _shape(pen, character, box, fore):
                    pen.text((x, y + 2), character, font=fonts[bool(style.bold)], fill=fore)
                if style.underline:
                    pen.line((x, box[3] - 2, box[2] - 1, box[3] - 2), fill=fore)
                x = box[2]
    return picture


def _shape(
    pen: ImageDraw.ImageDraw,
    character: str,
    box: tuple[int, int, int, int],
    colour: tuple[int, ...],
) -> bool:
    """Draw a character that is a shape; False when it is a letter."""
    left, top, right, bottom = box
    middle = (top + bottom) // 2
    if character == "▀":
        pen.rectangle((left, top, right - 1, middle - 1), fill=colour)
    elif character in "━╸":
        end = right if character == "━" else (left + right) // 2
        pen.rectangle((left, middle - 1, end - 1, middle + 1), fill=colour)
    elif character == "▐":
        pen.rectangle(((left + right) // 2, top, right - 1, bottom), fill=colour)
    elif character in "│▏":
        pen.rectangle((left, top, left, bottom - 1), fill=colour)
    elif 0x2800 <= ord(character) <= 0x28FF:
        for bit, (dx, dy) in enumerate(_BRAILLE):
            if (ord(character) - 0x2800) >> bit & 1:
                x = left + 1.5 + dx * (right - left) / 2
                y = top + 1.5 + dy * (bottom - top) / 4
                pen.ellipse((x, y, x + 3, y + 3), fill=colour)
    else:
        return character == " "
    return True


async def screenshot(workspace: Path, size: tuple[int, int], keys: list[str]) -> Image.Image:
    """Open the dashboard without a terminal, press the keys, and draw what it shows."""
    app = Dashboard(Reader(workspace), poll=None)
    async with app.run_test(size=size) as pilot:
        for key in ["", *keys, ""]:
            if key:
                await pilot.press(key)
            else:
                app.refresh_now()
            for _ in range(4):
                await app.workers.wait_for_complete()
                await pilot.pause()
        background = tuple(app.screen.styles.background.rgb)
        strips = app.screen._compositor.render_strips()
        return draw(strips, background)


def main() -> None:
    """Parse the command line, draw, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("size", help="columns x lines, for example 140x40")
    parser.add_argument("output", type=Path)
    parser.add_argument("keys", nargs="*")
    arguments = parser.parse_args()
    columns, rows = (int(number) for number in arguments.size.split("x"))
    picture = asyncio.run(screenshot(arguments.workspace, (columns, rows), arguments.keys))
    picture.quantize(256).save(arguments.output, optimize=True)


if __name__ == "__main__":
    main()

"""Draws the dashboard into a PNG, cell by cell, for the documentation and for looking at it.

    python -m tests.tui.screenshot WORKSPACE 140x40 OUT.png [KEY ...]

The keys are pressed first, for example `3 enter`. With --training SWAP a job is added that looks as
if it trained the swap now: it tells the swap's own history again. Needs only what swapdeck itself
needs: Pillow, and the fixed-width font that comes with Matplotlib. Blocks, bars and braille are
drawn as shapes, so that they meet as they do in a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.strip import Strip

from projects.jobs import EventLog, create_job, holding_lock
from projects.swaps import get_swap
from projects.texts import read_jsonl
from projects.workspace import open_workspace
from tui.app import Dashboard
from tui.reading import Reader
from tui.settings import Settings

CELL = (11, 23)  # pixels
MARGIN = 14
MORE = 2  # so many times the steps of a swap's history does --training say it will do
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


@contextlib.contextmanager
def training(root: Path, slug: str) -> Iterator[None]:
    """A job that tells the first part of the swap's history as if it happened now."""
    workspace = open_workspace(root)
    swap = get_swap(workspace, slug)
    steps, _ = read_jsonl(swap.history_path)
    total = MORE * steps[-1]["step"]
    job = create_job(workspace, "train", slug, {})
    log = EventLog(job)
    log.emit("started", title=f"train {slug}")
    log.emit("stage", name="train", total=total, unit="steps")
    for step in steps:
        seconds = max(step.get("seconds") or 0.0, 1e-3)
        rate = step["step"] / seconds
        step.pop("at", None)
        log.emit("step", **step, steps=total, rate=rate, eta=(total - step["step"]) / rate)
    drawn = sorted(swap.previews_dir.glob("*.png"))
    if drawn:
        log.emit("preview", step=int(drawn[-1].stem), path=f"previews/{drawn[-1].name}")
    try:
        with holding_lock(job):
            yield
    finally:
        shutil.rmtree(job.root)


async def screenshot(
    workspace: Path, size: tuple[int, int], keys: list[str], theme: str = ""
) -> Image.Image:
    """Open the dashboard without a terminal, press the keys, and draw what it shows."""
    app = Dashboard(Reader(workspace), poll=None, settings=Settings(theme=theme))
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
    parser.add_argument("--training", metavar="SWAP")
    parser.add_argument("--theme", default="")
    said = parser.parse_args()
    columns, rows = (int(number) for number in said.size.split("x"))
    told = training(said.workspace, said.training) if said.training else contextlib.nullcontext()
    with told:
        shot = screenshot(said.workspace, (columns, rows), said.keys, said.theme)
        picture = asyncio.run(shot)
    picture.quantize(256).save(said.output, optimize=True)


if __name__ == "__main__":
    main()

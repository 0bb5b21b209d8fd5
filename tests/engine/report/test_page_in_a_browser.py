"""A report as a real browser shows it, on a phone and on a desk, by day and by night.

Without Chromium only the page's structure is looked at.
"""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.quality.table import QualityTable, Row
from engine.report.charts import line_chart
from engine.report.page import ConversionPart, Report, WorstFrame, render
from engine.report.stills import jpeg

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PHONE, DESK = 390, 1200
PICTURE = jpeg(np.full((200, 900, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = tuple(
        Row(name, *[20.0] * 16) for name in ("a swap with a long name", "target unchanged")
    )
    waves = [("result", [(float(n), float(n % 7)) for n in range(90)])]
    charts = [(f"Chart {n}", line_chart(f"chart {n}", waves, x="frame", y="y")) for n in range(3)]
    part = ConversionPart(
        "a-very-long-name-of-a-clip-without-any-place-to-break-it-0123456789.mp4",
        [("frames", "96, 96 faces swapped")],
        PICTURE,
        QualityTable(rows, 0.0, True),
        charts,
        [WorstFrame(f"Frame {n}, at 0.1 s", "It jumps.", PICTURE) for n in range(10)],
    )
    report = Report(
        title="anna as bruno",
        summary=[("face of", "anna")],
        conversions=[part],
        curves=charts[:1],
        preview=b"",
        datasets=[("source: anna", [("faces kept", "240")])],
        settings=[("preset", "light-64")],
    )
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(report), encoding="utf-8")
    return path


class _Tags(HTMLParser):
    EMPTY = frozenset({"meta", "img", "br", "path", "use"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


def test_a_page_is_well_formed_and_every_picture_has_words(page: Path) -> None:
    tags = _Tags()
    tags.feed(page.read_text(encoding="utf-8"))
    assert tags.open == []
    assert len(tags.images) == 11
    assert all(image["alt"] for image in tags.images)


def test_a_page_is_made_for_phones_and_for_the_night(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert 'content="width=device-width, initial-scale=1"' in text
    assert "prefers-color-scheme: dark" in text and "color-scheme: light dark" in text
    assert re.search(r"default-src 'none'", text)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_screen(page: Path, width: int) -> None:
    shown = screenshot(page, width)
    paper = shown[2, 2]
    assert (np.abs(shown[:, -8:].astype(int) - paper) < 3).all()
    assert (np.abs(shown.astype(int) - paper).max(-1) > 60).mean() > 0.02


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_by_night_it_is_light_on_dark(page: Path) -> None:
    day, night = (
        screenshot(page, DESK),
        screenshot(page, DESK, "--blink-settings=preferredColorScheme=0"),
    )
    assert day[2, 2].min() > 200 and night[2, 2].max() < 60
    assert day.min() < 60 and night.max() > 200


def screenshot(page: Path, width: int, *options: str) -> np.ndarray:
    """uint8 [H, W, 3] RGB: the page in a window of that width."""
    assert BROWSER is not None
    picture = page.with_name(f"shot-{width}{len(options)}.png")
    quiet = ("gpu", "background-networking", "component-update", "sync")
    command = [BROWSER, "--headless", "--no-sandbox", "--no-first-run", "--hide-scrollbars"]
    command += [f"--disable-{what}" for what in quiet]
    command += [f"--user-data-dir={page.with_name('profile')}", *options]
    command += [f"--screenshot={picture}", f"--window-size={width},3000", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(picture) as opened:
        return np.asarray(opened.convert("RGB"))

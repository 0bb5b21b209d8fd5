"""Footage in which discs stand for faces, and a finder that knows discs.

The real face finder is tested with the faces package; here it is the pipeline around it that is
looked at, which needs to know exactly where each "face" is.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from engine.conversion.casting import Role
from engine.conversion.search import Eyes
from engine.conversion.swapper import Swapper
from engine.faces.sight import Sight
from engine.faces.template import TEMPLATE

SIDE = 120.0  # pixels of a disc's chip in the frame
COLOURS = {"ben": (200, 60, 50), "stranger": (50, 70, 210), "passer": (190, 60, 200)}
ELSEWHERE = "elsewhere"
Disc = tuple[str, float, float]


def identity(name: str) -> np.ndarray:
    """A made-up embedding [128]; two people are 1.4 apart."""
    embedding = np.zeros(128, np.float32)
    embedding[list(COLOURS).index(name)] = 1
    return embedding


class DiscFinder:
    """Finds discs by their colour, left to right, with landmarks spread as on a mean face."""

    def find(self, picture: Any, *, thorough: bool = False, known: Sequence = ()) -> list[Sight]:
        found = []
        for colour in COLOURS.values():
            distance = np.abs(picture.image.astype(int) - colour).max(-1)
            near = (distance < 40).astype(np.uint8)
            count, _, stats, centres = cv2.connectedComponentsWithStats(near)
            for number in range(1, count):
                if stats[number, cv2.CC_STAT_AREA] >= 900:
                    points = np.array(centres[number]) + (TEMPLATE - 0.5) * SIDE
                    found.append(Sight(points, 0.0, 2.0))
        return sorted(found, key=lambda sight: sight.box[0])

    def find_all(self, picture: Any) -> list[Sight]:
        return self.find(picture)

    def follow(self, picture: Any, points: np.ndarray, *, careful: bool) -> Sight | None:
        """The disc nearest to where one is expected, if it is near."""
        middle = points.mean(0)
        there = self.find(picture)
        nearest = min(
            there, key=lambda s: float(np.hypot(*(s.points.mean(0) - middle))), default=None
        )
        if nearest is None or np.hypot(*(nearest.points.mean(0) - middle)) > SIDE / 4:
            return None
        return nearest


class DiscEmbedder:
    """Knows a disc's name by the colour in its middle."""

    def embed(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        x, y = (landmarks.min(0) + landmarks.max(0)) / 2
        colour = image[int(y), int(x)].astype(int)
        nearest = min(COLOURS, key=lambda name: np.abs(colour - COLOURS[name]).sum())
        return identity(nearest)


def draw(discs: Sequence[Disc], width: int = 320, height: int = 240) -> np.ndarray:
    """uint8 [H, W, 3]: discs of about a face's size on a patterned grey ground; "elsewhere" among
    them is another ground."""
    y, x = np.mgrid[:height, :width]
    ground = (110 + 20 * np.sin(x / 9) + 15 * np.cos(y / 7)).astype(np.uint8)
    if any(name == ELSEWHERE for name, _, _ in discs):
        ground = (128 + 110 * np.sign(np.sin(x / 40))).astype(np.uint8)
    image = np.ascontiguousarray(np.stack([ground] * 3, -1))
    for name, cx, cy in discs:
        if name == ELSEWHERE:
            continue
        centre = (round(cx * 16), round(cy * 16))
        cv2.circle(image, centre, 32 * 16, COLOURS[name], -1, cv2.LINE_AA, 4)
    return image


def write_discs(path: Path, frames: Sequence[Sequence[Disc]], sound: bool = True) -> Path:
    """A clip at 25 frames a second, one list of discs a frame, with a tone."""
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=25, options={"crf": "8", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        tone = target.add_stream("aac", rate=16000) if sound else None
        for index, discs in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(draw(discs), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        if tone is not None:
            wave = 0.2 * np.sin(np.arange(len(frames) * 640) / 8).astype(np.float32)
            for begin in range(0, len(wave) - 1024, 1024):
                block = av.AudioFrame.from_ndarray(
                    wave[None, begin : begin + 1024], format="fltp", layout="mono"
                )
                block.sample_rate, block.pts = 16000, begin
                target.mux(tone.encode(block))
            target.mux(tone.encode(None))
    return path


class Unchanged(Swapper):
    """A model that answers with what it sees; refuses batches of changing size."""

    size = 64

    def __init__(self) -> None:
        self.batches: list[tuple[int, str]] = []

    def chips(
        self, images: np.ndarray, masks: np.ndarray, person: str
    ) -> tuple[np.ndarray, np.ndarray]:
        assert images.dtype == masks.dtype == np.uint8
        assert images.shape == (len(images), 64, 64, 3) and masks.shape == images.shape[:3]
        self.batches.append((len(images), person))
        rgb = images.astype(np.float32) / 255
        mask = np.ones(images.shape[:3], np.float32)
        rgb.setflags(write=False)  # as arrays that come from a device are
        mask.setflags(write=False)
        return rgb, mask


class Green(Unchanged):
    """A model that paints every chip green."""

    def chips(
        self, images: np.ndarray, masks: np.ndarray, person: str
    ) -> tuple[np.ndarray, np.ndarray]:
        rgb, mask = super().chips(images, masks, person)
        return np.full_like(rgb, (0.1, 0.9, 0.2)), mask


@pytest.fixture
def eyes() -> Eyes:
    return Eyes(DiscFinder, DiscEmbedder)


@pytest.fixture
def ben_as_target() -> Role:
    return Role("ben", "Ben", identity("ben"))


@pytest.fixture
def discs(tmp_path: Path) -> Callable[..., Path]:
    """Writes a clip of discs: discs(frames, name="clip.mp4")."""

    def make(frames: Sequence[Sequence[Disc]], name: str = "clip.mp4", **wanted: Any) -> Path:
        return write_discs(tmp_path / name, frames, **wanted)

    return make


@pytest.fixture
def unchanged() -> Unchanged:
    return Unchanged()


@pytest.fixture
def green() -> Green:
    return Green()


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """Draws one frame of discs."""
    return draw

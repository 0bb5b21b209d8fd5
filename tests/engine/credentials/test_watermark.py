"""The watermark: read back after what happens to videos, never read where there is none."""

import io
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.avatars import clips
from engine.credentials.watermark import Watermark, detect
from engine.media import open_frames

CLIP = Path(clips.__file__).parent / "clips" / "bruno-scene.mp4"
IDENTIFIER = "deadbe01"


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    with open_frames(CLIP) as reader:
        return [frame.image for frame in reader][:48:2]


@pytest.fixture(scope="module")
def marked(frames) -> list[np.ndarray]:
    watermark = Watermark(IDENTIFIER)
    return [watermark.apply(frame) for frame in frames]


def coded(frames, crf):
    """The frames after H.264."""
    file = io.BytesIO()
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", 25, options={"crf": str(crf), "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            picture = np.ascontiguousarray(frame[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def scaled(frames, factor):
    area = cv2.INTER_AREA
    return [cv2.resize(f, None, fx=factor, fy=factor, interpolation=area) for f in frames]


def cropped(frames, part):
    height, width = frames[0].shape[:2]
    top, left = int(height * part * 0.3), int(width * part * 0.8)
    rows, columns = int(height * (1 - part)), int(width * (1 - part))
    return [frame[top : top + rows, left : left + columns] for frame in frames]


def jpeg(frames, quality):
    pictures = (cv2.imencode(".jpg", f, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for f in frames)
    return [cv2.imdecode(picture, cv2.IMREAD_COLOR) for picture in pictures]


DAMAGE = {
    "none": lambda f: f,
    "H.264 at CRF 18": lambda f: coded(f, 18),
    "H.264 at CRF 23": lambda f: coded(f, 23),
    "H.264 at CRF 28": lambda f: coded(f, 28),
    "half the size": lambda f: coded(scaled(f, 0.5), 23),
    "twice the size": lambda f: scaled(f, 2),
    "four times the size": lambda f: scaled(f[:2], 4),
    "a tenth cut off": lambda f: coded(cropped(f, 0.1), 28),
    "three tenths cut off": lambda f: coded(cropped(f, 0.3), 23),
    "mirrored": lambda f: coded([np.ascontiguousarray(one[:, ::-1]) for one in f], 23),
    "one frame": lambda f: f[:1],
    "one frame as JPEG 85": lambda f: jpeg(f[:1], 85),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_identifier_survives(marked, damage):
    found = detect(DAMAGE[damage](marked))
    assert found is not None
    assert found.identifier == IDENTIFIER


@pytest.mark.parametrize("damage", ["none", "H.264 at CRF 28", "half the size"])
def test_nothing_is_found_in_footage_without_it(frames, damage):
    assert detect(DAMAGE[damage](frames)) is None


def test_it_cannot_be_seen(frames, marked):
    error = np.mean([(a.astype(float) - b) ** 2 for a, b in zip(frames, marked, strict=True)])
    assert 10 * np.log10(255**2 / error) > 40
    # Nowhere is a flat part changed by more than a few of 255 steps.
    assert np.abs(frames[0].astype(int) - marked[0]).max() < 20


def test_the_picture_that_was_given_stays_as_it_is(frames):
    before = frames[0].copy()
    Watermark(IDENTIFIER).apply(frames[0])
    np.testing.assert_array_equal(frames[0], before)


@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 300, 3), (64, 64, 3), (65, 1300, 3)])
def test_odd_pictures_are_marked_and_searched_without_harm(shape):
    picture = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    assert Watermark(IDENTIFIER).apply(picture).shape == shape
    assert detect([picture]) is None


def test_pictures_of_another_size_are_passed_over(marked):
    small = marked[0][:100, :100]
    found = detect([marked[0], small, *marked[1:]])
    assert found is not None
    assert (found.identifier, found.frames) == (IDENTIFIER, len(marked))

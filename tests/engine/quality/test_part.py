"""A result that is a part of its footage is measured against that part."""

from fractions import Fraction

import av
import numpy as np
import pytest

from engine.avatars.demo import demo_clips
from engine.faces.detect import FaceFinder
from engine.media import open_frames
from engine.quality import assess
from engine.quality.assess import Conversion, measure_frames
from engine.report.side_by_side import side_by_side

FIRST, LAST = 30, 42


class Same:
    """Tells nobody apart, which is not what is asked here."""

    def embed(self, image, landmarks):
        return np.zeros(128, np.float32)


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """Some frames of the scene, as a result that changed nothing."""
    path = tmp_path_factory.mktemp("part") / "part.mp4"
    with open_frames(demo_clips().scene) as reader, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=25, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for frame in reader:
            if FIRST <= frame.index < LAST:
                shown = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
                shown.pts, shown.time_base = frame.index - FIRST, Fraction(1, 25)
                target.mux(stream.encode(shown))
        target.mux(stream.encode(None))
    return path


def test_the_frames_that_became_the_result_are_compared_with_it(part, monkeypatch):
    monkeypatch.setattr(assess, "SAMPLES", 5)
    nobody = np.zeros(128, np.float32)
    wanted = range(FIRST, LAST)
    conversion = Conversion(demo_clips().scene, part, nobody, nobody, part=wanted)
    figures = measure_frames(conversion, FaceFinder(), Same(), lambda done, total: None)
    assert [one.frame for one in figures] == [0, 3, 6, 8, 11]
    assert all(one.face for one in figures)
    elsewhere = Conversion(demo_clips().scene, part, nobody, nobody, part=range(LAST - FIRST))
    others = measure_frames(elsewhere, FaceFinder(), Same(), lambda done, total: None)
    assert np.mean([one.landmark_error for one in figures]) < 0.03
    assert not any(one.landmark_error < 0.05 for one in others)


def test_its_frames_are_shown_beside_those_that_they_were_made_of(part):
    shown = side_by_side(demo_clips().scene, part, None, frames=[2], height=180, first=FIRST)
    before, after = shown[30:210, 6:246].astype(int), shown[30:210, 252:492].astype(int)
    assert np.abs(before - after).mean() < 2

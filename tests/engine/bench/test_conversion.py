"""`bench convert` measures real stages and says what they come to."""

import pytest

from engine.bench.conversion import Measured, measure_conversion


def test_the_share_is_of_the_slowest_stage_on_one_core():
    stages = {"decode": 400.0, "find faces": 100.0, "encode": 200.0}
    single = {"decode": 400.0, "find faces": 50.0, "encode": 100.0}
    measured = Measured(100, stages, single, whole=40.0, again=80.0, naive=5.0, memory=900.0)
    assert measured.slowest == "find faces"
    assert measured.share == pytest.approx(0.8)
    assert measured.times == pytest.approx(8.0)
    assert measured.bound == pytest.approx(1 / (1 / 400 + 1 / 100 + 1 / 200))


def test_every_stage_of_a_real_clip_is_measured(short_clips):
    measured = measure_conversion(short_clips["scene"], 16, 2, "light-64")
    assert set(measured.stages) == {"decode", "find faces", "infer", "compose", "encode"}
    assert min(*measured.stages.values(), *measured.single.values()) > 0
    assert measured.frames == 16 and measured.whole > 0 and measured.naive > 0

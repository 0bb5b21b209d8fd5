"""Movement over time and the sound that goes with it."""

from itertools import pairwise

import numpy as np
import pytest

from engine.avatars.performance import ANNA, BRUNO, Manner, Performance
from engine.avatars.sound import RATE, click_times, find_clicks, voice

TIMES = [i / 25 for i in range(500)]


@pytest.mark.parametrize("manner", [ANNA, BRUNO])
def test_a_performance_covers_turns_speech_smiles_and_blinks(manner: Manner) -> None:
    poses = [Performance(1, manner).pose(t) for t in TIMES]
    yaw = [p.yaw for p in poses]
    assert max(yaw) - min(yaw) > 30
    assert max(abs(y) for y in yaw) <= 26
    assert max(abs(p.pitch) for p in poses) <= 15
    assert max(p.mouth_open for p in poses) > 0.8
    assert max(p.smile for p in poses) > 0.5
    assert 10 <= sum(p.blink_left > 0.5 for p in poses) <= 120


def test_a_performance_moves_smoothly() -> None:
    poses = [Performance(2, BRUNO).pose(t) for t in TIMES]
    assert max(abs(b.yaw - a.yaw) for a, b in pairwise(poses)) < 8
    assert max(abs(b.light_azimuth - a.light_azimuth) for a, b in pairwise(poses)) < 6


def test_a_seed_names_one_performance() -> None:
    assert Performance(3, ANNA).pose(4.2) == Performance(3, ANNA).pose(4.2)
    assert Performance(3, ANNA).pose(4.2) != Performance(4, ANNA).pose(4.2)


def test_clicks_are_found_where_they_were_put() -> None:
    track = voice(Performance(5).mouth_open, 4.0)
    found = find_clicks(track, RATE)
    assert found == pytest.approx(click_times(4.0), abs=1 / RATE)
    assert len(found) == 4


def test_a_track_without_clicks_has_none() -> None:
    assert find_clicks(np.zeros(RATE, np.float32), RATE) == []
    assert find_clicks(np.zeros(5, np.float32), RATE) == []


def test_the_voice_follows_the_mouth() -> None:
    track = voice(lambda t: float(t >= 1.0), 2.0)
    assert np.abs(track[: RATE // 4]).max() == 0
    assert np.abs(track[-RATE // 4 :]).max() > 0.1

"""Clips on disk: as many frames as declared, the sound in its place, the truth beside them."""

from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from engine.avatars.clips import main
from engine.avatars.demo import demo_clips, load_truth
from engine.avatars.sound import click_times, find_clicks, read_sound


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    answer = CliRunner().invoke(main, [str(folder), "--frames", "5", "--size", "64x48"])
    assert answer.exit_code == 0, answer.output
    return folder


def _video(path: Path) -> tuple[int, int, tuple[int, ...]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        decoded = sum(1 for _ in container.decode(stream))
        return stream.frames, decoded, tuple(int(tag) for tag in tags)


def test_the_command_renders_clips_with_their_truth(rendered: Path) -> None:
    clips = demo_clips(rendered)
    assert _video(clips.source_training) == (5, 5, (1, 1, 1, 1))
    assert _video(clips.target_training)[:2] == (5, 5)
    assert _video(clips.scene)[:2] == _video(clips.truth)[:2] == (2, 2)
    truth = load_truth(clips)
    assert truth.frames.shape == (2, 48, 64, 3)
    assert truth.face.shape == (2, 48, 64)
    assert truth.scene_landmarks.shape == truth.truth_landmarks.shape == (2, 68, 2)


def test_an_odd_size_is_refused(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, [str(tmp_path / "out"), "--size", "95x72"])
    assert answer.exit_code == 2
    assert "even width and height" in answer.output


def test_the_shipped_clips_hold_what_they_declare() -> None:
    clips = demo_clips()
    for path, frames in (
        (clips.source_training, 240),
        (clips.target_training, 240),
        (clips.scene, 96),
        (clips.truth, 96),
    ):
        assert _video(path) == (frames, frames, (1, 1, 1, 1))


def test_the_shipped_clips_sound_when_they_should() -> None:
    clips = demo_clips()
    for path, seconds in ((clips.source_training, 9.6), (clips.scene, 3.84)):
        samples, rate = read_sound(path)
        assert samples.size / rate == pytest.approx(seconds, abs=0.05)
        assert find_clicks(samples, rate) == pytest.approx(click_times(seconds), abs=0.001)


def test_the_shipped_truth_belongs_to_the_scene() -> None:
    clips = demo_clips()
    truth = load_truth(clips)
    assert len(truth.frames) == len(truth.face) == len(truth.truth_landmarks) == 96
    with av.open(str(clips.scene)) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    difference = np.abs(first.astype(int) - truth.frames[0])
    assert difference[truth.face[0] == 255].mean() > 10
    assert difference[:40].mean() < 3
    inside = truth.truth_landmarks[:, 30].round().astype(int)
    assert all(face[y, x] == 255 for face, (x, y) in zip(truth.face, inside, strict=True))

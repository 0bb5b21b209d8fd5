"""Parts of videos, copied: what they hold, where they begin, and what stays as it was."""

import hashlib
import itertools
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media import MediaError, open_frames, probe
from engine.media.cut import copy_part
from projects.errors import StopRequested
from tests.engine.gather.conftest import stream_of, write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s at 25 frames a second, a key frame each second, with sound."""
    return write_clip(tmp_path_factory.mktemp("cut") / "clip.mp4", sound=True)


def digests(path: Path) -> list[str]:
    with open_frames(path) as frames:
        return [hashlib.sha256(np.ascontiguousarray(frame.image)).hexdigest() for frame in frames]


def test_a_part_begins_at_the_key_frame_before_and_ends_where_it_was_asked_to(
    clip: Path, tmp_path: Path
) -> None:
    cut = copy_part(clip, tmp_path / "part", start=1.5, end=2.5)
    assert cut.start == pytest.approx(1.0)
    assert 2.44 <= cut.end <= 2.75  # frames are stored in another order than they are shown in
    whole, part = digests(clip), digests(cut.path)
    assert part == whole[25 : 25 + len(part)]
    assert len(part) == round((cut.end - cut.start) * 25) + 1


def test_the_sound_stays_with_the_picture(clip: Path, tmp_path: Path) -> None:
    cut = copy_part(clip, tmp_path / "part", start=2.0, end=3.0)
    with av.open(str(cut.path)) as part:
        sound = part.streams.audio[0]
        times = [float(p.pts * p.time_base) for p in part.demux(sound) if p.dts is not None]
    assert 0 <= times[0] < 0.07
    assert times[-1] == pytest.approx(1.0, abs=0.1)


def test_sound_that_nobody_here_knows_is_left_out(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", sound=True)
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_XXX"))
    cut = copy_part(clip, tmp_path / "part", end=1.0)
    with av.open(str(cut.path)) as part:
        assert not part.streams.audio
    assert digests(cut.path) == digests(clip)[: cut.frames]


def test_without_times_everything_is_copied(clip: Path, tmp_path: Path) -> None:
    cut = copy_part(clip, tmp_path / "whole")
    assert digests(cut.path) == digests(clip)
    assert probe(cut.path).audio == 1


def test_the_same_part_twice_has_the_same_bytes(clip: Path, tmp_path: Path) -> None:
    once = copy_part(clip, tmp_path / "a", start=1.0, end=2.0)
    again = copy_part(clip, tmp_path / "b", start=1.0, end=2.0)
    assert once.path.read_bytes() == again.path.read_bytes()


def test_matroska_stays_matroska_and_repeatable(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 3.0)
    one, two = (copy_part(clip, tmp_path / name, start=1.2, end=2.0) for name in "ab")
    assert one.path.suffix == ".mkv"
    assert one.path.read_bytes() == two.path.read_bytes()
    assert len(digests(one.path)) == one.frames


def test_picture_and_sound_of_two_files_become_one(clip: Path, tmp_path: Path) -> None:
    picture, sound = tmp_path / "picture.mp4", tmp_path / "sound.mp4"
    picture.write_bytes(stream_of(clip, 0))
    sound.write_bytes(stream_of(clip, 1))
    joined = copy_part(picture, tmp_path / "joined", sound=sound)
    assert digests(joined.path) == digests(clip)
    assert probe(joined.path).audio == 1


def test_a_display_rotation_is_kept(tmp_path: Path) -> None:
    clip = tmp_path / "turned.mp4"
    with av.open(str(clip), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 32
        stream.set_display_rotation(90)
        for shade in range(20):
            image = np.full((32, 64, 3), shade * 10, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    info, cut = probe(clip), probe(copy_part(clip, tmp_path / "part", end=0.4).path)
    assert info.rotation != 0
    assert (cut.rotation, cut.width, cut.height) == (info.rotation, info.width, info.height)


def test_a_moment_after_the_end_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing at 1 min 00 s\. It is 4\.0 s long"):
        copy_part(clip, tmp_path / "part", start=60.0)
    assert list(tmp_path.iterdir()) == []


def test_sound_alone_and_words_are_no_video(clip: Path, tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    sound.write_bytes(stream_of(clip, 1))
    with pytest.raises(MediaError, match="only sound"):
        copy_part(sound, tmp_path / "part", start=1.0)


def test_a_stopped_copy_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    calls = itertools.count()

    def stop() -> None:
        if next(calls) > 0:
            raise StopRequested("stop")

    with pytest.raises(StopRequested):
        copy_part(clip, tmp_path / "part", check=stop)
    assert list(tmp_path.iterdir()) == []

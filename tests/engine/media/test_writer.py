"""What is written is the source with other pictures, and everything else as it was."""

import resource
import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from engine.media import (
    EncodeSettings,
    MediaError,
    compare_sound,
    open_frames,
    probe,
    write_converted,
)
from engine.media.outputs import default_suffix
from engine.media.sound import audio_packets, frame_times

ONE, LAST = 1 << 16, 1 << 30
NEAR_LOSSLESS = EncodeSettings(crf=2, preset="veryfast")


def rewrite(source, output, settings=NEAR_LOSSLESS):
    with open_frames(source) as frames:
        return write_converted(source, output, frames, settings)


def stream_facts(path):
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frame = next(container.decode(video))
        tags = (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)
        return video.time_base, tags, frame.format.name, video.sample_aspect_ratio


def worst_shift(source, output):
    """The largest difference between the two files' mean colours, in grey levels."""
    with open_frames(source) as a, open_frames(output) as b:
        return max(
            np.abs(x.image.mean((0, 1)) - y.image.mean((0, 1))).max()
            for x, y in zip(a, b, strict=True)
        )


def test_variable_frame_rate_and_a_late_start_are_kept_exactly(clip, tmp_path):
    pts = [1280, 1792, 2304, 5000, 5100, 5600, 9000, 9512, 20000]
    source = clip(pts=pts, sound_from=0.05)
    rewrite(source, tmp_path / "out.mp4")
    assert [t * 12800 for t in frame_times(tmp_path / "out.mp4")] == pts
    assert stream_facts(source)[0] == stream_facts(tmp_path / "out.mp4")[0] == Fraction(1, 12800)
    with open_frames(source) as a, open_frames(tmp_path / "out.mp4") as b:
        assert [f.pts for f in a] == [f.pts for f in b] == pts


def test_every_sound_track_is_the_same_bits_at_the_same_moments(clip, tmp_path):
    source = clip(pts=[i * 512 for i in range(50)], tracks=("aac", "libmp3lame", "aac"))
    rewrite(source, tmp_path / "out.mp4")
    compared = compare_sound(source, tmp_path / "out.mp4")
    assert (compared.tracks, compared.identical, compared.drift_ms) == (3, True, 0.0)
    assert compared.packets == sum(len(t) for t in audio_packets(source)) > 60


def test_comparing_notices_sound_that_moved(clip, tmp_path):
    early, late = clip("a.mp4"), clip("b.mp4", sound_from=0.25)
    assert 230 < compare_sound(early, late).drift_ms < 270


def test_comparing_notices_sound_that_is_missing(clip):
    with pytest.raises(MediaError, match="does not have the sound"):
        compare_sound(clip("a.mp4"), clip("b.mp4", tracks=()))


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_other_containers_keep_their_sound_and_times(clip, tmp_path, suffix):
    base = Fraction(1, 1000) if suffix == ".mkv" else Fraction(1, 600)
    codec = "flac" if suffix == ".mkv" else "aac"
    source = clip(f"a{suffix}", pts=list(range(0, 1000, 40)), time_base=base, tracks=(codec,))
    assert default_suffix(source) == suffix
    output = tmp_path / f"out{suffix}"
    rewrite(source, output)
    assert frame_times(output) == frame_times(source)
    assert compare_sound(source, output).identical


@pytest.mark.parametrize(
    "matrix",
    [
        (0, ONE, 0, -ONE, 0, 0, 0, 0, LAST),
        (-ONE, 0, 0, 0, -ONE, 0, 0, 0, LAST),
        (0, -ONE, 0, ONE, 0, 0, 0, 0, LAST),
        (-ONE, 0, 0, 0, ONE, 0, 0, 0, LAST),
    ],
)
def test_rotation_stays_in_the_header_and_pixels_stay_as_stored(clip, tmp_path, matrix):
    source = clip(matrix=matrix, pts=[0, 512, 1024])
    rewrite(source, tmp_path / "out.mp4")
    for path in (source, tmp_path / "out.mp4"):
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            stored = np.frombuffer(bytes(frame.side_data["DISPLAYMATRIX"]), "<i4")
            assert (frame.width, frame.height) == (96, 64)
            assert tuple(stored) == matrix
    assert worst_shift(source, tmp_path / "out.mp4") < 0.7


@pytest.mark.parametrize(
    "tags", [(0, 2, 2, 2), (1, 1, 1, 1), (1, 5, 5, 6), (1, 6, 6, 6), (2, 1, 1, 13), (1, 9, 9, 14)]
)
def test_colour_tags_are_kept_and_colours_do_not_shift(clip, tmp_path, tags):
    source = clip(tags=tags, pts=[0, 512, 1024], options={"qp": "1"})
    rewrite(source, tmp_path / "out.mp4")
    assert stream_facts(tmp_path / "out.mp4")[1] == stream_facts(source)[1]
    assert worst_shift(source, tmp_path / "out.mp4") < 0.5


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (2, 5, 1, 1)])
def test_five_generations_do_not_move_or_fade_the_picture(clip, tmp_path, tags):
    first = path = clip(tags=tags, pts=[0, 512], options={"qp": "1"})
    for generation in range(5):
        path = rewrite(path, tmp_path / f"{generation}.mp4", EncodeSettings(crf=0)).output
    with open_frames(first) as a, open_frames(path) as b:
        x, y = (next(iter(f)).image[:, 32:].astype(float) for f in (a, b))
    assert np.abs((x - y).mean((0, 1))).max() < 0.3
    assert np.abs(x - y).mean() < 1


@pytest.mark.parametrize("size", [(97, 64), (96, 63), (97, 63)])
def test_odd_sizes_are_kept_by_full_chroma(clip, tmp_path, size):
    source = clip(size=size, pix_fmt="yuv444p", pts=[0, 512])
    rewrite(source, tmp_path / "out.mp4")
    assert (probe(tmp_path / "out.mp4").width, probe(tmp_path / "out.mp4").height) == size
    assert stream_facts(tmp_path / "out.mp4")[2] == "yuv444p"


def test_fine_chroma_is_kept(clip, tmp_path):
    source = clip(pix_fmt="yuv422p", pts=[0, 512])
    rewrite(source, tmp_path / "out.mp4")
    assert stream_facts(tmp_path / "out.mp4")[2] == "yuv422p"


def test_a_run_that_fails_leaves_the_old_result_and_nothing_else(clip, tmp_path):
    source = clip()
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "out.mp4").write_bytes(b"the result of yesterday")

    def broken():
        with open_frames(source) as frames:
            for frame in frames:
                if frame.index == 10:
                    raise KeyboardInterrupt
                yield frame

    with pytest.raises(KeyboardInterrupt):
        write_converted(source, folder / "out.mp4", broken())
    assert [p.name for p in folder.iterdir()] == ["out.mp4"]
    assert (folder / "out.mp4").read_bytes() == b"the result of yesterday"


def test_a_full_disk_is_a_sentence_and_nothing_is_left(clip, tmp_path):
    source = clip(size=(320, 240), options={"qp": "1"})
    folder = tmp_path / "results"
    folder.mkdir()
    code = (
        "import sys; from pathlib import Path\n"
        "from engine.media import open_frames, write_converted, EncodeSettings\n"
        "from projects.errors import SwapdeckError\n"
        "source, output = map(Path, sys.argv[1:])\n"
        "try:\n"
        "    write_converted(source, output, open_frames(source), EncodeSettings(crf=1))\n"
        "except SwapdeckError as error:\n"
        "    print(error)\n"
    )

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(folder / "out.mp4")],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert "out.mp4" in done.stdout and "larger than" in done.stdout, done.stderr
    assert list(folder.iterdir()) == []


def test_sound_that_the_container_cannot_hold_says_which_one_can(clip, tmp_path):
    source = clip("a.mkv", time_base=Fraction(1, 1000), pts=[0, 40, 80], tracks=("wavpack",))
    with pytest.raises(MediaError, match=r"wavpack.*ends in \.mkv"):
        rewrite(source, tmp_path / "out.mp4")
    source = source.rename(tmp_path / "a.avi")
    assert default_suffix(source) == ".mkv"
    assert not (tmp_path / "out.mp4").exists()


def test_frames_of_another_size_and_wrong_names_are_errors(clip, tmp_path):
    source = clip()
    with open_frames(source) as frames:
        small = [replace(f, image=f.image[:32]) for f in frames]
    with pytest.raises(MediaError, match="changes its size"):
        write_converted(source, tmp_path / "out.mp4", small)
    with pytest.raises(MediaError, match="no name for a video"):
        write_converted(source, tmp_path / "out.gif", small)
    with pytest.raises(MediaError, match="gave no frame"):
        write_converted(source, tmp_path / "out.mp4", [])


def test_a_folder_becomes_a_folder_of_png_files_with_the_same_names(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (3, 24, 32, 3), np.uint8)
    for name, image in zip(("f2.png", "f10.png", "f10.bmp"), images, strict=True):
        Image.fromarray(image).save(folder / name)
    write_converted(folder, tmp_path / "out", open_frames(folder))
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["f10.bmp.png", "f10.png.png", "f2.png"]
    with open_frames(tmp_path / "out") as frames:
        shown = [f.image for f in frames]
    assert np.array_equal(shown[0], images[0])


def test_a_picture_keeps_its_transparency_and_colour_profile(tmp_path):
    image = np.full((16, 16, 4), 200, np.uint8)
    image[:8, :, 3] = 0
    Image.fromarray(image).save(tmp_path / "a.png", icc_profile=b"profile")
    write_converted(tmp_path / "a.png", tmp_path / "b.png", open_frames(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as written:
        assert written.info["icc_profile"] == b"profile"
        assert np.array_equal(np.asarray(written), image)

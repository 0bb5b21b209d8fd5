"""Frames come out once each, upright, with the source's timestamps, or an error says why not."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from engine.media import MediaError, open_frames, probe

# display matrices in 16.16 fixed point; the last number is 2.30
ONE, LAST = 1 << 16, 1 << 30
TURNED = {
    0: (ONE, 0, 0, 0, ONE, 0, 0, 0, LAST),
    90: (0, ONE, 0, -ONE, 0, 0, 0, 0, LAST),
    180: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, LAST),
    270: (0, -ONE, 0, ONE, 0, 0, 0, 0, LAST),
}
RED = {0: (0, 0), 90: (0, -1), 180: (-1, -1), 270: (-1, 0)}  # the corner that is marked, turned


def test_every_frame_comes_once_with_its_own_timestamp(clip):
    pts = [0, 512, 1024, 2048, 2100, 5000, 9000]
    with open_frames(clip(pts=pts)) as frames:
        found = list(frames)
    assert [f.index for f in found] == list(range(7))
    assert [f.pts for f in found] == pts
    assert [f.time for f in found] == [p / 12800 for p in pts]
    assert all(f.image.shape == (64, 96, 3) and f.image.dtype == np.uint8 for f in found)


def test_reading_from_the_middle_gives_the_same_frames(clip):
    path = clip()
    with open_frames(path) as frames:
        whole = list(frames)
    with open_frames(path, start=9) as frames:
        rest = list(frames)
    assert [f.index for f in rest] == list(range(9, 24))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(whole[9:], rest, strict=True))


@pytest.mark.parametrize("degrees", TURNED)
def test_frames_are_turned_as_a_player_shows_them(clip, degrees):
    path = clip(matrix=TURNED[degrees], pts=[0, 512])
    info = probe(path)
    assert info.rotation == degrees
    assert (info.width, info.height) == ((64, 96) if degrees in (90, 270) else (96, 64))
    with open_frames(path) as frames:
        image = next(iter(frames)).image
    assert image.shape[:2] == (info.height, info.width)
    row, column = RED[degrees]
    corner = image[8 if row == 0 else -8, 8 if column == 0 else -8]
    assert corner[0] > 200 and corner[1] < 70


@pytest.mark.parametrize("mirror", ["across", "down"])
def test_mirrored_video_is_shown_mirrored(clip, mirror):
    a, d = (-ONE, ONE) if mirror == "across" else (ONE, -ONE)
    with open_frames(clip(matrix=(a, 0, 0, 0, d, 0, 0, 0, LAST), pts=[0, 512])) as frames:
        image = next(iter(frames)).image
    corner = image[8, -8] if mirror == "across" else image[-8, 8]
    assert corner[0] > 200 and corner[1] < 70


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (1, 5, 5, 6), (2, 1, 1, 1), (1, 9, 9, 14)])
def test_colours_follow_the_matrix_and_range_of_the_tags(clip, tags):
    with open_frames(clip(tags=tags, pts=[0, 512], options={"qp": "1"})) as frames:
        image = next(iter(frames)).image
    assert np.abs(image[4:12, 4:20].astype(int) - (230, 40, 30)).max() <= 4


def test_an_untagged_video_of_720_lines_is_read_as_bt709(clip):
    path = clip(size=(640, 720), pts=[0, 512], options={"qp": "1"})  # written by BT.601
    with open_frames(path) as frames:
        image = next(iter(frames)).image
    assert np.abs(image[50, 50].astype(int) - (230, 40, 30)).max() > 8


def test_a_clip_that_is_whole_has_no_shortfall(clip):
    with open_frames(clip()) as frames:
        assert frames.shortfall() == ""
        assert len(list(frames)) == 24
        assert frames.shortfall() == ""


def test_a_clip_that_was_cut_short_says_so_after_its_last_frame(clip, tmp_path):
    whole = clip(pts=[i * 512 for i in range(60)], options={"g": "10", "qp": "20"}, tracks=())
    fast = tmp_path / "fast.mp4"
    with (
        av.open(str(whole)) as source,
        av.open(str(fast), "w", options={"movflags": "faststart"}) as target,
    ):
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    data = fast.read_bytes()
    fast.write_bytes(data[: len(data) * 6 // 10])
    with open_frames(fast) as frames:
        count = len(list(frames))
        assert 10 < count < 58
        assert f"declares 60 frames, but only {count}" in frames.shortfall()


def test_a_matroska_clip_that_was_cut_short_says_so_too(clip):
    path = clip("a.mkv", pts=list(range(0, 3000, 40)), time_base=Fraction(1, 1000), tracks=())
    with open_frames(path) as frames:
        assert len(list(frames)) == 75
        assert frames.shortfall() == ""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with open_frames(path) as frames:
        assert len(list(frames)) < 70
        assert "only" in frames.shortfall()


def test_files_that_are_no_video_say_what_they_are(tmp_path, clip):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "still.jpg")
    (tmp_path / "still.jpg").rename(tmp_path / "still.mp4")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video here " * 100)
    with av.open(str(tmp_path / "sound.mp4"), "w", format="wav") as target:
        stream = target.add_stream("pcm_s16le", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1600), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 16000
        target.mux(stream.encode(frame))
    strange = clip(tracks=()).read_bytes().replace(b"avc1", b"xyz1")
    (tmp_path / "strange.mp4").write_bytes(strange)
    for name, words in {
        "still.mp4": r"is a picture \(JPEG\).*Rename it to still.jpg",
        "empty.mp4": "is empty",
        "text.mp4": "cannot be read as a video",
        "sound.mp4": "holds only sound",
        "strange.mp4": "cannot be decoded here",
        "absent.mp4": "no file",
    }.items():
        with pytest.raises(MediaError, match=words):
            probe(tmp_path / name)


def test_a_video_whose_data_is_gone_gives_an_error_not_zero_frames(clip):
    path = clip(tracks=())
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="Not one frame"):
        probe(path)


def test_a_picture_is_turned_by_its_exif_orientation(tmp_path):
    image = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned: show it 90 degrees clockwise
    image.putpixel((0, 0), (255, 0, 0))
    image.save(tmp_path / "a.png", exif=exif)
    info = probe(tmp_path / "a.png")
    assert (info.kind, info.width, info.height) == ("image", 20, 30)
    with open_frames(tmp_path / "a.png") as frames:
        (frame,) = frames
    assert frame.pts is None
    assert frame.image.shape == (30, 20, 3)
    assert frame.image[0, -1].tolist() == [255, 0, 0]


def test_a_folder_gives_its_pictures_in_the_order_a_person_counts(tmp_path):
    for number in (10, 2, 1):
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert probe(tmp_path).frames == 3
    with open_frames(tmp_path) as frames:
        assert [int(f.image[0, 0, 0]) for f in frames] == [1, 2, 10]


def test_a_broken_picture_in_a_folder_is_left_out_and_named(tmp_path):
    for number in range(3):
        Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    data = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(data[: len(data) // 2])
    with open_frames(tmp_path) as frames:
        assert [f.index for f in frames] == [0, 2]
        assert "1 of 3 pictures" in frames.shortfall() and "1.png" in frames.shortfall()


def test_folders_without_pictures_and_broken_pictures_are_errors(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(MediaError, match="holds no pictures"):
        probe(tmp_path / "none")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(MediaError, match="not a picture that can be read"):
        probe(tmp_path / "a.png")


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(tmp_path: Path):
    Image.new("1", (20000, 20000)).save(tmp_path / "bomb.png")
    with pytest.raises(MediaError, match="million pixels"):
        probe(tmp_path / "bomb.png")

"""Codecs, depths, companions of the picture, and pictures of every frame."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from engine.media import EncodeSettings, MediaError, open_frames, write_converted
from engine.media.codecs import CODECS, is_built_in
from engine.media.outputs import default_suffix, plan_output
from engine.media.reader import frame_stamps
from engine.media.sound import compare_sound, frame_times
from projects.errors import CommandError
from projects.files import inside

ASS = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize, "
    b"PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    b"StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    b"MarginR, MarginV, Encoding\r\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,"
    b"100,0,0,1,1,0,2,10,10,10,1\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, "
    b"MarginL, MarginR, MarginV, Effect, Text\r\n"
)
PTS = [0, 512, 1024, 1536, 2560, 3072, 4096, 4608]


def rewrite(source, output, **settings):
    with open_frames(source) as frames:
        return write_converted(source, output, frames, EncodeSettings(**settings))


def planes(path):
    """The stored luma of every frame."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[: frame.height] for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("h264", ".mp4"),
        ("h265", ".mp4"),
        ("av1", ".mp4"),
        ("av1", ".mkv"),
        ("prores", ".mov"),
        ("ffv1", ".mkv"),
    ],
)
def test_every_codec_keeps_frames_times_and_sound(clip, tmp_path, codec, suffix):
    if not is_built_in(CODECS[codec].encoder):
        pytest.skip(f"{codec} is not built in")
    base = Fraction(1, 12800) if suffix != ".mkv" else Fraction(1, 1000)
    pts = PTS if suffix != ".mkv" else [0, 40, 80, 120, 200, 240, 320, 360]
    source = clip(f"a{suffix}", pts=pts, time_base=base)
    output = tmp_path / f"out{suffix}"
    assert rewrite(source, output, codec=codec, preset="ultrafast").frames == len(pts)
    assert frame_times(output) == frame_times(source)
    compared = compare_sound(source, output)
    assert compared.identical and compared.drift_ms == 0
    with open_frames(source) as a, open_frames(output) as b:
        for before, after in zip(a, b, strict=True):
            assert np.abs(before.image.astype(int) - after.image).mean() < 6


@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", ".mov"), ("h265", ".mp4"), ("ffv1", ".mkv")]
)
def test_ten_bits_stay_ten_bits(clip, tmp_path, codec, suffix):
    source = clip("deep.mkv", pix_fmt="yuv420p10le", pts=[0, 40, 80], time_base=Fraction(1, 1000))
    output = tmp_path / f"out{suffix}"
    rewrite(source, output, codec=codec, crf=None if codec == "ffv1" else 1, preset="ultrafast")
    before, after = planes(source), planes(output)
    assert after[0].dtype == np.uint16 and int(after[0].max()) > 255
    worst = max(np.abs(a.astype(int) - b).max() for a, b in zip(before, after, strict=True))
    assert worst == 0 if codec == "ffv1" else worst <= 16


def test_a_change_in_eight_bits_touches_nothing_else_of_ten(clip, tmp_path):
    source = clip("deep.mkv", pix_fmt="yuv420p10le", pts=[0, 40], time_base=Fraction(1, 1000))
    with open_frames(source) as frames:
        changed = []
        for frame in frames:
            image = frame.image.copy()
            image[10:30, 40:60] = (20, 200, 40)
            changed.append(type(frame)(frame.index, frame.pts, frame.time, image, frame.deep))
    write_converted(source, tmp_path / "o.mkv", changed, EncodeSettings(codec="ffv1"))
    for before, after in zip(planes(source), planes(tmp_path / "o.mkv"), strict=True):
        outside = np.ones(before.shape, bool)
        outside[10:30, 40:60] = False
        assert (before == after)[outside].all() and (before != after)[~outside].any()
    with open_frames(tmp_path / "o.mkv") as frames:
        middle = next(iter(frames)).image[15:25, 45:55].reshape(-1, 3).mean(0)
    assert np.abs(middle - (20, 200, 40)).max() < 3


def subtitled(path, codec, payload):
    with av.open(str(path), "w") as target:
        video = target.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        if path.suffix == ".mov":
            video.metadata["timecode"] = "01:02:03:04"
        words = target.add_stream(codec)
        words.codec_context.subtitle_header = ASS
        words.time_base = words.codec_context.time_base = Fraction(1, 1000)
        words.metadata["language"] = "eng"
        for index in range(25):
            image = np.full((64, 64, 3), 4 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(video.encode(frame))
            if index in (5, 15):
                packet = av.Packet(payload)
                packet.stream, packet.time_base = words, Fraction(1, 1000)
                packet.pts = packet.dts = index * 40
                packet.duration = 300
                target.mux_one(packet)
        target.mux(video.encode(None))
    return path


def subtitles(path):
    with av.open(str(path)) as container:
        found = container.streams.subtitles[0]
        return found.metadata.get("language"), [
            (packet.pts, packet.duration, bytes(packet))
            for packet in container.demux(found)
            if packet.size > 2
        ]


@pytest.mark.parametrize(
    ("suffix", "codec", "payload"),
    [(".mkv", "subrip", b"Hello"), (".mov", "mov_text", b"\0\5Hello")],
)
def test_subtitles_and_timecode_are_kept(tmp_path, suffix, codec, payload):
    source = subtitled(tmp_path / f"a{suffix}", codec, payload)
    result = rewrite(source, tmp_path / f"b{suffix}", preset="ultrafast")
    assert result.warnings == ()
    assert subtitles(source) == subtitles(result.output)
    assert len(subtitles(source)[1]) == 2
    with av.open(str(result.output)) as container:
        kept = container.streams.video[0].metadata.get("timecode")
    assert kept == ("01:02:03:04" if suffix == ".mov" else None)


def test_subtitles_that_a_container_cannot_hold_are_said_beforehand(tmp_path):
    source = subtitled(tmp_path / "a.mkv", "subrip", b"Hello")
    with pytest.raises(MediaError, match=r"subtitles of it.*\.mkv"):
        plan_output(source, tmp_path / "b.mp4", EncodeSettings())


def test_a_codec_and_a_container_that_do_not_go_together_say_which_do(clip, tmp_path):
    source = clip()
    for codec, output, way in (
        ("ffv1", "a.mp4", "ends in .mkv"),
        ("prores", "a.mp4", "ends in .mov or .mkv"),
        ("av1", "a.mov", "h264 or h265 or prores"),
        ("png", "a.mp4", "Give a folder's name"),
    ):
        with pytest.raises(MediaError, match=way):
            plan_output(source, tmp_path / output, EncodeSettings(codec=codec))
    assert default_suffix(source, EncodeSettings(codec="ffv1")) == ".mkv"
    with pytest.raises(CommandError, match="one quality only"):
        EncodeSettings(codec="prores", crf=20)
    with pytest.raises(CommandError, match="from 0, the best, to 51"):
        EncodeSettings(crf=60)


def test_a_video_becomes_pictures_of_every_frame(clip, tmp_path):
    source = clip(pts=[0, 512, 1024])
    result = rewrite(source, tmp_path / "frames", codec="png")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert result.frames == 3 and names == ["000000.png", "000001.png", "000002.png"]
    with open_frames(source) as frames:
        for frame, name in zip(frames, names, strict=True):
            written = cv2.imread(str(inside(tmp_path / "frames", name)), cv2.IMREAD_COLOR_RGB)
            assert np.array_equal(written, frame.image)


@pytest.mark.parametrize("codec", ["png", "tiff"])
def test_pictures_have_sixteen_bits_where_the_video_has_more_than_eight(clip, tmp_path, codec):
    source = clip("deep.mkv", pix_fmt="yuv420p10le", pts=[0, 40], time_base=Fraction(1, 1000))
    rewrite(source, tmp_path / "frames", codec=codec)
    first = sorted((tmp_path / "frames").iterdir())[0]
    written = cv2.imread(str(first), cv2.IMREAD_UNCHANGED)[..., ::-1]
    with open_frames(source) as frames:
        shown = next(iter(frames)).image
    assert written.dtype == np.uint16 and len(np.unique(written % 257)) > 50
    assert np.abs(written / 257 - shown).mean() < 1


def test_sixteen_bits_of_pictures_are_kept_where_nothing_changes(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    image = (np.arange(64 * 48 * 3).reshape(48, 64, 3) * 7 % 65536).astype(np.uint16)
    cv2.imwrite(str(folder / "a.png"), image)
    rewrite(folder, tmp_path / "out")
    again = cv2.imread(str(tmp_path / "out" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(again, image)


def test_a_folder_becomes_a_video_at_the_rate_that_is_asked_for(tmp_path, clip):
    pictures = rewrite(clip(pts=[0, 512, 1024]), tmp_path / "frames", codec="png").output
    rewrite(pictures, tmp_path / "out.mp4", rate=Fraction(30000, 1001))
    assert frame_times(tmp_path / "out.mp4") == [n * Fraction(1001, 30000) for n in range(3)]


def test_reading_from_a_known_timestamp_gives_the_frames_of_reading_it_all(clip):
    source = clip(pts=list(range(0, 60 * 512, 512)), options={"g": "12", "bf": "2", "crf": "8"})
    stamps = frame_stamps(source)
    with open_frames(source) as whole, open_frames(source, 40, stamps[40]) as part:
        everything = list(whole)
        some = list(part)
    assert [f.index for f in some] == list(range(40, 60))
    for before, after in zip(everything[40:], some, strict=True):
        assert before.pts == after.pts and np.array_equal(before.image, after.image)
    with open_frames(source, 40, stamps[40] + 1) as lost:
        assert [f.index for f in lost] == list(range(40, 60))

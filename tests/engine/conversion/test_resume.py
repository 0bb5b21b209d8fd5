"""What was done is not done again: not after a kill, not for another blend."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.conversion import segments as segments_module
from engine.conversion.cache import WorkspaceCache
from engine.conversion.casting import Role
from engine.conversion.compose import AROUND
from engine.conversion.convert import convert, convert_layers
from engine.conversion.extracted import extracted
from engine.conversion.find import Found, digest_of, find_faces, known_faces
from engine.conversion.layers import FACES, FILE, MASKS, NOTICE
from engine.conversion.parts import Part
from engine.conversion.search import search
from engine.conversion.settings import ConvertSettings, frame_rate
from engine.conversion.windows import frame_times
from engine.faces.extract import ExtractSettings
from engine.faces.scan import ScanSettings
from engine.faces.segments import Choice
from engine.media import EncodeSettings, compare_sound, open_frames
from engine.media.sound import audio_packets
from engine.reporting import CollectingReporter, NullReporter
from projects import cache
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.files import sha256_file
from projects.ranges import parse_range
from projects.workspace import open_workspace
from tests.engine.conversion.conftest import Green, identity

PLAIN = ConvertSettings(colour="none", encode=EncodeSettings(crf=8, preset="ultrafast"))
BEN = Role("ben", "Ben", identity("ben"))


@pytest.fixture
def clip(discs):
    return discs([[("ben", 60 + 2 * n, 120)] for n in range(60)])


@pytest.fixture
def short_clip(discs):
    """With nobody in its first eight frames."""
    return discs([[("ben", 60 + 2 * n, 120)] if n >= 8 else [] for n in range(20)])


@pytest.fixture
def shortest_segments(monkeypatch):
    monkeypatch.setattr(segments_module, "LENGTH", 6)


@pytest.fixture
def short_segments(monkeypatch):
    monkeypatch.setattr(segments_module, "LENGTH", 16)


@pytest.fixture
def kept(workspace):
    return WorkspaceCache(workspace)


@pytest.fixture
def elsewhere(tmp_path):
    """The cache of another workspace."""
    return WorkspaceCache(open_workspace(tmp_path / "elsewhere", create=True))


def part(model=None):
    return Part(BEN, model or Green(), model="green")


def run_layers(clip, output, kept, eyes, settings=PLAIN, reporter=None):
    reporter = reporter or NullReporter()
    return convert_layers(clip, output, [part()], settings, reporter, {}, eyes=eyes, store=kept)


def run(clip, output, kept, eyes, model=None, settings=PLAIN, reporter=None, **more):
    parts = [part(model)]
    return convert(
        clip, output, parts, settings, reporter or NullReporter(), eyes=eyes, store=kept, **more
    )


def packets(path):
    with av.open(str(path)) as container:
        return [(p.pts, p.dts, bytes(p)) for p in container.demux(video=0) if p.size]


def done_in(reporter, stage):
    """How far a stage was, each time that it was said."""
    return [event["done"] for event in reporter.of("progress") if event["stage"] == stage]


def stopped_after(stage, frames):
    """A reporter that ends the work once a stage has done so many frames."""

    def stop():
        return max(done_in(reporter, stage), default=0) >= frames

    reporter = CollectingReporter(stop=stop)
    return reporter


def segments_kept(workspace):
    return sorted(workspace.root.joinpath("cache", "segments").glob("*-0*"))


def files(folder):
    there = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): sha256_file(path) for path in there}


def test_a_run_that_was_ended_goes_on_and_gives_the_very_same_file(
    clip, eyes, workspace, kept, elsewhere, short_segments, tmp_path
):
    whole = run(clip, tmp_path / "whole.mp4", elsewhere, eyes)
    reporter = CollectingReporter(stop=lambda: reporter.checks > 45)
    output = tmp_path / "out.mp4"
    with pytest.raises(StopRequested):
        run(clip, output, kept, eyes, reporter=reporter)
    assert not output.exists()
    stored = {usage.kind: usage.entries for usage in cache.usage(workspace)}
    assert stored["segments"] >= 2 and stored["faces"] == 1
    again = CollectingReporter()
    result = run(clip, output, kept, eyes, reporter=again)
    assert result.frames == 60
    assert packets(output) == packets(whole.output)
    assert compare_sound(clip, output).drift_ms == 0
    first = again.of("progress")[0]
    assert first["done"] >= 32 and first["stage"] == "swap"  # neither searched nor made again
    left = {usage.kind: usage.entries for usage in cache.usage(workspace)}
    assert left["segments"] == 0


def test_pictures_of_a_video_go_on_at_the_frame_that_is_missing(
    discs, eyes, kept, elsewhere, monkeypatch, tmp_path
):
    # Frame 1 of a .mkv is shown at 40 ms, and it is frame 40 from which on it is read again.
    monkeypatch.setattr(segments_module, "LENGTH", 10 + AROUND)
    clip = discs([[("ben", 60 + 2 * n, 120)] for n in range(50)], "clip.mkv")
    wanted = {
        "settings": replace(PLAIN, encode=EncodeSettings(codec="png")),
        "span": range(30, 50),
    }
    run(clip, tmp_path / "whole", elsewhere, eyes, **wanted)
    with pytest.raises(StopRequested):
        run(clip, tmp_path / "out", kept, eyes, reporter=stopped_after("swap", 18), **wanted)
    again = CollectingReporter()
    run(clip, tmp_path / "out", kept, eyes, reporter=again, **wanted)
    assert again.of("progress")[0]["done"] == 17
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_pictures_go_on_though_one_of_them_cannot_be_read(
    discs, eyes, kept, elsewhere, monkeypatch, tmp_path
):
    monkeypatch.setattr(segments_module, "LENGTH", 4)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with open_frames(discs([[("ben", 60 + 2 * n, 120)] for n in range(24)])) as reader:
        for frame in reader:
            cv2.imwrite(str(pictures / f"{frame.index:03d}.png"), frame.image[..., ::-1])
    (pictures / "002.png").write_bytes(b"nothing")
    wanted = {"settings": replace(PLAIN, encode=EncodeSettings(codec="png"))}
    whole = run(pictures, tmp_path / "whole", elsewhere, eyes, **wanted)
    assert whole.frames == 23
    with pytest.raises(StopRequested):
        run(pictures, tmp_path / "out", kept, eyes, reporter=stopped_after("swap", 14), **wanted)
    assert run(pictures, tmp_path / "out", kept, eyes, **wanted).frames == 23
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_damaged_segment_is_made_again(
    clip, eyes, workspace, kept, elsewhere, short_segments, tmp_path
):
    reporter = CollectingReporter(stop=lambda: reporter.checks > 50)
    with pytest.raises(StopRequested):
        run(clip, tmp_path / "out.mp4", kept, eyes, reporter=reporter)
    stored = segments_kept(workspace)
    assert len(stored) >= 2
    data = bytearray(stored[1].read_bytes())
    data[len(data) // 2] ^= 1
    stored[1].write_bytes(data)
    run(clip, tmp_path / "out.mp4", kept, eyes)
    whole = run(clip, tmp_path / "whole.mp4", elsewhere, eyes)
    assert packets(tmp_path / "out.mp4") == packets(whole.output)


def test_another_setting_does_not_take_the_segments_of_the_old_one(
    clip, eyes, kept, short_segments, tmp_path
):
    reporter = CollectingReporter(stop=lambda: reporter.checks > 50)
    with pytest.raises(StopRequested):
        run(clip, tmp_path / "out.mp4", kept, eyes, reporter=reporter)
    clear = replace(PLAIN, opacity=0.0)
    run(clip, tmp_path / "out.mp4", kept, eyes, settings=clear)
    with open_frames(clip) as before, open_frames(tmp_path / "out.mp4") as after:
        for a, b in zip(before, after, strict=True):
            assert np.abs(a.image.astype(int) - b.image).mean() < 3


def test_a_changed_blend_neither_searches_nor_asks_the_model_again(clip, eyes, kept, tmp_path):
    model = Green()
    run(clip, tmp_path / "a.mp4", kept, eyes, model)
    asked = len(model.batches)
    reporter = CollectingReporter()
    softer = replace(PLAIN, feather=30.0)
    run(clip, tmp_path / "b.mp4", kept, eyes, model, softer, reporter)
    assert len(model.batches) == asked > 0
    assert "find faces" not in [event["name"] for event in reporter.of("stage")]
    other = [Part(BEN, model, model="another")]
    convert(clip, tmp_path / "c.mp4", other, PLAIN, NullReporter(), eyes=eyes, store=kept)
    assert len(model.batches) == 2 * asked


def test_what_comes_from_the_cache_is_what_was_made(clip, eyes, kept, tmp_path):
    first = run(clip, tmp_path / "a.mp4", kept, eyes)
    second = run(clip, tmp_path / "b.mp4", kept, eyes)
    assert packets(first.output) == packets(second.output)


def test_damage_in_the_cache_costs_time_and_nothing_else(clip, eyes, workspace, kept, tmp_path):
    first = run(clip, tmp_path / "a.mp4", kept, eyes)
    for file in workspace.root.joinpath("cache").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-9] + b"nonsense!")
    second = run(clip, tmp_path / "b.mp4", kept, eyes)
    assert packets(first.output) == packets(second.output)


def test_the_cache_is_bounded_and_drops_what_was_not_used_for_longest(workspace, monkeypatch):
    monkeypatch.setenv("SWAPDECK_CACHE_GB", str(2500 / (1 << 30)))
    for number in range(4):
        cache.store(workspace, "chips", f"{number:016x}", bytes(900))
        for key in range(number + 1):
            path = workspace.root / "cache" / "chips" / f"{key:016x}"
            if path.exists():
                os.utime(path, (key, key))
    assert cache.load(workspace, "chips", f"{0:016x}") is None
    assert cache.load(workspace, "chips", f"{3:016x}") == bytes(900)
    assert sum(usage.bytes for usage in cache.usage(workspace)) <= 2500
    monkeypatch.setenv("SWAPDECK_CACHE_GB", "lots")
    with pytest.raises(CommandError, match="number of gigabytes"):
        cache.limit()
    cache.clear(workspace)
    assert all(usage.entries == 0 for usage in cache.usage(workspace))


def test_faces_that_were_extracted_are_not_searched_for_again(clip, eyes, workspace, ada, kept):
    seen = search(clip, eyes, NullReporter())
    digest = digest_of(clip)
    usual = ExtractSettings()
    scan = ScanSettings(Choice(), usual.max_faces, usual.alignment, 0, None, "hog", 0)
    (track,) = seen.tracks
    faces = [
        Face(
            id=0,
            source=digest,
            frame=int(frame),
            time=0.0,
            box=track.box(int(frame)),
            landmarks=points.astype("<f4").tobytes(),
            transform=bytes(48),
            yaw=0,
            pitch=0,
            roll=0,
            sharpness=9,
            confidence=1.0,
            track=0,
            embedding=track.embeddings[0].astype("<f4").tobytes(),
            crop=f"{frame}.png",
            kept=True,
            reason="",
        )
        for frame, points in zip(track.frames, track.landmarks, strict=True)
    ]
    with FaceIndex(ada.index_path) as index:
        index.start(digest, scan.text())
        index.add_frames(digest, faces, 60)
        assert extracted(workspace, digest, None, 0) is None  # not to its end yet
        index.finish(digest)
    reporter = CollectingReporter()
    found = find_faces(clip, PLAIN, reporter, workspace=workspace, store=kept)
    assert found.how == "extraction" and reporter.of("stage") == []
    assert np.array_equal(found.seen.tracks[0].landmarks, track.landmarks)
    assert found.seen.frames == 60
    assert extracted(workspace, digest, Path("another.dat"), 0) is None
    assert extracted(workspace, digest, None, 1) is None
    assert known_faces(clip, PLAIN, workspace, kept) is not None


def test_a_part_has_its_frames_and_its_sound_from_the_beginning(clip, eyes, kept, tmp_path):
    span = parse_range("20..45").frames(frame_times(clip))
    result = run(clip, tmp_path / "out.mp4", kept, eyes, span=span)
    assert result.frames == 25
    with open_frames(clip) as before, open_frames(result.output) as after:
        shown, made = list(before)[20:45], list(after)
    assert [round(f.time * 25) for f in made] == list(range(25))
    for a, b in zip(shown, made, strict=True):
        assert np.abs(a.image[:, 280:].astype(int) - b.image[:, 280:]).mean() < 3
        assert b.image[120, 60 + 2 * a.index, 1] > 180
    ((*ours,), (*all_,)) = audio_packets(result.output)[0], audio_packets(clip)[0]
    digests = [packet.digest for packet in all_]
    begin = digests.index(ours[0].digest)
    assert [p.digest for p in ours] == digests[begin : begin + len(ours)]
    assert abs(float(all_[begin].time - ours[0].time) - 0.8) < 0.001


@pytest.mark.parametrize(
    ("text", "frames"),
    [("10..20", (10, 20)), ("..5", (0, 5)), ("55..", (55, 60)), ("0:01..2s", (25, 50))],
)
def test_a_range_is_in_frames_or_in_times(text, frames):
    times = [n / 25 for n in range(60)]
    found = parse_range(text).frames(times)
    assert (found.start, found.stop) == frames


@pytest.mark.parametrize("text", ["10", "..", "a..b", "20..10", "1:2:3:4..", "70..80"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(CommandError):
        parse_range(text).frames([n / 25 for n in range(60)])


def test_frame_rates_are_exact():
    assert [str(frame_rate(t)) for t in ("25", "23.976", "29.97", "30000/1001", "12.5")] == [
        *("25", "24000/1001", "30000/1001", "30000/1001", "25/2")
    ]
    for wrong in ("fast", "0", "-5", "1/0"):
        with pytest.raises(CommandError, match="frame rate"):
            frame_rate(wrong)


def test_layers_over_the_footage_give_the_converted_frames(clip, eyes, kept, tmp_path):
    whole = tmp_path / "whole"
    pictures = replace(PLAIN, encode=EncodeSettings(codec="png"))
    run(clip, whole, kept, eyes, settings=pictures)
    folder = tmp_path / "layers"
    done = convert_layers(
        clip, folder, [part()], PLAIN, NullReporter(), {"input": "x"}, eyes=eyes, store=kept
    )
    assert done.frames == 60 and (folder / NOTICE).exists()
    said = json.loads((folder / FILE).read_text())
    assert said["must_be_marked"] and len(said["frames"]) == 60
    assert said["frames"][3]["faces"][0]["role"] == "ben"
    with open_frames(clip) as frames:
        for frame in list(frames)[::20]:
            name = f"{frame.index:06d}.png"
            layer = cv2.imread(str(folder / FACES / name), cv2.IMREAD_UNCHANGED).astype(float)
            mask = cv2.imread(str(folder / MASKS / name), cv2.IMREAD_UNCHANGED)
            alpha = layer[..., 3:] / 65535
            assert np.array_equal(layer[..., 3], mask) and 0.02 < alpha.mean() < 0.5
            over = frame.image * (1 - alpha) + layer[..., 2::-1] / 257 * alpha
            made = cv2.imread(str(whole / name), cv2.IMREAD_COLOR_RGB)
            assert np.abs(over - made).max() <= 1
            assert (layer[:, 290:] == 0).all()


def test_layers_that_were_killed_go_on_and_are_the_very_same(
    short_clip, eyes, workspace, kept, elsewhere, shortest_segments, tmp_path
):
    output = tmp_path / "layers"
    killed("layers", 14, workspace, short_clip, output)
    assert not output.exists()
    again = CollectingReporter()
    result = run_layers(short_clip, output, kept, eyes, reporter=again)
    assert result.frames == 20 and result.swapped == 12
    assert done_in(again, "layers") == [*range(12, 21), 20]
    assert [event["name"] for event in again.of("stage")] == ["layers"]
    run_layers(short_clip, tmp_path / "whole", elsewhere, eyes)
    assert files(output) == files(tmp_path / "whole")
    assert len(files(output)) == 2 * 12 + 2
    assert segments_kept(workspace) == []


def test_a_damaged_stretch_of_layers_is_made_again_and_no_other_settings_take_it(
    short_clip, eyes, workspace, kept, elsewhere, shortest_segments, tmp_path
):
    output = tmp_path / "layers"
    with pytest.raises(StopRequested):
        run_layers(short_clip, output, kept, eyes, reporter=stopped_after("layers", 14))
    first, second = segments_kept(workspace)
    other = stopped_after("layers", 1)
    with pytest.raises(StopRequested):
        clear = replace(PLAIN, opacity=0.5)
        run_layers(short_clip, output, kept, eyes, settings=clear, reporter=other)
    assert done_in(other, "layers")[0] == 1
    data = bytearray(second.read_bytes())
    data[len(data) // 2] ^= 1
    second.write_bytes(data)
    again = CollectingReporter()
    run_layers(short_clip, output, kept, eyes, reporter=again)
    assert done_in(again, "layers")[0] == 6
    run_layers(short_clip, tmp_path / "whole", elsewhere, eyes)
    assert files(output) == files(tmp_path / "whole")
    assert not first.exists()


def test_layers_for_which_the_disk_was_too_small_go_on_where_it_was_full(
    short_clip, eyes, workspace, kept, shortest_segments, tmp_path
):
    output = tmp_path / "layers"
    with pytest.raises(SwapdeckError, match=r"layers is not finished: The disk is full.* is kept"):
        run_layers(short_clip, output, Full(workspace, room=1), eyes)
    assert not output.exists()
    again = stopped_after("layers", 7)
    with pytest.raises(StopRequested):
        run_layers(short_clip, output, kept, eyes, reporter=again)
    assert done_in(again, "layers")[0] == 6


def test_layers_never_replace_what_is_not_layers(clip, eyes, tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(CommandError, match=r"thesis\.txt"):
        convert_layers(clip, folder, [part()], PLAIN, NullReporter(), {}, eyes=eyes)


def test_everything_found_beforehand_is_taken_as_it_is(clip, eyes, tmp_path):
    found = Found(search(clip, eyes, NullReporter()), "search", "")
    reporter = CollectingReporter()
    convert(clip, tmp_path / "o.mp4", [part()], PLAIN, reporter, found=found)
    assert [event["name"] for event in reporter.of("stage")] == ["swap"]


class Full(WorkspaceCache):
    """A cache on a disk that has room for so many segments, and nothing else."""

    def __init__(self, workspace, room=0):
        super().__init__(workspace)
        self.begins = [f"-{number * segments_module.LENGTH:08x}" for number in range(room)]

    def store(self, kind, key, arrays):
        if kind != "segments" or not key.endswith(("-id", *self.begins)):
            raise SwapdeckError("The disk is full.")
        super().store(kind, key, arrays)


def test_a_full_disk_is_said_with_the_name_of_the_result(clip, eyes, workspace, kept, tmp_path):
    with pytest.raises(SwapdeckError, match=r"out\.mp4 is not finished: The disk is full"):
        run(clip, tmp_path / "out.mp4", Full(workspace), eyes)
    assert not (tmp_path / "out.mp4").exists()
    assert run(clip, tmp_path / "out.mp4", kept, eyes).frames == 60


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.conversion import segments
from engine.conversion.cache import WorkspaceCache
from engine.conversion.search import Eyes
from projects.workspace import open_workspace
from tests.engine.conversion.conftest import DiscEmbedder, DiscFinder
from tests.engine.conversion.test_resume import run, run_layers, stopped_after

what, frames, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
root, clip, output = map(Path, sys.argv[4:])
segments.LENGTH = length
reporter = stopped_after(what, frames)
asked = reporter.stop
reporter.stop = lambda: asked() and os.kill(os.getpid(), signal.SIGKILL)
store = WorkspaceCache(open_workspace(root))
work = run_layers if what == "layers" else run
work(clip, output, store, Eyes(DiscFinder, DiscEmbedder), reporter=reporter)
"""


def killed(stage, frames, workspace, clip, output):
    """Do the work in a process that is killed once a stage has done so many frames."""
    words = [stage, frames, segments_module.LENGTH, workspace.root, clip, output]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, words)],
        cwd=Path(__file__).resolve().parents[3],
        check=False,
    )
    assert died.returncode == -signal.SIGKILL


def test_a_kill_without_warning_costs_one_segment_at_most(
    clip, eyes, workspace, kept, elsewhere, short_segments, tmp_path
):
    output = tmp_path / "out.mp4"
    killed("swap", 45, workspace, clip, output)
    assert not output.exists()
    again = CollectingReporter()
    run(clip, output, kept, eyes, reporter=again)
    assert again.of("progress")[0]["done"] == 32
    assert "find faces" not in [event["name"] for event in again.of("stage")]
    whole = run(clip, tmp_path / "whole.mp4", elsewhere, eyes)
    assert packets(output) == packets(whole.output)

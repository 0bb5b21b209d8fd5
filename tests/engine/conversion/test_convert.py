"""A conversion changes the target person's face and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.conversion.convert import NoTargetError, convert, located_parts
from engine.conversion.parts import Part
from engine.conversion.search import search
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import swap_face, swapped_frames
from engine.media import EncodeSettings, compare_sound, open_frames
from engine.reporting import CollectingReporter, NullReporter
from projects.errors import CommandError, StopRequested

ELSEWHERE = "elsewhere"
PLAIN = ConvertSettings(colour="none", encode=EncodeSettings(crf=4, preset="ultrafast"))


def walk(name, frames, x=100.0, y=120.0, step=2.0):
    return [[(name, x + step * i, y)] for i in range(frames)]


def located_in(source, role, eyes):
    """Where somebody is in a clip."""
    return located_parts(search(source, eyes, NullReporter()), [Part(role, None)], PLAIN)


def images_of(path):
    with open_frames(path) as frames:
        return [frame.image for frame in frames]


def is_green(image, x, y):
    red, green, blue = image[round(y), round(x)].astype(int)
    return green > red + 60 and green > blue + 60


def test_a_model_that_changes_nothing_gives_the_same_video(
    discs, eyes, ben_as_target, unchanged, tmp_path
):
    source = discs(walk("ben", 40))
    reporter = CollectingReporter()
    result = convert(
        source, tmp_path / "out.mp4", [Part(ben_as_target, unchanged)], PLAIN, reporter, eyes=eyes
    )
    assert (result.frames, result.swapped, result.left_alone) == (40, 40, 0)
    sound = compare_sound(source, result.output)
    assert (sound.identical, sound.drift_ms) == (True, 0)
    for before, after in zip(images_of(source), images_of(result.output), strict=True):
        assert np.abs(before.astype(float) - after).mean() < 1.5
    stages = [event["name"] for event in reporter.of("stage")]
    assert stages == ["find faces", "swap"]
    assert reporter.of("progress")[-1]["done"] == 40


def test_the_face_follows_the_person_and_the_rest_keeps_its_bits(discs, eyes, ben_as_target, green):
    source = discs(walk("ben", 30))
    located = located_in(source, ben_as_target, eyes)
    with open_frames(source) as frames:
        swapped = [
            frame.image
            for frame in swapped_frames(frames, located.faces, [Part(ben_as_target, green)], PLAIN)
        ]
    for index, (before, after) in enumerate(zip(images_of(source), swapped, strict=True)):
        assert is_green(after, 100 + 2 * index, 120)
        changed = np.argwhere((before != after).any(-1))
        x = 100 + 2 * index
        assert np.abs(changed - (120, x)).max() <= 60
        assert (before[:, : x - 60] == after[:, : x - 60]).all()


def test_strangers_are_left_alone(discs, eyes, ben_as_target, green, tmp_path):
    frames = [[("ben", 80 + i, 120), ("stranger", 230, 110)] for i in range(20)]
    result = convert(
        discs(frames),
        tmp_path / "out.mp4",
        [Part(ben_as_target, green)],
        PLAIN,
        NullReporter(),
        eyes=eyes,
    )
    assert (result.swapped, result.left_alone) == (20, 20)
    for index, image in enumerate(images_of(result.output)):
        assert is_green(image, 80 + index, 120)
        assert not is_green(image, 230, 110)


def test_a_stranger_in_the_same_place_after_a_cut_is_left_alone(
    discs, eyes, ben_as_target, green, tmp_path
):
    there = [[disc, (ELSEWHERE, 0, 0)] for [disc] in walk("stranger", 15, step=0)]
    frames = walk("ben", 15, step=0) + there
    result = convert(
        discs(frames),
        tmp_path / "out.mp4",
        [Part(ben_as_target, green)],
        PLAIN,
        NullReporter(),
        eyes=eyes,
    )
    assert (result.swapped, result.left_alone) == (15, 15)
    green_frames = [is_green(image, 100, 120) for image in images_of(result.output)]
    assert green_frames == [True] * 15 + [False] * 15


def test_a_short_gap_is_filled_and_a_long_absence_is_not(discs, eyes, ben_as_target):
    frames = walk("ben", 60)
    for lost in (*range(20, 25), *range(35, 50)):
        frames[lost] = []
    located = located_in(discs(frames), ben_as_target, eyes)
    assert located.frames == 60
    assert set(located.faces) == set(range(35)) | set(range(50, 60))
    assert [i for i, (face,) in located.faces.items() if face.filled] == list(range(20, 25))
    centre = located.faces[22][0].landmarks.mean(0)
    expected = located.faces[19][0].landmarks.mean(0) + np.array([6, 0])
    assert np.abs(centre - expected).max() < 1


def test_frames_without_a_face_come_out_unchanged(discs, eyes, ben_as_target, green):
    source = discs([*walk("ben", 5), *([[]] * 10)])
    located = located_in(source, ben_as_target, eyes)
    with open_frames(source) as frames:
        swapped = [
            frame.image
            for frame in swapped_frames(frames, located.faces, [Part(ben_as_target, green)], PLAIN)
        ]
    for before, after in list(zip(images_of(source), swapped, strict=True))[5:]:
        assert np.array_equal(before, after)


def test_the_model_always_gets_whole_batches(discs, eyes, ben_as_target, unchanged, tmp_path):
    settings = ConvertSettings(batch=8, occlusion=False, colour="none", encode=PLAIN.encode)
    source, parts = discs(walk("ben", 19)), [Part(ben_as_target, unchanged, who="target")]
    convert(source, tmp_path / "out.mp4", parts, settings, NullReporter(), eyes=eyes)
    assert unchanged.batches == [(8, "target")] * 3
    unchanged.batches.clear()
    light = replace(settings, colour="light")
    convert(source, tmp_path / "b.mp4", parts, light, NullReporter(), eyes=eyes)
    assert unchanged.batches == [(8, "target"), (8, "source")] * 3


def test_nobody_in_the_footage_is_an_error_and_writes_nothing(
    discs, eyes, ben_as_target, unchanged, tmp_path
):
    output = tmp_path / "out.mp4"
    empty, other = discs([[]] * 5, "empty.mp4"), discs(walk("stranger", 5), "other.mp4")
    with pytest.raises(NoTargetError, match="No face was found in any of the 5 frames"):
        convert(empty, output, [Part(ben_as_target, unchanged)], PLAIN, NullReporter(), eyes=eyes)
    with pytest.raises(NoTargetError, match=r"Ben was not found.*1\.41 away"):
        convert(other, output, [Part(ben_as_target, unchanged)], PLAIN, NullReporter(), eyes=eyes)
    assert not output.exists()


def test_results_are_replaced_only_when_asked(discs, eyes, ben_as_target, unchanged, tmp_path):
    source, output = discs(walk("ben", 4)), tmp_path / "out.mp4"
    output.write_bytes(b"older")
    arguments = (source, output, [Part(ben_as_target, unchanged)])
    with pytest.raises(CommandError, match="is there already"):
        convert(*arguments, PLAIN, NullReporter(), eyes=eyes)
    assert output.read_bytes() == b"older"
    again = ConvertSettings(overwrite=True, encode=PLAIN.encode)
    assert convert(*arguments, again, NullReporter(), eyes=eyes).frames == 4
    with pytest.raises(CommandError, match="is the footage itself"):
        convert(source, source, [Part(ben_as_target, unchanged)], again, NullReporter(), eyes=eyes)
    with pytest.raises(CommandError, match="no folder"):
        convert(
            source,
            tmp_path / "no" / "out.mp4",
            [Part(ben_as_target, unchanged)],
            again,
            NullReporter(),
        )


@pytest.mark.parametrize("checks", [0, 9])
def test_a_stop_in_either_pass_leaves_nothing_behind(
    discs, eyes, ben_as_target, unchanged, tmp_path, checks
):
    folder = tmp_path / "results"
    folder.mkdir()
    source = discs(walk("ben", 24))
    reporter = CollectingReporter(stop=lambda: reporter.checks > checks)
    with pytest.raises(StopRequested):
        convert(
            source, folder / "out.mp4", [Part(ben_as_target, unchanged)], PLAIN, reporter, eyes=eyes
        )
    assert list(folder.iterdir()) == []


def test_a_picture_becomes_a_picture(eyes, ben_as_target, green, picture, tmp_path):
    image = picture([("ben", 150, 100)])
    Image.fromarray(image).save(tmp_path / "a.png")
    result = convert(
        tmp_path / "a.png",
        tmp_path / "b.png",
        [Part(ben_as_target, green)],
        PLAIN,
        NullReporter(),
        eyes=eyes,
    )
    (after,) = images_of(result.output)
    assert is_green(after, 150, 100)
    assert np.array_equal(after[:, :80], image[:, :80])


def test_a_folder_becomes_a_folder_with_every_picture(
    eyes, ben_as_target, green, picture, tmp_path
):
    folder = tmp_path / "in"
    folder.mkdir()
    images = [picture([("ben", 100 + 3 * i, 120)] if i != 2 else []) for i in range(5)]
    images.append(picture([("stranger", 200, 120), (ELSEWHERE, 0, 0)]))
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    result = convert(
        folder, tmp_path / "out", [Part(ben_as_target, green)], PLAIN, NullReporter(), eyes=eyes
    )
    assert result.frames == 6
    written = images_of(tmp_path / "out")
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [f"{i}.png" for i in range(6)]
    assert np.array_equal(written[5], images[5])
    assert all(is_green(written[i], 100 + 3 * i, 120) for i in (0, 1, 3, 4))


def test_a_folder_with_anything_else_in_it_is_never_replaced(
    eyes, ben_as_target, unchanged, picture, tmp_path
):
    source, output = tmp_path / "in", tmp_path / "out"
    for folder in (source, output):
        folder.mkdir()
    Image.fromarray(picture([("ben", 100, 120)])).save(source / "0.png")
    again = ConvertSettings(overwrite=True)
    arguments = (source, output, [Part(ben_as_target, unchanged)], again, NullReporter())
    (output / "thesis.txt").write_text("years of work")
    with pytest.raises(CommandError, match=r"thesis\.txt"):
        convert(*arguments, eyes=eyes)
    assert (output / "thesis.txt").read_text() == "years of work"
    (output / "thesis.txt").unlink()
    for _ in range(2):
        assert convert(*arguments, eyes=eyes).frames == 1
    assert [path.name for path in output.iterdir()] == ["0.png"]


def test_one_picture_can_be_swapped_by_itself(discs, eyes, ben_as_target, green):
    source = discs(walk("ben", 3))
    located = located_in(source, ben_as_target, eyes)
    image = images_of(source)[1]
    kept = image.copy()
    assert is_green(swap_face(image, located.faces[1][0], green, PLAIN), 102, 120)
    assert np.array_equal(image, kept)


def test_a_video_cut_short_is_converted_with_a_warning(
    discs, eyes, ben_as_target, unchanged, tmp_path
):
    source = discs(walk("ben", 40, step=1), "a.mkv", sound=False)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 2 // 3])
    reporter = CollectingReporter()
    result = convert(
        source, tmp_path / "out.mkv", [Part(ben_as_target, unchanged)], PLAIN, reporter, eyes=eyes
    )
    assert 0 < result.frames < 40
    assert "cut short" in result.warnings[0]
    assert reporter.of("warning")[0]["text"] == result.warnings[0]


def test_settings_that_make_no_sense_are_refused():
    for wrong in (
        {"mask": "round"},
        {"colour": "sepia"},
        {"feather": -1},
        {"smooth": 4},
        {"opacity": 2},
        {"batch": 0},
        {"erode": float("nan")},
    ):
        with pytest.raises(CommandError):
            ConvertSettings(**wrong)


def test_a_face_that_leaves_the_frame_and_comes_back_is_followed_as_far_as_it_is_seen(
    discs, eyes, ben_as_target, green, tmp_path
):
    out = [[("ben", 280 + 4 * i, 120)] for i in range(30)]
    clip = discs([*walk("ben", 10, step=0), *out, *out[::-1]])
    result = convert(
        clip,
        tmp_path / "out.mp4",
        [Part(ben_as_target, green)],
        PLAIN,
        NullReporter(),
        eyes=eyes,
    )
    assert result.frames == 70
    replaced = set(result.located.faces)
    assert set(range(12)) <= replaced and not replaced & set(range(36, 44)) and 69 in replaced
    images = list(images_of(result.output))
    assert is_green(images[11], 284, 120) and is_green(images[69], 280, 120)

"""From sources to a dataset: found, judged, resumed, and said when it cannot be."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces.align import CROP_MARGIN, CROP_SIZE, apply, chip_matrix
from engine.faces.dataset import (
    embedding_of,
    landmarks_of,
    load_crop,
    person_identity,
    transform_of,
)
from engine.faces.extract import ExtractSettings, NoFacesError, extract_person
from engine.reporting import CollectingReporter, NullReporter
from projects.consent import Consent
from projects.errors import CommandError, DamagedError, StopRequested, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.people import Person, add_person
from projects.sources import add_source
from projects.workspace import open_workspace

Frames = dict[str, list[NDArray[np.uint8]]]
Clip = Callable[..., Path]
Write = Callable[[Path, list[NDArray[np.uint8]]], Path]
SETTINGS = ExtractSettings(workers=2)


def stored(person: Person) -> list[Face]:
    with FaceIndex(person.index_path) as index:
        return index.faces()


def content(person: Person) -> list[tuple[Any, ...]]:
    """What is known of each face, apart from its number and what is measured over all of them."""
    return [
        (f.source, f.frame, f.box, f.landmarks, f.track, f.confidence, f.embedding, f.crop)
        for f in stored(person)
    ]


def crops(person: Person) -> list[str]:
    return sorted(path.name for path in person.faces_dir.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extract")


@pytest.fixture(scope="module")
def head(write_clip: Write, folder: Path, frames: Frames) -> Path:
    return write_clip(folder / "head.mp4", frames["source"])


@pytest.fixture(scope="module")
def walk(write_clip: Write, folder: Path, long_frames: list[NDArray[np.uint8]]) -> Path:
    return write_clip(folder / "walk.mp4", long_frames)


@pytest.fixture(scope="module")
def at_once(walk: Path, folder: Path, consent: Consent) -> Person:
    """Somebody whose walk was searched without a break."""
    eve = add_person(open_workspace(folder / "workspace", create=True), "Eve", consent)
    add_source(eve, walk, "video", str(walk))
    extract_person(eve, SETTINGS, NullReporter())
    return eve


@pytest.fixture
def ada_with_clip(ada: Person, head: Path) -> Person:
    add_source(ada, head, "video", str(head))
    return ada


def test_every_frame_gives_an_upright_face_with_everything_known(ada_with_clip: Person) -> None:
    reporter = CollectingReporter()
    result = extract_person(ada_with_clip, SETTINGS, reporter)
    assert (result.frames, result.faces, result.kept, result.reasons) == (40, 40, 40, {})
    faces = stored(ada_with_clip)
    assert [face.frame for face in faces] == list(range(40))
    assert crops(ada_with_clip) == sorted(face.crop for face in faces)
    for face in faces[::13]:
        matrix = chip_matrix(transform_of(face), CROP_SIZE, CROP_MARGIN)
        eyes = apply(matrix, landmarks_of(face)[36:48])
        assert abs(eyes[:6, 1].mean() - eyes[6:, 1].mean()) < 4, "the eyes are level"
        picture = load_crop(ada_with_clip, face)
        assert picture.shape == (CROP_SIZE, CROP_SIZE, 3)
        assert abs(face.yaw) < 40
        assert face.sharpness > 0.5
    with FaceIndex(ada_with_clip.index_path) as index:
        mean = person_identity(index)
    assert np.linalg.norm(embedding_of(faces[0]) - mean) < 0.4
    last = reporter.of("progress")[-1]
    assert (last["done"], last["total"]) == (40, 40)


def test_a_crop_is_the_frame_seen_through_the_transform(
    ada_with_clip: Person, frames: Frames
) -> None:
    extract_person(ada_with_clip, SETTINGS, NullReporter())
    face = stored(ada_with_clip)[7]
    matrix = chip_matrix(transform_of(face), CROP_SIZE, CROP_MARGIN)
    seen = cv2.warpAffine(frames["source"][7], matrix, (CROP_SIZE, CROP_SIZE))
    middle = np.s_[64:192, 64:192]
    difference = load_crop(ada_with_clip, face)[middle].astype(float) - seen[middle]
    assert np.abs(difference).mean() < 5


def test_a_second_run_has_nothing_to_do(ada_with_clip: Person) -> None:
    extract_person(ada_with_clip, SETTINGS, NullReporter())
    before = stored(ada_with_clip)
    result = extract_person(ada_with_clip, SETTINGS, NullReporter())
    assert (result.frames, result.kept) == (0, 40)
    assert stored(ada_with_clip) == before


def test_a_stopped_run_keeps_what_it_has_and_goes_on_from_there(
    ada: Person, at_once: Person, walk: Path
) -> None:
    add_source(ada, walk, "video", str(walk))
    reporter = CollectingReporter()
    reporter.stop = lambda: bool(reporter.of("progress"))
    with pytest.raises(StopRequested):
        extract_person(ada, SETTINGS, reporter)
    so_far = stored(ada)
    assert 0 < len(so_far) < 110
    result = extract_person(ada, SETTINGS, NullReporter())
    assert result.frames == 110 - len(so_far)
    assert content(ada) == content(at_once)
    assert crops(ada) == crops(at_once)


def test_a_killed_run_loses_no_stored_batch_and_finds_nothing_twice(
    ada: Person, at_once: Person, walk: Path
) -> None:
    add_source(ada, walk, "video", str(walk))
    code = f"""
import os, signal
from pathlib import Path
from engine.faces.extract import ExtractSettings, extract_person
from engine.reporting import CollectingReporter
from projects.people import load_person

def show(event):
    if event["kind"] == "progress":
        os.kill(os.getpid(), signal.SIGKILL)

extract_person(
    load_person(Path({str(ada.root)!r})), ExtractSettings(), CollectingReporter(show)
)
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=Path.cwd())
    assert killed.returncode == -signal.SIGKILL
    so_far = stored(ada)
    assert 0 < len(so_far) < 110
    assert set(crops(ada)) >= {face.crop for face in so_far}

    extract_person(ada, SETTINGS, NullReporter())
    assert content(ada) == content(at_once)
    assert [name for name in crops(ada) if not name.startswith(".")] == crops(at_once)


def test_a_stranger_in_the_shot_is_rejected(ada: Person, clip: Clip, frames: Frames) -> None:
    both = [
        np.concatenate([own, other], axis=1)
        for own, other in zip(frames["source"][:8], frames["target"][:8], strict=True)
    ]
    for name, images in (("both.mp4", both), ("own.mp4", frames["source"][8:16])):
        add_source(ada, clip(name, images), "video", name)
    result = extract_person(ada, SETTINGS, NullReporter())
    assert (result.faces, result.kept, result.reasons) == (24, 16, {"stranger": 8})
    middle = frames["source"][0].shape[1]
    strangers = [face for face in stored(ada) if not face.kept]
    assert all(face.box[0] >= middle for face in strangers)


def test_one_face_in_one_picture_is_a_dataset(ada: Person, tmp_path: Path, frames: Frames) -> None:
    path = tmp_path / "one.png"
    cv2.imwrite(str(path), frames["source"][0][..., ::-1])
    add_source(ada, path, "image", str(path))
    result = extract_person(ada, SETTINGS, NullReporter())
    assert (result.frames, result.faces, result.kept) == (1, 1, 1)


def test_every_third_frame(ada_with_clip: Person) -> None:
    result = extract_person(ada_with_clip, ExtractSettings(every=3), NullReporter())
    assert result.frames == 14
    assert [face.frame for face in stored(ada_with_clip)] == list(range(0, 40, 3))


def test_only_a_part_of_the_footage(ada_with_clip: Person) -> None:
    result = extract_person(ada_with_clip, ExtractSettings(begin=0.4, end=0.8), NullReporter())
    assert [face.frame for face in stored(ada_with_clip)] == list(range(10, 21))
    assert result.frames == 11


def test_of_many_faces_the_largest(ada: Person, clip: Clip, frames: Frames) -> None:
    small = [cv2.resize(image, (320, 240)) for image in frames["target"][:3]]
    both = [
        np.concatenate([own, np.pad(other, ((0, 120), (0, 0), (0, 0)))], axis=1)
        for own, other in zip(frames["source"][:3], small, strict=True)
    ]
    add_source(ada, clip("both.mp4", both), "video", "both")
    extract_person(ada, ExtractSettings(max_faces=1), NullReporter())
    assert [face.box[0] < 480 for face in stored(ada)] == [True] * 3


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_sideways_footage_is_turned_and_places_are_those_of_the_footage(
    ada: Person, ben: Person, clip: Clip, frames: Frames, degrees: int
) -> None:
    images = frames["source"][:6]
    lying = [np.ascontiguousarray(np.rot90(image, degrees // 90)) for image in images]
    add_source(ada, clip("lying.mp4", lying), "video", "lying")
    extract_person(ada, ExtractSettings(rotate=degrees), NullReporter())
    add_source(ben, clip("upright.mp4", images), "video", "upright")
    extract_person(ben, SETTINGS, NullReporter())
    for turned, upright in zip(stored(ada), stored(ben), strict=True):
        points = landmarks_of(upright)
        height, width = images[0].shape[:2]
        expected = {
            90: np.stack([points[:, 1], width - 1 - points[:, 0]], -1),
            180: [width - 1, height - 1] - points,
            270: np.stack([height - 1 - points[:, 1], points[:, 0]], -1),
        }[degrees]
        assert np.abs(landmarks_of(turned) - expected).mean() < 1.5
        crops_differ = load_crop(ada, turned).astype(float) - load_crop(ben, upright)
        assert np.abs(crops_differ).mean() < 6, "crops are upright"
        assert abs(turned.yaw - upright.yaw) < 4


def test_decisions_by_hand_outlive_a_search_from_the_first_frame(ada_with_clip: Person) -> None:
    extract_person(ada_with_clip, SETTINGS, NullReporter())
    with FaceIndex(ada_with_clip.index_path) as index:
        first, second, *_ = index.faces()
        index.judge({first.id: (False, "by hand"), second.id: (False, "by hand: blinks")})
    extract_person(ada_with_clip, ExtractSettings(again=True), NullReporter())
    reasons = {face.frame: face.reason for face in stored(ada_with_clip) if not face.kept}
    assert reasons == {first.frame: "by hand", second.frame: "by hand: blinks"}


def test_decisions_wait_while_their_frames_are_left_out(ada_with_clip: Person) -> None:
    extract_person(ada_with_clip, SETTINGS, NullReporter())
    with FaceIndex(ada_with_clip.index_path) as index:
        seventh = next(face for face in index.faces() if face.frame == 7)
        index.judge({seventh.id: (False, "by hand")})
    for every in (5, 1):
        extract_person(ada_with_clip, ExtractSettings(every=every), NullReporter())
    assert {f.frame: f.reason for f in stored(ada_with_clip) if not f.kept} == {7: "by hand"}


def test_a_range_counts_from_the_first_frame(ada: Person, head: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.ts"  # a broadcast's clock says an hour where it begins
    with av.open(str(head)) as given, av.open(str(late), "w", format="mpegts") as out:
        taken = given.streams.video[0]
        copy = out.add_stream_from_template(taken)
        hour = round(3600 / float(taken.time_base or 1))
        for packet in given.demux(taken):
            if packet.dts is not None:
                packet.pts, packet.dts = (packet.pts or 0) + hour, packet.dts + hour
                packet.stream = copy
                out.mux(packet)
    add_source(ada, late, "video", str(late))
    extract_person(ada, ExtractSettings(begin=0.4, end=0.8), NullReporter())
    faces = stored(ada)
    assert [face.frame for face in faces] == list(range(10, 21))
    assert faces[0].time == pytest.approx(0.4)


def test_a_reference_picture_needs_a_face(ada_with_clip: Person, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.zeros((90, 120, 3), np.uint8))
    for settings in (ExtractSettings(like=(empty,)), ExtractSettings(not_like=(empty,))):
        with pytest.raises(CommandError, match=r"No face is found in .*empty\.png"):
            extract_person(ada_with_clip, settings, NullReporter())
    assert stored(ada_with_clip) == []


def test_an_unknown_detector_costs_nothing(ada_with_clip: Person) -> None:
    extract_person(ada_with_clip, ExtractSettings(every=20), NullReporter())
    before = stored(ada_with_clip)
    with pytest.raises(CommandError, match="no detector 'haar'"):
        extract_person(ada_with_clip, ExtractSettings(detector="haar", again=True), NullReporter())
    assert stored(ada_with_clip) == before


def test_other_settings_search_anew_and_other_bounds_only_judge_anew(
    ada_with_clip: Person,
) -> None:
    extract_person(ada_with_clip, ExtractSettings(every=10), NullReporter())
    searched = extract_person(ada_with_clip, ExtractSettings(every=20), NullReporter())
    assert (searched.frames, searched.faces) == (2, 2)
    assert len(crops(ada_with_clip)) == 2
    widths = [face.box[2] - face.box[0] for face in stored(ada_with_clip)]
    with pytest.raises(NoFacesError, match="none was kept: 2 too small"):
        extract_person(
            ada_with_clip, ExtractSettings(every=20, min_size=max(widths) + 1), NullReporter()
        )
    again = extract_person(ada_with_clip, ExtractSettings(every=20, again=True), NullReporter())
    assert (again.frames, again.kept) == (2, 2)


def test_no_face_in_any_frame_is_an_error_that_names_the_footage(ada: Person, clip: Clip) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (90, 120, 3), np.uint8) for _ in range(4)]
    add_source(ada, clip("fog.mp4", images), "video", "fog.mp4")
    for _ in range(2):
        with pytest.raises(NoFacesError, match=r"No face was found.*fog\.mp4.*gather ada") as error:
            extract_person(ada, SETTINGS, NullReporter())
        assert error.value.exit_code == 1
    assert crops(ada) == []


def test_a_person_without_sources_is_told_how_to_bring_them_in(ada: Person) -> None:
    with pytest.raises(CommandError, match="swapdeck gather ada"):
        extract_person(ada, SETTINGS, NullReporter())


def test_a_truncated_video_is_used_as_far_as_it_goes_and_never_silently(
    ada: Person, clip: Clip, frames: Frames
) -> None:
    path = clip("half.mp4", frames["source"], cut=0.6)
    add_source(ada, path, "video", str(path))
    for _ in range(2):
        reporter = CollectingReporter()
        result = extract_person(ada, SETTINGS, reporter)
        assert 0 < result.faces < 40
        (warning,) = reporter.of("warning")
        assert "declares 40 frames" in warning["text"]


def test_a_source_that_cannot_be_read_leaves_the_others(
    ada_with_clip: Person, clip: Clip, frames: Frames
) -> None:
    path = clip("other.mp4", frames["source"][:5])
    source, _ = add_source(ada_with_clip, path, "video", str(path))
    source.path.write_bytes(b"not a video any more")
    reporter = CollectingReporter()
    result = extract_person(ada_with_clip, SETTINGS, reporter)
    assert result.kept == 40
    (warning,) = reporter.of("warning")
    assert "other.mp4 was left out" in warning["text"]


def test_a_damaged_crop_is_an_error_that_says_how_to_mend_it(ada_with_clip: Person) -> None:
    extract_person(ada_with_clip, ExtractSettings(every=20), NullReporter())
    face = stored(ada_with_clip)[0]
    (ada_with_clip.faces_dir / face.crop).write_bytes(b"not a picture")
    with pytest.raises(DamagedError, match="extract ada --again"):
        load_crop(ada_with_clip, face)
    (ada_with_clip.faces_dir / face.crop).unlink()
    with pytest.raises(DamagedError, match="is missing"):
        load_crop(ada_with_clip, face)


def test_nobody_has_an_identity_before_there_are_faces(ada: Person) -> None:
    with FaceIndex(ada.index_path) as index, pytest.raises(SwapdeckError, match="swapdeck extract"):
        person_identity(index)

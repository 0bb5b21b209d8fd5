"""Faces that people correct by hand: places, boxes, and masks."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.datasets.corrections import to_crop
from engine.datasets.describe import described
from engine.datasets.masks import (
    folder_masks,
    painted_mask,
    polygon_masks,
    remove_masks,
    save_masks,
)
from engine.datasets.mend import Mend, boxed, mend, moved_points, read_mends
from engine.faces.align import CROP_SIZE, apply, fit_transform
from engine.faces.dataset import landmarks_of, load_crop, load_mask, mask_path, transform_of
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.faces.turning import turned, turned_back
from engine.media import open_frames
from engine.media.pictures import save_png
from engine.training.dataset import crops, find_dataset
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.face_query import of_ids
from projects.faces import FaceIndex
from projects.sources import add_source


@pytest.fixture
def index(ada, filmed):
    with FaceIndex(ada.index_path) as index:
        yield index


def snapshot(person) -> dict[str, bytes]:
    files = [*person.faces_dir.iterdir(), *person.root.glob("masks/*")]
    return {str(path.relative_to(person.root)): path.read_bytes() for path in files}


def test_moved_landmarks_make_everything_else_anew(ada, filmed, index) -> None:
    old = filmed[2]
    (new,) = mend(ada, index, [moved_points(old, ["30=200.5,150"], (8.0, -4.0), "frame")])
    moved = landmarks_of(old) + np.float32([8, -4])
    moved[30] = (200.5, 150)
    np.testing.assert_allclose(landmarks_of(new), moved, atol=1e-3)
    assert index.face(old.id) == replace(new, id=old.id)
    assert new.crop == old.crop.replace(".png", "-m1.png")
    assert not (ada.faces_dir / old.crop).exists()
    assert (new.embedding, new.hash) != (old.embedding, old.hash)
    assert (new.kept, new.reason, new.frame, new.track) == (True, "", 2, old.track)
    others = [face for face in index.faces() if face.id != old.id]
    assert others == [face for face in filmed if face.id != old.id]


def test_from_a_box_landmarks_are_found_anew(ada, filmed, index) -> None:
    right = filmed[1]
    wrong = mend(ada, index, [moved_points(right, [], (60.0, 40.0), "frame")])[0]
    assert np.abs(landmarks_of(wrong) - landmarks_of(right)).mean() > 40
    (again,) = mend(ada, index, [boxed(wrong, right.box, "frame", "")])
    np.testing.assert_allclose(landmarks_of(again), landmarks_of(right), atol=0.01)
    assert again.box == right.box and again.crop.endswith("-m2.png")
    assert again.yaw == pytest.approx(right.yaw, abs=0.01)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_on_footage_that_lies_on_its_side_a_face_is_mended_upright(
    ada, short_clips, made_face, tmp_path, degrees: int
) -> None:
    with open_frames(short_clips["anna"]) as reader:
        upright = next(iter(reader)).image
    lying = turned(upright, 360 - degrees)
    save_png(tmp_path / "sideways.png", lying)
    source = add_source(ada, tmp_path / "sideways.png", "image", "rendered")[0].digest
    points = FaceFinder().find(upright)[0].landmarks
    sideways = turned_back(points, degrees, lying.shape[1], lying.shape[0])
    face, picture = described(made_face(0, source=source), upright, points, Embedder())
    box = (*sideways.min(0).astype(int).tolist(), *sideways.max(0).astype(int).tolist())
    landmarks = sideways.astype("<f4")
    face = replace(
        face,
        box=box,
        landmarks=landmarks.tobytes(),
        transform=fit_transform(landmarks).astype("<f8").tobytes(),
    )
    with FaceIndex(ada.index_path) as index:
        index.start(source, json.dumps({"rotate": degrees}))
        (number,) = index.add_frames(source, [face], 1)
        save_png(ada.faces_dir / face.crop, np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8))
        face = replace(face, id=number)
        (still,) = mend(ada, index, [moved_points(face, [], (0.0, 0.0), "frame")])
        pose = [still.yaw, still.pitch, still.roll]
        assert pose == pytest.approx([face.yaw, face.pitch, face.roll], abs=0.1)
        np.testing.assert_allclose(landmarks_of(still), sideways, atol=0.01)
        np.testing.assert_allclose(transform_of(still), transform_of(face), atol=1e-4)
        (boxed_,) = mend(ada, index, [boxed(still, box, "frame", "")])
    assert np.abs(landmarks_of(boxed_) - sideways).mean() < 3
    assert [boxed_.yaw, boxed_.roll] == pytest.approx([face.yaw, face.roll], abs=4)
    assert np.abs(load_crop(ada, boxed_).astype(float) - picture).mean() < 8


def test_restoring_brings_back_what_only_the_search_knew_and_leaves_the_verdict(
    ada, index, made_face, store
) -> None:
    # The footage is not here, and the embedding and the crop are of no single frame.
    (found,) = store(ada, [made_face(0, source="a" * 64, confidence=0.4, covered=float("nan"))])
    crop = (ada.faces_dir / found.crop).read_bytes()
    (new,) = mend(ada, index, [moved_points(found, [], (6.0, 0.0), "frame")])
    index.judge({new.id: (False, "by hand")})
    (back,) = mend(ada, index, [Mend(index.face(new.id), restore=True)])
    assert repr(replace(back, kept=True, reason="")) == repr(found)
    assert (back.kept, back.reason) == (False, "by hand")
    assert (ada.faces_dir / found.crop).read_bytes() == crop


def test_what_was_found_can_be_restored(ada, filmed, index) -> None:
    before = snapshot(ada)
    for shift in (5.0, -9.0):
        mend(ada, index, [moved_points(index.face(filmed[0].id), [], (shift, 0.0), "frame")])
    (back,) = mend(ada, index, [Mend(index.face(filmed[0].id), restore=True)])
    assert back == index.face(filmed[0].id) == filmed[0]
    assert snapshot(ada) == before
    with pytest.raises(CommandError, match="was not mended"):
        mend(ada, index, [Mend(back, restore=True)])


def test_many_faces_are_corrected_from_a_file(ada, filmed, index, tmp_path) -> None:
    path = tmp_path / "mends.json"
    inside, shift = apply(to_crop(filmed[4]), landmarks_of(filmed[4])), np.array([12.0, 0.0])
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "faces": [
                    {"face": filmed[3].id, "box": list(filmed[3].box)},
                    {
                        "face": filmed[4].crop,
                        "space": "crop",
                        "landmarks": (inside + shift).tolist(),
                    },
                    {"face": filmed[5].id, "points": {"0": [1.0, 2.0], "67": [3.5, 4]}},
                ],
            }
        )
    )
    mend(ada, index, read_mends(path, index))
    faces = {face.frame: face for face in index.faces()}
    moved = apply(to_crop(filmed[4]), landmarks_of(faces[4]))
    np.testing.assert_allclose(moved, inside + shift, atol=0.01)
    assert landmarks_of(faces[5])[[0, 67]].tolist() == [[1.0, 2.0], [3.5, 4.0]]
    assert [was.crop != faces[was.frame].crop for was in filmed] == [False] * 3 + [True] * 3


def test_a_face_without_its_footage_is_mended_from_its_crop(ada, filmed, index) -> None:
    for path in ada.sources_dir.iterdir():
        path.unlink()
    old = filmed[0]
    crop = load_crop(ada, old).astype(int)
    (new,) = mend(ada, index, [moved_points(old, [], (0.0, 0.0), "frame")])
    np.testing.assert_allclose(landmarks_of(new), landmarks_of(old), atol=0.01)
    assert new.size == pytest.approx(old.size, rel=0.001)
    assert np.abs(load_crop(ada, new) - crop).mean() < 1.0


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[]", "no valid 'version'"),
        ('{"version": 2, "faces": []}', "newer swapdeck"),
        ('{"version": 1}', 'no list "faces"'),
        ('{"version": 1, "faces": []}', "corrects no face"),
        ('{"version": 1, "faces": [7]}', 'no list "faces"'),
        ('{"version": 1, "faces": [{"box": [1, 2, 3, 4]}]}', "names no face"),
        ('{"version": 1, "faces": [{"face": true, "box": [1, 2, 3, 4]}]}', "names no face"),
        ('{"version": 1, "faces": [{"face": 999, "box": [1, 2, 3, 4]}]}', "no face '999'"),
        ('{"version": 1, "faces": [{"face": "../x", "box": [1, 2, 3, 4]}]}', "no face"),
        ('{"version": 1, "faces": [{"face": 1}]}', "needs one of"),
        ('{"version": 1, "faces": [{"face": 1, "box": [1, 2, 3]}]}', "is \\[left"),
        ('{"version": 1, "faces": [{"face": 1, "box": [9, 9, 1, 1]}]}', "at least 8"),
        ('{"version": 1, "faces": [{"face": 1, "box": [1, 2, 3, 1e400]}]}', "is \\[left"),
        ('{"version": 1, "faces": [{"face": 1, "landmarks": [[1, 2]]}]}', "68 points"),
        ('{"version": 1, "faces": [{"face": 1, "landmarks": "aa"}]}', "68 points"),
        ('{"version": 1, "faces": [{"face": 1, "points": {"68": [1, 2]}}]}', "no point"),
        ('{"version": 1, "faces": [{"face": 1, "points": {"a=1": [1, 2]}}]}', "no point"),
        ('{"version": 1, "faces": [{"face": 1, "points": {"3": [NaN, 2]}}]}', "list of 1 points"),
        ('{"version": 1, "faces": [{"face": 1, "points": [], "space": "x"}]}', '"space" is'),
        ("{" * 90_000, "is damaged"),
    ],
)
def test_a_file_that_corrects_nothing_sensible_is_a_sentence(
    ada, filmed, index, tmp_path, document: str, said: str
) -> None:
    before = index.faces(), snapshot(ada)
    path = tmp_path / "mends.json"
    path.write_text(document)
    with pytest.raises(SwapdeckError, match=said):
        mend(ada, index, read_mends(path, index))
    assert (index.faces(), snapshot(ada)) == before


def test_what_fails_on_the_way_leaves_every_face_as_it_was(ada, filmed, index) -> None:
    save_masks(ada, {filmed[0].crop: np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8)})
    before = index.faces(), snapshot(ada)
    mends = [
        moved_points(filmed[0], [], (3.0, 0.0), "frame"),
        Mend(filmed[1], np.zeros((68, 2))),
    ]
    with pytest.raises(CommandError, match="both eyes in one place"):
        mend(ada, index, mends)
    far = Mend(filmed[1], landmarks_of(filmed[1]).astype(float) + 1e5)
    with pytest.raises(CommandError, match="far outside"):
        mend(ada, index, [mends[0], far])
    gone = replace(filmed[1], frame=900)
    with pytest.raises(SwapdeckError, match="Frame 900"):
        mend(ada, index, [mends[0], moved_points(gone, [], (0.0, 0.0), "frame")])
    assert (index.faces(), snapshot(ada)) == before


def test_a_mask_moves_with_its_face(ada, filmed, index) -> None:
    mask = np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8)
    cv2.circle(mask, (128, 150), 20, 0, -1)
    save_masks(ada, {filmed[0].crop: mask})
    (new,) = mend(ada, index, [moved_points(filmed[0], [], (10.0, 0.0), "frame")])
    moved = load_mask(ada, new)
    assert moved is not None and not mask_path(ada, filmed[0].crop).exists()
    ys, xs = np.nonzero(moved < 128)
    scale = math.hypot(*to_crop(new)[:, 0])
    assert (xs.mean(), ys.mean()) == pytest.approx((128 - 10 * scale, 150), abs=0.6)


def test_polygons_become_masks(ada, filmed, index, tmp_path) -> None:
    path = tmp_path / "masks.json"
    square = [[100, 100], [140, 100], [140, 140], [100, 140]]
    hand = (np.array(landmarks_of(filmed[1])[[2, 14, 8]])).tolist()
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "masks": [
                    {"face": filmed[0].id, "space": "crop", "include": [square]},
                    {"face": filmed[1].crop, "exclude": [hand]},
                ],
            }
        )
    )
    made = polygon_masks(path, index, [])
    first, second = made[filmed[0].crop], made[filmed[1].crop]
    assert first[120, 120] == 255 and first[90, 120] == 0
    assert (first > 127).sum() == pytest.approx(40 * 40, rel=0.06)
    x, y = apply(to_crop(filmed[1]), np.mean([hand], axis=1))[0]
    assert second[round(y), round(x)] == 0 and second[20, 20] == 255


def test_painted_masks_are_as_large_as_the_crop_or_the_frame(ada, filmed, index, tmp_path) -> None:
    frame = np.zeros((360, 480), np.uint8)
    centre = landmarks_of(filmed[0])[30]
    cv2.circle(frame, tuple(int(v) for v in centre), 12, 255, -1)
    cv2.imwrite(str(tmp_path / "frame.png"), frame)
    mask = painted_mask(tmp_path / "frame.png", ada, filmed[0])
    x, y = apply(to_crop(filmed[0]), centre[None])[0]
    assert mask[round(y), round(x)] == 255 and mask[5, 5] == 0
    folder = tmp_path / "masks"
    folder.mkdir()
    cv2.imwrite(str(folder / filmed[2].crop), np.full((CROP_SIZE, CROP_SIZE), 7, np.uint8))
    made = folder_masks(folder, ada, index)
    assert made[filmed[2].crop].max() == 7
    cv2.imwrite(str(folder / "stranger.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(CommandError, match="no face 'stranger"):
        folder_masks(folder, ada, index)
    with pytest.raises(CommandError, match=r"needs 256x256 pixels, .* or 480x360"):
        painted_mask(folder / "stranger.png", ada, filmed[0])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "has no polygon"),
        ({"include": [[[1, 2], [3, 4]]]}, "3 to 5000 points"),
        ({"include": {"a": 1}}, "at most 200 polygons"),
        ({"exclude": [[]] * 201}, "at most 200 polygons"),
        ({"exclude": [[[0, 0], [1, 1], [2, "x"]]]}, "3 to 5000 points"),
        ({"exclude": [[[0, 0], [1, 1], [2, 1e9]]]}, "3 to 5000 points"),
        ({"exclude": [[[0, 0]] * 5001]}, "3 to 5000 points"),
    ],
)
def test_polygons_that_are_none_are_a_sentence(filmed, index, tmp_path, entry, said: str) -> None:
    path = tmp_path / "masks.json"
    path.write_text(json.dumps({"version": 1, "masks": [entry | {"face": filmed[0].id}]}))
    with pytest.raises(CommandError, match=said):
        polygon_masks(path, index, [])


def test_training_sees_the_face_without_what_the_mask_leaves_out(ada, filmed) -> None:
    plain = find_dataset(ada, 64, False)
    before = np.stack(list(crops(plain)))
    mask = np.full((CROP_SIZE, CROP_SIZE), 255, np.uint8)
    mask[128:] = 0
    save_masks(ada, {filmed[3].crop: mask})
    masked = find_dataset(ada, 64, False)
    after = np.stack(list(crops(masked)))
    assert masked.fingerprint != plain.fingerprint
    same = [n for n in range(6) if np.array_equal(before[n], after[n])]
    assert same == [0, 1, 2, 4, 5]
    half = before.shape[1] // 2
    np.testing.assert_array_equal(after[3, ..., :3], before[3, ..., :3])
    assert after[3, half + 1 :, :, 3:].max() == 0
    np.testing.assert_array_equal(after[3, : half - 1], before[3, : half - 1])
    assert remove_masks(ada, [filmed[3].crop, filmed[4].crop]) == 1
    assert find_dataset(ada, 64, False).fingerprint == plain.fingerprint


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_damaged_mask_is_a_sentence(ada, filmed, data: bytes) -> None:
    save_masks(ada, {filmed[0].crop: np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)})
    mask_path(ada, filmed[0].crop).write_bytes(data)
    with pytest.raises(DamagedError, match="Attach it again"):
        load_mask(ada, filmed[0])


def test_searching_a_source_again_forgets_what_was_noted_of_its_faces(ada, filmed, index) -> None:
    mend(ada, index, [moved_points(filmed[0], [], (3.0, 0.0), "frame")])
    index.set_meta("something else", "stays")
    note = f"before mending {filmed[0].crop.removesuffix('.png')}"
    assert index.meta(note) is not None
    index.start(filmed[0].source, "{}")
    assert index.meta(note) is None and index.meta("something else") == "stays"
    assert list(index.rows(of_ids([1]))) == []

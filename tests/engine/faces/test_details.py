"""Large faces are kept in more pixels than a crop has, and trained on where a preset draws them."""

import shutil
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.avatars.demo import demo_clips
from engine.datasets.exporting import export_faces
from engine.datasets.importing import import_faces
from engine.datasets.mend import Mend, mend, moved_points
from engine.faces.align import CROP_MARGIN, CROP_SIZE, chip_matrix, crop
from engine.faces.dataset import load_crop, transform_of
from engine.faces.details import (
    decode_detail,
    detail_of,
    detail_path,
    detail_side,
    load_detail,
    remove_detail,
)
from engine.faces.extract import ExtractSettings, extract_person
from engine.media import open_frames
from engine.media.pictures import picture_bytes, save_png
from engine.reporting import CollectingReporter, NullReporter
from engine.training.augment import sample
from engine.training.dataset import content_key, crops, find_dataset
from engine.training.loop import _say_coarse
from engine.training.settings import Augmentation
from projects.errors import DamagedError, SwapdeckError
from projects.face_query import EVERY
from projects.faces import Face, FaceIndex
from projects.merging import merge, plan_merge
from projects.people import Person, add_person, get_person
from projects.sources import add_source
from projects.workspace import open_workspace


@pytest.fixture(scope="module")
def close_up() -> NDArray[np.uint8]:
    """A picture whose face would fill a crop of 528 pixels."""
    with open_frames(demo_clips().source_training) as reader:
        frame = next(iter(reader)).image
    face = frame[40:350, 70:380]
    return np.asarray(
        cv2.resize(face, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC), np.uint8
    )


@pytest.fixture(scope="module")
def searched(close_up: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a person with one source, a picture, in which their only face was found."""
    folder = tmp_path_factory.mktemp("searched")
    save_png(folder / "close-up.png", close_up)
    person = add_person(open_workspace(folder / "ws", create=True), "Ada", None)
    add_source(person, folder / "close-up.png", "image", "rendered")
    extract_person(person, ExtractSettings(), NullReporter())
    return person.root


@pytest.fixture
def large(ada: Person, searched: Path) -> Face:
    """Ada's only face, found in a picture of it."""
    for path in searched.iterdir():
        if path.name in ("sources", "faces", "details"):
            shutil.copytree(path, ada.root / path.name, dirs_exist_ok=True)
        elif path.name.startswith("faces.sqlite"):
            shutil.copy(path, ada.root)
    return face_of(ada)


def face_of(person: Person) -> Face:
    with FaceIndex(person.index_path, readonly=True) as index:
        (face,) = index.faces()
    return face


def test_as_many_pixels_are_kept_as_the_footage_has_of_a_face():
    def spanning(pixels: float) -> NDArray[np.float64]:
        chip = pixels / CROP_MARGIN
        return np.array([[1 / chip, 0, 0], [0, 1 / chip, 0]])

    sides = [detail_side(spanning(pixels)) for pixels in (90, 256, 361, 363, 700, 730, 4000)]
    assert sides == [256, 256, 256, 512, 512, 1024, 1024]
    frame = np.zeros((64, 64, 3), np.uint8)
    assert detail_of(frame, spanning(300)) is None


def test_a_large_face_is_stored_in_more_pixels_than_its_crop(ada, large, close_up):
    detail = load_detail(ada.root, large.crop)
    assert detail is not None and detail.shape == (512, 512, 3)
    exact = crop(close_up, transform_of(large), 512, CROP_MARGIN)
    assert cv2.PSNR(detail, exact) > 38
    small = cv2.resize(detail, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    assert cv2.PSNR(small, load_crop(ada, large)) > 35
    # A new search leaves none of the old ones behind.
    stray = detail_path(ada.root, large.crop.replace(".png", "9.png"))
    stray.write_bytes(b"of a face that is found no more")
    extract_person(ada, ExtractSettings(again=True), NullReporter())
    assert [path.name for path in stray.parent.iterdir()] == [
        detail_path(ada.root, face_of(ada).crop).name
    ]


def test_training_takes_the_pixels_that_a_preset_draws(ada, large):
    sides = [find_dataset(ada, size, clahe=False).side for size in (64, 128, 256, 512)]
    assert sides == [86, 170, 342, 512]
    (fine,) = crops(find_dataset(ada, 256, clahe=False))
    assert find_dataset(ada, 512, clahe=False, side=256).side == 256
    detail, stored = load_detail(ada.root, large.crop), load_crop(ada, large)
    assert detail is not None
    enlarged = cv2.resize(stored, (342, 342), interpolation=cv2.INTER_CUBIC)
    exact = cv2.resize(detail, (342, 342), interpolation=cv2.INTER_AREA)
    assert np.array_equal(fine[..., :3], exact)
    assert cv2.Laplacian(exact, cv2.CV_32F).std() > 1.2 * cv2.Laplacian(enlarged, cv2.CV_32F).std()


def test_without_details_the_crops_serve(ada, large):
    before = content_key(find_dataset(ada, 256, clahe=False))
    remove_detail(ada.root, large.crop)
    dataset = find_dataset(ada, 256, clahe=False)
    assert dataset.side == CROP_SIZE and content_key(dataset) != before
    (plain,) = crops(dataset)
    assert np.array_equal(plain[..., :3], load_crop(ada, large))
    (asked,) = crops(find_dataset(ada, 256, clahe=False, side=342))
    assert asked.shape == (342, 342, 6)


def test_people_of_different_pixels_are_trained_together():
    rng = np.random.default_rng(1)
    people = [jnp.asarray(rng.integers(0, 256, (3, side, side, 6), np.uint8)) for side in (42, 86)]
    drawn = jax.jit(lambda p, k: sample(p, k, 4, 32, CROP_MARGIN, Augmentation(), True))
    batches = drawn(people, jax.random.key(1))
    assert [batch.wanted.shape for batch in batches] == [(4, 32, 32, 3)] * 2


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff no picture", picture_bytes(".jpg", np.zeros((256, 256, 3), np.uint8))],
)
def test_what_is_no_detail_is_said_to_be_damaged(ada, large, data):
    assert decode_detail(data) is None
    assert decode_detail(picture_bytes(".png", np.zeros((512, 512, 3), np.uint8))) is None
    detail_path(ada.root, large.crop).write_bytes(data)
    with pytest.raises(DamagedError, match="Delete it"):
        list(crops(find_dataset(ada, 256, clahe=False)))
    list(crops(find_dataset(ada, 64, clahe=False)))  # which needs none


def test_a_mended_face_has_a_detail_of_its_own_and_a_restored_one_its_old(ada, large):
    found = detail_path(ada.root, large.crop).read_bytes()
    with FaceIndex(ada.index_path) as index:
        (new,) = mend(ada, index, [moved_points(large, [], (40.0, 0.0), "frame")])
        moved = load_detail(ada.root, new.crop)
        assert moved is not None and moved.shape == (512, 512, 3)
        (again,) = mend(ada, index, [moved_points(new, [], (4.0, 0.0), "frame")])
        assert load_detail(ada.root, new.crop) is None
        assert load_detail(ada.root, again.crop) is not None
        (restored,) = mend(ada, index, [Mend(again, restore=True)])
    assert detail_path(ada.root, restored.crop).read_bytes() == found
    assert load_detail(ada.root, again.crop) is None


def test_without_the_footage_a_face_is_mended_from_its_detail(ada, large):
    for path in ada.sources_dir.iterdir():
        path.unlink()
    with FaceIndex(ada.index_path) as index:
        (new,) = mend(ada, index, [moved_points(large, [], (8.0, 0.0), "frame")])
    detail = load_detail(ada.root, new.crop)
    assert detail is not None and detail.shape == (512, 512, 3)
    assert new.size == pytest.approx(large.size, rel=0.01)
    placed = chip_matrix(transform_of(new), 512, CROP_MARGIN)
    assert abs(np.linalg.det(placed[:, :2])) == pytest.approx(
        abs(np.linalg.det(chip_matrix(transform_of(large), 512, CROP_MARGIN)[:, :2])), rel=0.02
    )


def test_details_leave_and_come_back_with_their_faces(workspace, ada, ben, large, tmp_path):
    out = tmp_path / "out"
    assert export_faces(workspace, ada, out, EVERY) == 1
    import_faces(ben, out, CollectingReporter())
    ours, theirs = ((p.root, face_of(p).crop) for p in (ada, ben))
    assert detail_path(*theirs).read_bytes() == detail_path(*ours).read_bytes()


def test_a_detail_that_is_none_is_not_taken_in(workspace, ada, ben, large, tmp_path):
    out = tmp_path / "out"
    export_faces(workspace, ada, out, EVERY)
    (detail,) = out.glob("*.detail.jpg")
    detail.write_bytes(picture_bytes(".jpg", np.zeros((600, 600, 3), np.uint8)))
    with pytest.raises(SwapdeckError, match="no crop of swapdeck"):
        import_faces(ben, out, CollectingReporter())
    assert not list(ben.faces_dir.glob("*.png"))


def test_pictures_of_other_tools_keep_theirs(ben, close_up, tmp_path):
    folder = tmp_path / "aligned"
    folder.mkdir()
    save_png(folder / "1.png", close_up)
    import_faces(ben, folder, CollectingReporter())
    assert load_detail(ben.root, face_of(ben).crop) is not None


def test_details_come_over_in_a_merge(workspace, ada, ben, large):
    merge(workspace, plan_merge(workspace, ben, ada))
    assert load_detail(get_person(workspace, "ben").root, large.crop) is not None


def test_a_training_says_whose_faces_are_coarser_than_it_draws(ada, large):
    reporter = CollectingReporter()
    fine = find_dataset(ada, 256, clahe=False)
    _say_coarse([fine], "hd-256", reporter)
    assert not reporter.events
    remove_detail(ada.root, large.crop)
    coarse = find_dataset(ada, 256, clahe=False)
    _say_coarse([coarse, find_dataset(ada, 64, clahe=False)], "hd-256", reporter)
    assert "draws 256 pixels a side" in reporter.events[0]["text"]
    assert "stored in 192" in reporter.events[0]["text"]
    assert "extract ada --again" in reporter.events[0]["text"]

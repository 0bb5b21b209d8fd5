"""What a person corrected in a frame counts when that frame is converted."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.conversion.byhand import NOTHING_BY_HAND, set_by_hand
from engine.conversion.convert import convert
from engine.conversion.parts import Part
from engine.conversion.settings import ConvertSettings
from engine.datasets.masks import save_masks
from engine.faces.align import CROP_SIZE, fit_transform
from engine.faces.template import TEMPLATE
from engine.media import EncodeSettings, open_frames
from engine.media.pictures import save_png
from engine.reporting import NullReporter
from projects.files import sha256_file

PLAIN = ConvertSettings(
    colour="none", smooth=1, feather=0.0, encode=EncodeSettings(crf=4, preset="ultrafast")
)


def at(x: float, y: float, side: float = 120.0) -> dict[str, bytes]:
    """The landmarks and the transform of a face at a place."""
    landmarks = (np.array([x, y]) + (TEMPLATE - 0.5) * side).astype("<f4")
    transform = fit_transform(landmarks).astype("<f8").tobytes()
    return {"landmarks": landmarks.tobytes(), "transform": transform}


def half(top: int, bottom: int) -> np.ndarray:
    """A mask with face above or below the middle."""
    mask = np.full((CROP_SIZE, CROP_SIZE), top, np.uint8)
    mask[CROP_SIZE // 2 :] = bottom
    return mask


@pytest.fixture
def source(discs) -> Path:
    return discs([[("ben", 100.0 + 4 * n, 120.0)] for n in range(8)])


@pytest.fixture
def converted(source, ada, eyes, ben_as_target, green, tmp_path):
    """Converts the clip with what is known of it by hand; where each frame became green."""

    def run(path: Path = source) -> list[np.ndarray]:
        result = convert(
            path,
            tmp_path / f"out-{path.stem}{path.suffix}",
            [Part(ben_as_target, green, by_hand=set_by_hand(ada, path))],
            PLAIN,
            NullReporter(),
            eyes=eyes,
        )
        with open_frames(result.output) as reader:
            frames = [frame.image.astype(int) for frame in reader]
        return [(f[..., 1] > f[..., 0] + 60) & (f[..., 1] > f[..., 2] + 60) for f in frames]

    return run


def test_a_mask_leaves_its_part_of_its_frame_alone(
    source, ada, made_face, store, converted
) -> None:
    digest = sha256_file(source)
    faces = [made_face(n, source=digest, **at(100.0 + 4 * n, 120.0)) for n in (2, 5)]
    faces += [made_face(6, source=digest, **at(250.0, 60.0))]
    save_masks(
        ada,
        {faces[0].crop: half(255, 0), faces[1].crop: half(0, 255), faces[2].crop: half(0, 0)},
    )
    store(ada, faces, crops=False)
    green = converted()
    reach = [np.nonzero(frame)[0] for frame in green]
    assert 118 <= reach[2].max() <= 122 and reach[2].min() < 90
    assert 118 <= reach[5].min() <= 122 and reach[5].max() > 145
    # A mask of another face in the frame is not this one's.
    assert all(reach[n].min() < 90 and reach[n].max() > 145 for n in (0, 1, 3, 4, 6, 7))


def test_the_same_footage_under_another_name_is_known(
    source, ada, made_face, store, converted, tmp_path
) -> None:
    digest = sha256_file(source)
    (face,) = store(ada, [made_face(0, source=digest, **at(100.0, 120.0))], crops=False)
    save_masks(ada, {face.crop: half(255, 0)})
    copy = Path(shutil.copy(source, tmp_path / "renamed.mp4"))
    assert np.nonzero(converted(copy)[0])[0].max() <= 122


def test_a_mended_face_is_where_it_was_put(source, ada, made_face, store, converted) -> None:
    digest = sha256_file(source)
    mended = [
        made_face(3, source=digest, crop="x-0000003-0-m1.png", **at(200.0, 90.0)),
        made_face(4, source=digest, crop="x-0000004-0.png", **at(200.0, 90.0)),
        made_face(
            5,
            source=digest,
            crop="x-0000005-0-m2.png",
            kept=False,
            reason="by hand",
            **at(200.0, 90.0),
        ),
    ]
    store(ada, mended, crops=False)
    where = [np.argwhere(frame).mean(0) for frame in converted()]
    assert abs(where[3][1] - 200) < 6 and where[3][0] < 105
    for n in (2, 4, 5):
        assert abs(where[n][1] - (100 + 4 * n)) < 6


def test_pictures_of_a_folder_are_known_one_by_one(
    ada, made_face, store, picture, converted, tmp_path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(3):
        save_png(folder / f"{n}.png", picture([("ben", 100.0 + 20 * n, 120.0)]))
    digest = sha256_file(folder / "1.png")
    (face,) = store(ada, [made_face(0, source=digest, **at(120.0, 120.0))], crops=False)
    save_masks(ada, {face.crop: half(0, 255)})
    reach = [np.nonzero(frame)[0].min() for frame in converted(folder)]
    assert reach[1] >= 118 and reach[0] < 90 and reach[2] < 90


def test_without_corrections_the_footage_is_not_even_read(ada, made_face, store, tmp_path) -> None:
    store(ada, [made_face(0)])
    assert set_by_hand(ada, tmp_path / "nowhere.mp4") is NOTHING_BY_HAND

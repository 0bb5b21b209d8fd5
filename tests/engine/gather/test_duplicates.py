"""Which pictures and videos count as the same for the eye."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.gather.duplicates import Look, alike, difference_hash, distance, look_of
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings
from engine.media import probe
from engine.reporting import CollectingReporter, NullReporter
from projects.people import Person
from projects.sources import list_sources
from tests.engine.gather.conftest import jpeg, picture, write_clip


def look(image: np.ndarray) -> Look:
    found = difference_hash(image)
    return Look("image", () if found is None else (found,))


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_is_known_again_after_what_the_web_does_to_it(seed: int) -> None:
    original = picture(seed, 640, 480)
    rng = np.random.default_rng(seed)
    small = cv2.resize(original, (213, 160), interpolation=cv2.INTER_AREA)
    saved = cv2.imdecode(cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 1)
    brighter = np.clip(original * 1.1 + 5, 0, 255).astype(np.uint8)
    noisy = np.clip(original + rng.normal(0, 6, original.shape), 0, 255).astype(np.uint8)
    for changed in (small, saved, brighter, noisy):
        assert alike(look(original), look(changed))


def test_other_pictures_are_other_pictures() -> None:
    looks = [look(picture(seed)) for seed in range(30)]
    pairs = [(a, b) for i, a in enumerate(looks) for b in looks[:i]]
    assert not any(alike(a, b) for a, b in pairs)


def test_plain_surfaces_are_never_duplicates() -> None:
    grey, white = (np.full((50, 60, 3), shade, np.uint8) for shade in (90, 255))
    assert look(grey).hashes == ()
    assert not alike(look(grey), look(white))
    assert not alike(look(grey), look(grey))


def test_a_damaged_hash_in_a_record_is_like_nothing() -> None:
    assert distance("xyz", "00") == 128
    assert not alike(Look("image", ("xyz",)), look(picture(1)))


def test_a_video_encoded_again_is_known_and_another_is_not(tmp_path: Path) -> None:
    import av

    original = write_clip(tmp_path / "a.mp4", 3.0, seed=1)
    other = write_clip(tmp_path / "b.mp4", 3.0, seed=2)
    smaller = tmp_path / "c.mkv"
    with av.open(str(original)) as source, av.open(str(smaller), "w") as target:
        stream = target.add_stream("libx264", rate=25, options={"crf": "30"})
        stream.width, stream.height, stream.pix_fmt = 96, 72, "yuv420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame.reformat(96, 72)))
        target.mux(stream.encode(None))
    looks = [look_of(probe(path)) for path in (original, smaller, other)]
    assert alike(looks[0], looks[1])
    assert not alike(looks[0], looks[2])


def test_a_picture_of_a_video_and_a_longer_video_are_not_the_same(tmp_path: Path) -> None:
    short = look_of(probe(write_clip(tmp_path / "a.mp4", 2.0, seed=1)))
    assert not alike(short, Look("video", short.hashes, 9.0))
    assert not alike(short, Look("image", short.hashes[:1]))


@pytest.fixture
def copies(tmp_path: Path) -> list[Path]:
    """Two pictures, and the first one again, larger and of less quality."""
    paths = []
    for name, data in (("a", jpeg(1)), ("b", jpeg(2)), ("c", jpeg(1, 640, 560, quality=60))):
        paths.append(tmp_path / f"{name}.jpg")
        paths[-1].write_bytes(data)
    return paths


def test_what_was_named_comes_in_with_a_warning(ada: Person, copies: list[Path]) -> None:
    reporter = CollectingReporter()
    gathered = gather(ada, Request(paths=tuple(copies)), GatherSettings(), reporter)
    assert (len(gathered.added), gathered.similar) == (3, 1)
    (warning,) = reporter.of("warning")
    assert warning["text"].startswith("c.jpg looks like a.jpg, which is there.")
    assert "--duplicates skip" in warning["text"]


def test_duplicates_are_left_out_when_that_is_asked(ada: Person, copies: list[Path]) -> None:
    gather(ada, Request(paths=tuple(copies[:2])), GatherSettings(), NullReporter())
    settings = GatherSettings(duplicates="skip")
    gathered = gather(ada, Request(paths=(copies[2],)), settings, NullReporter())
    assert gathered.added == ()
    assert [refused.what for refused in gathered.skipped] == ["c.jpg"]
    assert len(list_sources(ada)) == 2


def test_sources_of_older_versions_are_looked_at_once(ada: Person, copies: list[Path]) -> None:
    gather(ada, Request(paths=(copies[0],)), GatherSettings(), NullReporter())
    (source,) = list_sources(ada)
    sidecar = source.path.with_suffix(".toml")
    lines = sidecar.read_text().splitlines()
    sidecar.write_text("\n".join(line for line in lines if not line.startswith("look")) + "\n")
    assert list_sources(ada)[0].about.look is None
    gathered = gather(ada, Request(paths=(copies[2],)), GatherSettings(), NullReporter())
    assert gathered.similar == 1
    assert list_sources(ada)[0].about.look is not None


def test_many_duplicates_are_counted_and_not_all_named(ada: Person, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02d}.jpg").write_bytes(jpeg(1, 320 + number * 4, 280))
    reporter = CollectingReporter()
    gathered = gather(ada, Request(paths=(tmp_path,)), GatherSettings(), reporter)
    assert gathered.similar == 11
    texts = [event["text"] for event in reporter.of("warning")]
    assert len(texts) == 6
    assert texts[-1] == "6 more files look like others in the same way."

"""Files and folders that are brought in, known, or refused with a reason."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.gather.intake import GatherError
from engine.gather.run import Request, gather, gather_paths
from engine.gather.settings import GatherSettings
from engine.media import probe
from engine.reporting import CollectingReporter, NullReporter
from projects.consent import Consent
from projects.errors import StopRequested
from projects.people import Person, add_person
from projects.sources import list_sources
from projects.workspace import open_workspace
from tests.engine.gather.conftest import jpeg, write_clip


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[str, int], Path]:
    def write(name: str, shade: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((20, 30, 3), shade, np.uint8))
        return path

    return write


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(0, 250, 25):
            image = np.full((48, 64, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_videos_and_pictures_become_sources(
    ada: Person, clip: Path, picture: Callable[[str, int], Path]
) -> None:
    one = picture("one.png", 10)
    gathered = gather_paths(ada, [clip, one], NullReporter())
    assert [(source.name, source.kind) for source in gathered.added] == [
        ("clip.mp4", "video"),
        ("one.png", "image"),
    ]
    assert gathered.added[0].origin == str(clip)
    assert {source.digest for source in list_sources(ada)} == {
        source.digest for source in gathered.added
    }


def test_the_same_content_comes_in_once(ada: Person, picture: Callable[[str, int], Path]) -> None:
    one, copy, other = picture("one.png", 10), picture("copy.png", 10), picture("two.png", 20)
    gather_paths(ada, [one], NullReporter())
    gathered = gather_paths(ada, [copy, other], NullReporter())
    assert [source.name for source in gathered.known] == ["one.png"]
    assert [source.name for source in gathered.added] == ["two.png"]
    assert len(list_sources(ada)) == 2


def test_a_folder_gives_all_its_pictures_and_videos_and_nothing_else(
    ada: Person, tmp_path: Path, picture: Callable[[str, int], Path]
) -> None:
    for number, name in enumerate(("in/b.png", "in/a.png", "in/deep/c.jpg", "in/.hidden.png")):
        picture(name, 40 * number)
    (tmp_path / "in/notes.txt").write_text("no picture")
    gathered = gather_paths(ada, [tmp_path / "in"], NullReporter())
    assert [source.name for source in gathered.added] == ["a.png", "b.png", "c.jpg"]


def test_a_broken_file_in_a_folder_is_left_out_with_a_warning(
    ada: Person, tmp_path: Path, picture: Callable[[str, int], Path]
) -> None:
    picture("in/a.png", 5)
    (tmp_path / "in/broken.jpg").write_bytes(b"")
    reporter = CollectingReporter()
    gathered = gather_paths(ada, [tmp_path / "in"], reporter)
    assert [source.name for source in gathered.added] == ["a.png"]
    assert [Path(refused.what).name for refused in gathered.refused] == ["broken.jpg"]
    (warning,) = reporter.of("warning")
    assert "broken.jpg is empty" in warning["text"]


def test_a_named_file_that_is_refused_fails_the_work_and_the_rest_is_in(
    ada: Person, picture: Callable[[str, int], Path]
) -> None:
    good, disguised = picture("good.png", 5), picture("face.png", 6)
    disguised = disguised.rename(disguised.with_suffix(".mp4"))
    with pytest.raises(GatherError, match=r"picture \(PNG\) with the name of a video.*The rest"):
        gather_paths(ada, [disguised, good], NullReporter())
    assert [source.name for source in list_sources(ada)] == ["good.png"]


def test_sound_without_a_picture_is_refused(ada: Person, tmp_path: Path) -> None:
    path = tmp_path / "voice.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        stream.layout = "mono"
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(GatherError, match="only sound"):
        gather_paths(ada, [path], NullReporter())
    assert list_sources(ada) == []


def test_a_folder_without_any_is_an_error_that_names_it(ada: Person, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(GatherError, match=r"no video and no picture in .*empty"):
        gather_paths(ada, [tmp_path / "empty"], NullReporter())


def test_stopping_keeps_what_came_before(ada: Person, picture: Callable[[str, int], Path]) -> None:
    paths = [picture(f"{number}.png", 10 * number) for number in range(4)]
    reporter = CollectingReporter()
    reporter.stop = lambda: reporter.checks > 2
    with pytest.raises(StopRequested):
        gather_paths(ada, paths, reporter)
    assert len(list_sources(ada)) == 2


def test_a_pattern_takes_what_it_matches(
    ada: Person, tmp_path: Path, picture: Callable[[str, int], Path]
) -> None:
    for number, name in enumerate(("in/a.png", "in/b.jpg", "in/deep/c.png", "in/.hidden.png")):
        picture(name, 40 * number)
    (tmp_path / "in/notes.txt").write_text("no picture")
    reporter = CollectingReporter()
    request = Request(patterns=(f"{tmp_path}/in/*", f"{tmp_path}/in/**/c.*"))
    gathered = gather(ada, request, GatherSettings(), reporter)
    assert [source.name for source in gathered.added] == ["a.png", "b.jpg", "c.png"]
    assert reporter.of("warning") == []


def test_a_pattern_that_matches_nothing_is_told_and_the_rest_goes_on(
    ada: Person, tmp_path: Path, picture: Callable[[str, int], Path]
) -> None:
    request = Request(paths=(picture("a.png", 9),), patterns=(f"{tmp_path}/*.mov",))
    with pytest.raises(GatherError, match=r"matches .*\*\.mov.*The rest was brought in"):
        gather(ada, request, GatherSettings(), NullReporter())
    assert [source.name for source in list_sources(ada)] == ["a.png"]


def test_a_part_of_a_video_is_cut_out_and_says_so(ada: Person, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "talk.mp4", 4.0)
    reporter = CollectingReporter()
    settings = GatherSettings(start=1.5, end=3.0)
    (source,) = gather(ada, Request(paths=(clip,)), settings, reporter).added
    assert source.origin == str(clip)
    assert source.about.part.startswith("0:01-0:0")
    assert probe(source.path).duration == pytest.approx(2.0, abs=0.3)
    assert "without encoding it anew" in reporter.of("warning")[0]["text"]
    again = gather(ada, Request(paths=(clip,)), settings, NullReporter())
    assert (len(again.added), len(again.known)) == (0, 1)
    assert not (ada.root / "downloads").exists()


@pytest.mark.parametrize(
    ("settings", "part"),
    [(GatherSettings(start=2.5), "0:02-0:04"), (GatherSettings(end=1.5), "0:00-0:01")],
)
def test_one_side_of_a_part_is_enough(
    ada: Person, tmp_path: Path, settings: GatherSettings, part: str
) -> None:
    clip = write_clip(tmp_path / "talk.mp4", 4.0)
    (source,) = gather(ada, Request(paths=(clip,)), settings, NullReporter()).added
    assert source.about.part.startswith(part)


def test_the_folder_above_is_a_folder_like_others(
    ada: Person, picture: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = picture("in/deep/a.png", 9).parent
    monkeypatch.chdir(inner)
    (source,) = gather_paths(ada, [Path("..")], NullReporter()).added
    assert source.name == "a.png"


def test_a_part_after_the_end_is_refused(ada: Person, clip: Path) -> None:
    with pytest.raises(GatherError, match="has nothing at 1 min 00 s"):
        gather(ada, Request(paths=(clip,)), GatherSettings(start=60.0), NullReporter())
    assert list_sources(ada) == []


def test_a_damaged_picture_is_refused(ada: Person, tmp_path: Path) -> None:
    whole = jpeg(1)
    (tmp_path / "face.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GatherError, match="damaged or cut short"):
        gather_paths(ada, [tmp_path / "face.jpg"], NullReporter())


def test_a_folder_that_may_not_be_read_is_told(
    as_user: Callable[[], contextlib.AbstractContextManager[None]], user_folder: Path
) -> None:
    with as_user():
        workspace = open_workspace(user_folder / "w", create=True)
        eve = add_person(workspace, "Eve", Consent("self", "any", "eve", "2026-01-01"))
        (user_folder / "in/locked").mkdir(parents=True)
        (user_folder / "in/a.jpg").write_bytes(jpeg(1))
        (user_folder / "in/locked").chmod(0)
        reporter = CollectingReporter()
        gathered = gather_paths(eve, [user_folder / "in"], reporter)
        (user_folder / "in/locked").chmod(0o700)
    assert len(gathered.added) == 1
    assert "locked cannot be read" in reporter.of("warning")[0]["text"]


def test_gathering_needs_neither_jax_nor_a_screen() -> None:
    code = "import sys, engine.gather.run; print({'jax', 'textual'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

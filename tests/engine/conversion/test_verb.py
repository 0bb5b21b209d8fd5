"""`convert` plans every output before it starts, and leaves a record for the report."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.conversion import verb
from engine.conversion.search import Eyes
from engine.conversion.settings import ConvertSettings
from engine.media import EncodeSettings, MediaError
from engine.report.record import list_records
from engine.reporting import CollectingReporter
from projects.errors import CommandError, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.swaps import new_swap

QUICK = ConvertSettings(encode=EncodeSettings(crf=20, preset="ultrafast"))
FACE = Face(
    id=0,
    source="f" * 64,
    frame=0,
    time=0.0,
    box=(0, 0, 9, 9),
    landmarks=bytes(544),
    transform=bytes(48),
    yaw=0,
    pitch=0,
    roll=0,
    sharpness=9,
    embedding=b"",
    crop="a.png",
    kept=True,
    reason="",
)


@pytest.fixture
def swap(workspace, ada, ben, eyes, unchanged, monkeypatch):
    """Ada as Ben, with a model that changes nothing, in footage of discs."""
    monkeypatch.setattr(Eyes, "installed", classmethod(lambda cls, *settings: eyes))
    unchanged.step = 42
    monkeypatch.setattr(
        verb,
        "load_swapper",
        lambda swap, reverse=False, newest=False: (unchanged, ["An older one was taken."]),
    )
    for person, place in ((ben, 0), (ada, 1)):
        embedding = np.zeros(128, "<f4")
        embedding[place] = 1
        with FaceIndex(person.index_path) as index:
            index.start(FACE.source, "{}")
            index.add_frames(FACE.source, [replace(FACE, embedding=embedding.tobytes())], 1)
    return new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})


def run(workspace, swap, inputs, output=None, **wanted):
    reporter = CollectingReporter()
    wanted.setdefault("settings", QUICK)
    request = verb.Request(tuple(inputs), output, **wanted)
    results = verb.convert_inputs(workspace, swap, request, reporter)
    return results, reporter


def test_a_result_goes_to_the_swap_with_its_record(workspace, swap, discs):
    clip = discs([[("ben", 100 + i, 120)] for i in range(6)])
    (result,), reporter = run(workspace, swap, [clip])
    assert result.output == swap.results_dir / f"clip-{swap.slug}.mp4"
    (record,) = list_records(swap)
    assert (record.input, record.output) == (str(clip), str(result.output))
    assert (record.step, record.frames, record.faces) == (42, 6, 6)
    (event,) = reporter.of("result")
    assert (event["frames"], event["faces"], event["output"]) == (6, 6, str(result.output))
    assert reporter.of("warning")[0]["text"] == "An older one was taken."


def test_a_second_conversion_gets_a_name_of_its_own(workspace, swap, discs):
    clip = discs([[("ben", 100, 120)]] * 3)
    names = [run(workspace, swap, [clip])[0][0].output.name for _ in range(2)]
    assert names == [f"clip-{swap.slug}.mp4", f"clip-{swap.slug}-2.mp4"]


def test_the_other_way_round_looks_for_the_source_person(workspace, swap, discs):
    clip = discs([[("ben", 90, 120), ("stranger", 220, 120)]] * 3)
    (result,), _ = run(workspace, swap, [clip], reverse=True)
    assert result.output.name == f"clip-{swap.slug}-reversed.mp4"
    assert result.located.faces[0][0].landmarks[:, 0].mean() > 180
    assert list_records(swap)[0].reverse


def test_outputs_are_a_file_for_one_input_or_a_folder_for_many(workspace, swap, discs, tmp_path):
    one, two = (discs([[("ben", 100, 120)]] * 3, name) for name in ("one.mp4", "two.mp4"))
    folder = tmp_path / "made"
    folder.mkdir()
    results, _ = run(workspace, swap, [one, two], folder)
    assert [r.output.name for r in results] == [f"{n}-{swap.slug}.mp4" for n in ("one", "two")]
    assert {r.output.parent for r in results} == {folder}
    (named,), _ = run(workspace, swap, [one], tmp_path / "mine.mov")
    assert named.output == tmp_path / "mine.mov"


def test_what_is_wrong_with_any_input_is_said_before_the_first_frame(
    workspace, swap, discs, tmp_path
):
    clip = discs([[("ben", 100, 120)]] * 3)
    (tmp_path / "bad.mp4").write_bytes(b"not a video at all" * 50)
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        run(workspace, swap, [clip, tmp_path / "bad.mp4"])
    with pytest.raises(MediaError, match="no name for a video"):
        run(workspace, swap, [clip], tmp_path / "out.gif")
    with pytest.raises(CommandError, match="no folder"):
        run(workspace, swap, [clip, clip], Path("/nowhere/at/all"))
    with pytest.raises(CommandError, match="both become"):
        run(workspace, swap, [clip, clip])
    assert list(swap.results_dir.iterdir()) == []


def test_a_person_without_faces_is_an_error_that_says_what_to_do(workspace, swap, ben, discs):
    clip = discs([[("ben", 100, 120)]] * 3)
    ben.index_path.unlink()
    with pytest.raises(SwapdeckError, match="swapdeck extract"):
        run(workspace, swap, [clip])

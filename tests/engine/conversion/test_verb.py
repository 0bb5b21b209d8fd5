"""`convert` plans every output before it starts, and leaves a record for the report."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.conversion import verb
from engine.conversion.cache import WorkspaceCache, text_of
from engine.conversion.layers import FACES, FILE
from engine.conversion.search import Eyes
from engine.conversion.settings import ConvertSettings
from engine.credentials.verify import verify
from engine.media import EncodeSettings, MediaError, open_frames
from engine.media.sound import audio_packets
from engine.report.record import list_records
from engine.reporting import CollectingReporter
from projects.errors import CommandError, RefusedError, StopRequested, SwapdeckError
from projects.faces import Face, FaceIndex
from projects.people import set_consent
from projects.ranges import parse_range
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


CROWD = [[("ben", 80 + 2 * i, 120), ("stranger", 240, 110)] for i in range(12)]


@pytest.fixture
def back(workspace, swap, ada, ben):
    """The other way round: Ben's face on Ada, who is the blue disc."""
    return new_swap(workspace, "back", ben, ada, preset="light-64", seed=0, settings={})


def test_several_people_are_cast_in_one_pass_and_written_down(workspace, swap, back, discs):
    clip = discs(CROWD)
    casts = (("ben", swap.slug), ("ada", back.slug))
    (result,), reporter = run(workspace, swap, [clip], casts=casts)
    assert (result.frames, result.swapped, result.left_alone) == (12, 24, 0)
    (record,) = list_records(swap)
    assert record.cast == [["ben", swap.slug], ["ada", back.slug]]
    assert [(t["track"], t["role"], t["why"]) for t in record.tracks] == [
        (0, "ben", "cast"),
        (1, "ada", "cast"),
    ]
    (event,) = reporter.of("result")
    assert event["tracks"] == record.tracks


def test_a_track_by_its_number_is_replaced_and_nobody_else(workspace, swap, discs):
    (result,), _ = run(workspace, swap, [discs(CROWD)], casts=(("track:1", swap.slug),))
    assert (result.swapped, result.left_alone) == (12, 12)
    assert result.located.faces[0][0].landmarks[:, 0].mean() > 200


def test_somebody_without_consent_is_not_replaced_by_the_number_of_a_track(
    workspace, swap, ada, discs
):
    clip = discs(CROWD)
    set_consent(ada, replace(ada.consent, uses=("training",)))
    with pytest.raises(RefusedError, match="Ada"):
        run(workspace, swap, [clip], casts=(("track:1", swap.slug),))
    assert list(swap.results_dir.iterdir()) == []
    run(workspace, swap, [clip], casts=(("track:0", swap.slug),))


def test_tracks_are_listed_beside_the_swap(workspace, swap, discs):
    results, reporter = run(workspace, swap, [discs(CROWD)], tracks=True)
    (listed,) = reporter.of("result")
    folder = swap.root / listed["folder"]
    assert results == [] and folder == swap.previews_dir / "convert" / "clip-tracks"
    assert [row["name"] for row in listed["tracks"]] == ["track:0", "track:1"]
    assert (folder / "track-1.png").exists() and (folder / "tracks.json").exists()
    assert list(swap.results_dir.iterdir()) == []


def test_previews_are_marked_pictures_beside_the_swap(workspace, swap, discs):
    results, reporter = run(workspace, swap, [discs(CROWD)], preview=(2, 9))
    assert results == []
    assert [(e["path"], e["frame"], e["faces"]) for e in reporter.of("preview")] == [
        ("previews/convert/clip-000002.png", 2, 1),
        ("previews/convert/clip-000009.png", 9, 1),
    ]
    for event in reporter.of("preview"):
        verdict = verify(swap.root / event["path"], workspace)
        assert verdict.credentials == "trusted" and verdict.synthetic


def test_a_part_and_layers_have_names_of_their_own_and_a_part_has_a_record(workspace, swap, discs):
    clip = discs(CROWD)
    (part,), _ = run(workspace, swap, [clip], part=parse_range("3..9"))
    assert part.frames == 6 and part.output.name == f"clip-{swap.slug}-part.mp4"
    (layers,), _ = run(workspace, swap, [clip], layers=True)
    assert layers.output.name == f"clip-{swap.slug}-layers"
    verdicts = [verify(path) for path in (layers.output / "face").iterdir()]
    assert {(one.credentials, one.must_be_marked) for one in verdicts} == {("trusted", True)}
    (record,) = list_records(swap)
    assert record.output == str(part.output) and record.part == range(3, 9) and record.first == 3
    with pytest.raises(CommandError, match="no result yet"):
        run(workspace, swap, [clip], layers=True, anonymise=True)


def test_layers_that_go_on_carry_the_identifier_of_the_run_that_began_them(workspace, swap, discs):
    clip = discs([[("ben", 100 + i, 120)] for i in range(6)])
    reporter = CollectingReporter(
        stop=lambda: any(event["stage"] == "layers" for event in reporter.of("progress"))
    )
    with pytest.raises(StopRequested):
        verb.convert_inputs(
            workspace, swap, verb.Request((clip,), layers=True, settings=QUICK), reporter
        )
    (begun,) = workspace.root.joinpath("cache", "segments").glob("*-id")
    known = text_of(WorkspaceCache(workspace).load("segments", begun.name)["text"])
    (layers,), _ = run(workspace, swap, [clip], layers=True)
    assert json.loads((layers.output / FILE).read_text())["identifier"] == known
    assert verify(layers.output / FACES / "000003.png").says["identifier"] == known
    assert not begun.exists()


def test_damaged_frames_are_kept_listed_and_the_sound_stays_in_place(
    workspace, swap, discs, tmp_path
):
    clip = discs([[("ben", 60 + 3 * i, 120)] for i in range(50)])
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + len(data) // 3
    data[start : start + 400] = bytes(400)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(data)
    (result,), reporter = run(workspace, swap, [bad])
    told = " ".join(event["text"] for event in reporter.of("warning"))
    assert "could not be decoded" in told or "Damaged" in told
    assert [p for t in audio_packets(result.output) for p in t] == [
        p for t in audio_packets(bad) for p in t
    ]
    with open_frames(bad) as before, open_frames(result.output) as after:
        assert [frame.pts for frame in before] == [frame.pts for frame in after]

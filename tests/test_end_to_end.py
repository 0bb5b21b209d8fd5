"""The whole job by its verbs, each a real process: footage in, swapped video with sound out."""

import json
import re
from pathlib import Path

from engine.media.reader import open_frames
from engine.media.sound import audio_packets, frame_times


def test_the_whole_job(trained_once, short_clips, tmp_path) -> None:
    """`trained_once` did: person add, gather and extract for two, swap new, train --steps 6."""
    swapdeck, scene, output = trained_once, short_clips["scene"], tmp_path / "swapped.mp4"
    [swap] = swapdeck("swap", "list")
    assert (swap["swap"], swap["step"]) == ("a-as-b", 6)
    assert {row["person"]: row["kept"] for row in swapdeck("person", "list")} == {
        "anna": 16,
        "bruno": 16,
    }
    assert len(swapdeck("faces", "anna", "--kept")) == 16

    events = swapdeck("convert", "a-as-b", scene, "-o", output)
    [result] = [event for event in events if event["kind"] == "result"]
    assert (result["frames"], result["faces"]) == (20, 20)
    assert frame_times(output) == frame_times(scene)
    assert audio_packets(output) == audio_packets(scene)
    assert any(audio_packets(scene))
    with open_frames(scene) as before, open_frames(output) as after:
        pairs = list(zip(before, after, strict=True))
    assert [one.time for one, _ in pairs] == [other.time for _, other in pairs]
    assert all((one.image != other.image).any() for one, other in pairs)

    events = swapdeck("report", "a-as-b", "-o", tmp_path / "report.html")
    [result] = [event for event in events if event["kind"] == "result"]
    page = Path(result["report"]).read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    [conversion] = json.loads(Path(result["values"]).read_text())["conversions"]
    assert [frame["frame"] for frame in conversion["frames"]] == list(range(20))
    assert 0 < len(conversion["worst"]) <= 10
    assert all((tmp_path / one["picture"]).is_file() and one["why"] for one in conversion["worst"])
    rows = conversion["quality"]["rows"]
    assert [row["name"] for row in rows] == ["swap", "target unchanged"]
    assert rows[0]["frames"] == 20
    assert rows[1]["landmark_error"] == 0
    assert conversion["quality"]["sound_identical"] is True

    states = {(job["verb"], job["state"]) for job in swapdeck("jobs", "list")}
    assert {state for _, state in states} == {"done"}
    assert {verb for verb, _ in states} == {"gather", "extract", "train", "convert", "report"}

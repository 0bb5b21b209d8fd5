"""The dataset doctor: each thing that can be wrong is said, with what to do about it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.cli.app import run
from engine.datasets.doctor import examine
from engine.media.pictures import read_picture, save_png
from projects.errors import CommandError
from projects.sources import add_source

ADA, BEN = np.zeros(128), np.zeros(128)
ADA[0], BEN[1] = 0.6, 0.6


def spread(n: int, low: float, high: float, of: int) -> float:
    """The n-th of `of` values from low to high, in an order that is not sorted."""
    return low + (high - low) * ((n * 7919) % of) / (of - 1)


def embedded(middle: np.ndarray, n: int) -> bytes:
    noise = np.random.default_rng(n).normal(0, 0.005, 128)
    return (middle + noise).astype("<f4").tobytes()


@pytest.fixture
def dataset(made_face, store):
    """Stores `number` faces, spread evenly; `changes` are (low, high) of a measure, or a value."""

    def make(person, middle=ADA, number=120, crops=False, **changes):
        ranges = {
            **{"yaw": (-30, 30), "pitch": (-15, 15), "mouth": (0, 0.4), "brightness": (0.3, 0.7)},
            **{"sharpness": (5, 10), "eyes": (0.05, 0.35)},
        } | changes
        faces = []
        for n in range(number):
            values = {
                name: spread(n + 17 * place, *value, number) if isinstance(value, tuple) else value
                for place, (name, value) in enumerate(ranges.items())
            }
            hash_ = int(np.random.default_rng(n + int(1e6 * middle[1])).integers(2**62))
            values.setdefault("hash", hash_)
            values.setdefault("source", f"{n % 3}" * 64)
            faces.append(made_face(n, embedding=embedded(middle, n), **values))
        return store(person, faces, crops=crops)

    return make


def said(examined, level: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for finding in examined.findings:
        if finding.level == level:
            found[finding.about] = found.get(finding.about, "") + finding.text
    return found


def test_two_datasets_that_fit_have_no_problem(ada, ben, dataset) -> None:
    dataset(ada, number=520)
    dataset(ben, BEN, number=520, yaw=(-25, 25), mouth=(0, 0.35))
    examined = examine(ada, ben)
    assert said(examined, "problem") == {}
    good = said(examined, "good")
    assert {"number", "yaw", "pitch", "mouth", "light", "poses", "eyes", "leaks"} <= set(good)


@pytest.mark.parametrize(
    ("about", "source", "target", "text"),
    [
        (
            "yaw",
            {"yaw": (-30, 5)},
            {},
            "right, Ada only 4°.*Gather.*Ada looks further to the",
        ),
        ("yaw", {"yaw": (5, 30)}, {}, "left, Ada hardly at all.*to the left of the picture"),
        ("pitch", {"pitch": (-20, 2)}, {"pitch": (-30, 30)}, "further up than usual.*Ada looks up"),
        ("pitch", {"pitch": (-2, 2)}, {"pitch": (-25, 5)}, "further down.*Ada looks down"),
        ("mouth", {"mouth": (0, 0.1)}, {}, "opens the mouth by 0.39.*Ada only 0.10"),
        ("light", {"brightness": (0.5, 0.8)}, {"brightness": (0.1, 0.4)}, "never below 0.51.*dark"),
        ("light", {"brightness": (0.1, 0.3)}, {"brightness": (0.3, 0.9)}, "0.89.*brighter light"),
        ("eyes", {"eyes": 0.3}, {}, "blinks would stay open"),
    ],
)
def test_what_the_target_shows_and_the_source_lacks_is_asked_for(
    ada, ben, dataset, about: str, source: dict, target: dict, text: str
) -> None:
    import re

    dataset(ada, **source)
    dataset(ben, BEN, **target)
    examined = examine(ada, ben)
    assert re.search(text, said(examined, "problem")[about])
    # The other way round nothing is asked of that kind.
    assert about not in said(examine(ben, ada), "problem") or about in ("light", "pitch")


def test_a_gap_within_the_poses_is_named(ada, ben, made_face, store) -> None:
    sides = [made_face(n, yaw=30.0 if n % 2 else -30.0, pitch=n % 5 - 2.0) for n in range(200)]
    store(ada, [replace(f, embedding=embedded(ADA, f.frame)) for f in sides], crops=False)
    ahead = [made_face(n, yaw=(n % 21) - 10.0, pitch=n % 5 - 2.0) for n in range(200)]
    store(ben, [replace(f, embedding=embedded(BEN, f.frame)) for f in ahead], crops=False)
    (text,) = [f.text for f in examine(ada, ben).findings if f.about == "poses"]
    assert "100% of Ben's faces look where Ada has fewer than 5: mostly straight ahead" in text


def test_a_softer_and_smaller_source_is_said(ada, ben, dataset) -> None:
    dataset(ada, sharpness=(1, 3), size=70.0)
    dataset(ben, BEN, size=300.0)
    doubts = said(examine(ada, ben), "doubt")
    assert "less sharp than Ben's" in doubts["sharpness"] and "smaller than" in doubts["size"]
    assert {"sharpness", "size"} <= set(said(examine(ben, ada), "good"))


def test_too_few_faces_too_many_rejected_and_too_many_alike(ada, made_face, store) -> None:
    pose = {"yaw": 1.0, "pitch": 1.0, "mouth": 0.1, "eyes": 0.3, "hash": 5}
    store(ada, [made_face(n, **pose) for n in range(20)], crops=False)
    store(
        ada,
        [made_face(n + 20, kept=False, reason="blurred") for n in range(30)],
        crops=False,
    )
    examined = examine(ada)
    assert "20 kept faces. That is too few" in said(examined, "problem")["number"]
    doubts = said(examined, "doubt")
    assert "95% of Ada's faces look like another" in doubts["duplicates"]
    assert '60% are rejected, most of them as "blurred"' in doubts["rejected"]


def test_one_shot_and_an_older_index_are_said(ada, dataset) -> None:
    dataset(ada, source="7" * 64, track=2, mouth=float("nan"))
    doubts = said(examine(ada), "doubt")
    assert "100% of Ada's faces come from one shot" in doubts["shots"]
    assert "120 faces of Ada were found by an older swapdeck" in doubts["measures"]


def test_faces_that_are_with_the_wrong_person_are_listed(ada, ben, dataset, made_face, store):
    dataset(ada)
    theirs = dataset(ben, BEN)
    copied = replace(made_face(500), hash=theirs[7].hash ^ 1, embedding=theirs[7].embedding)
    (stored,) = store(ada, [copied], crops=False)
    examined = examine(ada, ben)
    text = said(examined, "problem")["leaks"]
    assert "Ben's dataset has 1 face of Ada's as well" in text
    assert f"faces reject ada {stored.id}" in text
    assert "Among Ada's faces, 1 face may show Ben" in text


def test_one_person_under_two_names_is_said(ada, ben, dataset) -> None:
    dataset(ada)
    dataset(ben)
    assert "look like one person" in said(examine(ada, ben), "problem")["people"]
    with pytest.raises(CommandError, match="with themselves"):
        examine(ada, ada)


def test_twins_of_held_out_faces_are_said(ada, dataset) -> None:
    dataset(ada, source="7" * 64, hash=77, yaw=3.0, pitch=1.0, mouth=0.1, eyes=0.3)
    assert "have a twin among those it is trained on" in said(examine(ada), "doubt")["held out"]


def test_surprises_in_the_footage_are_said(ada, made_face, store, tmp_path) -> None:
    for name, options in (
        ("hdr.mp4", {"trc": 16, "primaries": 9}),
        ("fast.mp4", {"rate": 60}),
        ("slow.mp4", {"rate": 10}),
        ("uneven.mp4", {"times": (0, 1, 2, 5, 6, 11)}),
        ("plain.mp4", {}),
    ):
        source, _ = add_source(ada, clip(tmp_path / name, **options), "video", name)
        store(ada, [made_face(0, source=source.digest)])
    doubts = said(examine(ada), "doubt")["footage"]
    assert "hdr.mp4 (PQ) is HDR" in doubts and "hdr.mp4 (BT.2020) has wide colours" in doubts
    assert "fast.mp4 (60/s) has many frames" in doubts and "slow.mp4 (10/s) has few" in doubts
    assert "uneven.mp4 has frames at uneven times" in doubts
    assert "plain.mp4" not in doubts


def clip(
    path: Path,
    *,
    rate: int = 25,
    trc: int = 1,
    primaries: int = 1,
    times: Sequence[int] = range(6),
) -> Path:
    """Six frames of rising light, each at its one of `times` in frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = trc, primaries
        for level, time in enumerate(times):
            pixels = np.full((48, 64, 3), 40 * level, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_faces_without_colour_are_said(ada, ben, dataset) -> None:
    import cv2

    for face in dataset(ada, number=40, crops=True):
        path = str(ada.faces_dir / face.crop)
        cv2.imwrite(path, cv2.cvtColor(cv2.imread(path, 0), cv2.COLOR_GRAY2BGR))
    dataset(ben, BEN, number=40, crops=True)
    assert "Ada's faces have no colour" in said(examine(ada, ben), "problem")["colour"]
    assert "colour" not in said(examine(ben), "doubt")


def test_faces_in_very_different_colours_are_said(ada, ben, dataset) -> None:
    for face in dataset(ada, number=40, crops=True):
        path = ada.faces_dir / face.crop
        save_png(path, np.ascontiguousarray(read_picture(path)[..., ::-1]))
    dataset(ben, BEN, number=40, crops=True)
    doubts = said(examine(ada, ben), "doubt")
    assert "Ada's and Ben's faces have very different colours" in doubts["colour"]


def test_nobody_has_no_faces_without_a_sentence(ada, ben) -> None:
    examined = examine(ada, ben)
    assert "0 kept faces" in said(examined, "problem")["number"]


def test_the_command_line_says_it_and_draws_it(
    workspace, ada, ben, dataset, tmp_path, capsys
) -> None:
    dataset(ada, number=30, crops=True, yaw=(-5, 5))
    dataset(ben, BEN, number=30, crops=True, yaw=(-40, 40))
    target = tmp_path / "doctor.png"
    base = ["--workspace", str(workspace.root), "faces", "doctor", "ada"]
    assert run([*base, "ben", "--json", "-o", str(target)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["level"] == "problem" and lines[-1]["picture"] == str(target)
    (yaw,) = [line for line in lines if line.get("about") == "yaw" and "right" in line["text"]]
    assert yaw["figures"]["share"] > 0.2 and yaw["figures"]["target"][1] > 35
    picture = read_picture(target)
    assert picture.shape[1] > 1000 and picture.std() > 10
    assert run(base) == 0
    assert capsys.readouterr().out.startswith("✗ problem")

"""Models are examined by what they answer, and openings by rulers that know a face."""

import json
import math

import numpy as np
import pytest

from engine.avatars.demo import demo_clips
from engine.avatars.parameters import Pose
from engine.bench.quality.scenes import PAIRS, Scene
from engine.bench.study import exam as exam_module
from engine.bench.study import held
from engine.bench.study.exam import Exam
from engine.bench.study.opening import fit_ruler, opening
from engine.bench.study.picture import compared
from engine.bench.study.run import ENTRIES, run
from engine.cli import app
from engine.faces.detect import FaceFinder
from engine.faces.embed import Embedder
from engine.quality.exact import Truth
from engine.training.settings import settings_for
from engine.training.validate import Score
from projects.errors import CommandError, SwapdeckError
from projects.swaps import get_swap
from projects.workspace import open_workspace

SCORE = Score(5, {"source": 0.8, "target": 0.7}, 0.5, 0.1, 0.05, 0.8, 0.021, 0.019)


def mouths(openings: np.ndarray, seed: int) -> np.ndarray:
    """Chips of one grey face whose mouth is a dark bar, as high as it is open."""
    rng = np.random.default_rng(seed)
    chips = np.full((len(openings), 64, 64, 3), 160, np.uint8)
    for chip, amount in zip(chips, openings, strict=True):
        chip[46 : 46 + round(12 * amount), 22:42] = 40
    noisy = chips + rng.normal(0, 6, chips.shape) + rng.uniform(-30, 30, (len(chips), 1, 1, 1))
    return noisy.clip(0, 255).astype(np.uint8)


def test_a_ruler_reads_how_far_a_mouth_is_open_whatever_the_light():
    rng = np.random.default_rng(1)
    known, asked = rng.uniform(0, 1, 80), rng.uniform(0, 1, 40)
    ruler = fit_ruler("mouth", mouths(known, 2), known)
    assert ruler.follows(mouths(asked, 3), asked) > 0.95
    assert abs(ruler.follows(mouths(np.full(40, 0.5), 4), asked)) < 0.5


def test_openings_are_those_that_were_rendered():
    pose = Pose(mouth_open=0.7, blink_left=0.25)
    assert (opening("mouth", pose), opening("eyes", pose)) == (0.7, 0.75)


def test_the_truth_passes_without_a_fault_and_the_footage_itself_does_not(monkeypatch):
    monkeypatch.setattr(exam_module, "FRAMES", 4)
    monkeypatch.setattr(exam_module, "EMBEDDED", 2)
    clips = demo_clips()
    scene = Scene(PAIRS[0], clips.scene, Truth(clips.truth, clips.truth_mask))
    exam = Exam(scene, 64, FaceFinder(), Embedder())
    asked, answered, true = np.split(exam.sheet(np.zeros((4, 64, 64, 3), np.uint8)), 3)
    assert answered.max() == 0

    def columns(row: np.ndarray) -> list[np.ndarray]:
        return np.split(row, 4, axis=1)

    perfect = exam.marks(columns(true))
    assert math.isinf(perfect.psnr) and perfect.ssim == pytest.approx(1)
    assert perfect.landmarks == 0 and perfect.identity == 0
    assert perfect.mouth == pytest.approx(1) and perfect.smile == pytest.approx(1)
    unchanged = exam.marks(columns(asked))
    assert unchanged.psnr < 20 and unchanged.landmarks > 0 and unchanged.identity > 0.3


def test_the_source_in_person_is_near_the_truth_and_needs_no_training(tmp_path, monkeypatch):
    monkeypatch.setattr(exam_module, "FRAMES", 2)
    monkeypatch.setattr(exam_module, "EMBEDDED", 2)
    (row,) = run([ENTRIES["herself at 64"]], [1.0], tmp_path / "study", lambda _: None)
    assert (row.minutes, row.step) == (None, None)
    # Her hair lies where the truth shows none, so she is not the truth.
    assert 20 < row.marks.psnr < 30 and row.marks.identity < 0.2
    assert (tmp_path / "study" / "study.png").exists()


def test_models_stand_beside_each_other_whatever_their_size():
    def sheet(side: int, answer: int) -> np.ndarray:
        rows = [np.full((side, 3 * side, 3), grey, np.uint8) for grey in (10, answer, 240)]
        return np.concatenate(rows)

    names = ("light-64 without a base", "light-128")
    picture = compared(dict(zip(names, (sheet(64, 90), sheet(128, 160)), strict=True)))
    assert picture.shape == (4 * 128, 112 + 3 * 128, 3)
    assert [int(row[:, 112:].mean()) for row in np.split(picture, 4)] == [10, 90, 160, 240]
    assert all(row[:, :112].min() < 100 for row in np.split(picture, 4))  # its name


def test_every_entry_of_the_study_can_be_trained():
    for entry in ENTRIES.values():
        assert settings_for(entry.preset, **entry.settings).preset == entry.preset


def test_minutes_that_are_none_are_refused(tmp_path):
    with pytest.raises(CommandError, match="above 0"):
        next(run(list(ENTRIES.values()), [0.0], tmp_path, lambda _: None))


def test_people_without_a_truth_are_judged_by_their_held_out_faces(
    workspace, ada, ben, monkeypatch
):
    trained: list[tuple[str, float]] = []
    monkeypatch.setattr(
        held, "train_for", lambda _, swap, minutes: trained.append((swap.slug, minutes))
    )
    monkeypatch.setattr(held, "score", lambda _, swap: SCORE)
    entries = [ENTRIES["light-64"], ENTRIES["naive"]]
    rows = list(held.run_held(workspace, ada, ben, entries, [3, 1], lambda _: None))
    assert [(row.name, row.minutes) for row in rows] == [
        *(("light-64", 1), ("light-64", 3), ("naive", 1), ("naive", 3)),
    ]
    assert trained[:2] == [("study-ada-as-ben-light-64", 1), ("study-ada-as-ben-light-64", 2)]
    with pytest.raises(CommandError, match="above 0"):
        next(held.run_held(workspace, ada, ben, entries, [0], lambda _: None))
    with pytest.raises(CommandError, match="rendered"):
        next(held.run_held(workspace, ada, ben, [ENTRIES["herself at 64"]], [1], lambda _: None))


def test_the_study_of_two_people_is_told_to_people_and_programs(
    workspace, ada, ben, monkeypatch, capsys
):
    monkeypatch.setattr(held, "run_held", lambda *_: iter([held.HeldRow("light-64", 4.0, SCORE)]))
    words = ["--workspace", str(workspace.root), "bench", "study", "light-64"]
    words += ["--source", "ada", "--target", "ben", "--at", "4"]
    assert app.run(words) == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("light-64", "0.800", "80%", "0.0210", "0.0190"))
    assert app.run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[0])
    assert told["ssim"] == {"source": 0.8, "target": 0.7} and told["recognised"] == 0.8


def test_too_few_faces_say_nothing_of_a_model(trained):
    workspace = open_workspace(trained.root)
    with pytest.raises(SwapdeckError, match="too few faces"):
        held.score(workspace, get_swap(workspace, "a-as-b"))

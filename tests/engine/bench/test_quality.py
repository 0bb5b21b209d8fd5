"""`bench quality`: what is tried, the decoder that knows the truth, and the measuring itself."""

import json
from dataclasses import fields
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engine.bench.quality.measure import Figures
from engine.bench.quality.oracle import Oracle
from engine.bench.quality.run import Bench, Row, Wanted
from engine.bench.quality.scenes import PAIRS, pairs_named
from engine.bench.quality.variants import DEFAULTS, NAIVE, NO_CHOICES, UNCHANGED, Variant, variants
from engine.bench.quality.verdict import verdicts
from engine.cli.app import run
from engine.conversion.locate import LocatedFace
from engine.conversion.settings import ConvertSettings
from engine.faces.align import crop, fit_transform
from engine.faces.template import TEMPLATE
from projects.conversion_options import PICTURE_OPTIONS
from projects.errors import CommandError, SwapdeckError

BASE = ConvertSettings()


def differing(variant: Variant) -> set[str]:
    settings = variant.settings
    return {f.name for f in fields(BASE) if getattr(settings, f.name) != getattr(BASE, f.name)}


def test_every_option_of_the_picture_is_tried_and_changed_alone() -> None:
    tried = [one for one in variants(BASE) if one.stage not in NO_CHOICES]
    assert all(differing(one) == {one.stage} for one in tried)
    named = {
        option.name
        for option in PICTURE_OPTIONS
        if option.kind in ("choice", "bool", "int", "float")
    }
    assert {one.stage for one in tried} == (named - {"opacity"}) | {"alignment"}
    assert {one.choice for one in variants(BASE, ["opacity"])} >= {"0.6", "0.8"}
    assert "alignment" not in {one.stage for one in variants(BASE, trained=True)}


def test_only_what_is_named_is_tried_and_what_is_unknown_is_refused() -> None:
    assert {one.stage for one in variants(BASE, ["mask"])} == {DEFAULTS, NAIVE, "mask"}
    with pytest.raises(CommandError, match="no choice of 'nose'"):
        list(variants(BASE, ["nose"]))
    with pytest.raises(CommandError, match="no pair 'ada on ben'"):
        pairs_named(["ada on ben"])
    assert pairs_named(["anna on bruno"]) == PAIRS[:1]


def face(frame: int, x: float) -> LocatedFace:
    points = (TEMPLATE * 40 + (x, 10)).astype(np.float32)
    return LocatedFace(frame, 0, (0, 0, 40, 40), points, fit_transform(points), False)


def test_the_oracle_answers_with_the_truth_as_the_truth_is_aligned() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 60, 80, 3), dtype=np.uint8)
    truth = 255 - frames
    shown = np.zeros((3, 60, 80), bool)
    shown[:, :, :40] = True
    located = {i: face(i, 20.0 + i) for i in range(3)}
    exact = {i: face(i, 10.0) for i in range(3)}
    oracle = Oracle(frames, truth, shown, located, exact, 16)
    chips = np.stack([crop(frames[i], located[i].transform, 16) for i in (2, 0)])
    batch = np.concatenate([chips, np.zeros_like(chips)])
    rgb, mask = oracle.chips(batch, np.zeros(batch.shape[:3], np.uint8), "source")
    assert np.array_equal(np.rint(rgb[0] * 255), crop(truth[2], exact[2].transform, 16))
    assert mask[0, 8, 0] == 1 and mask[0, 8, -1] == 0
    own, whole = oracle.chips(batch, np.zeros(batch.shape[:3], np.uint8), "target")
    assert np.array_equal(np.rint(own * 255), batch) and whole.all()
    with pytest.raises(SwapdeckError, match="no frame of the scene"):
        oracle.chips(255 - chips, np.zeros((2, 16, 16), np.uint8), "source")


def test_a_default_that_is_beaten_is_told_by_how_much() -> None:
    def row(stage: str, choice: str, psnr: float, flicker: float = 2.0) -> Row:
        return Row(
            Variant(stage, choice, BASE), Figures(psnr, 0.9, 20, 0.02, 0.2, 0.6, flicker), {}
        )

    rows = [row(DEFAULTS, "", 25.0), row(NAIVE, "", 22.0), row("mask", "hull", 24.0)]
    rows += [row("colour", "none", 25.5, 1.0), row("colour", "light", 25.2)]
    mask, colour = verdicts(rows)
    assert mask.default_is_best and mask.gain == pytest.approx(-1)
    assert not colour.default_is_best
    assert (colour.choice, colour.flicker) == ("none", 0.5)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Eight frames of the shipped pair, unchanged, by default and naively; nothing has to be
    rendered."""
    cache: Path = tmp_path_factory.mktemp("cache")
    wanted = Wanted(cache, PAIRS[:1], only=["mask"], frames=8, size=64)
    return list(islice(Bench(wanted, lambda _: None).rows(), 3))


def test_a_swap_is_nearer_to_the_truth_than_the_target_and_steadier_than_raw_landmarks(
    measured: list[Row],
) -> None:
    unchanged, default, naive = measured
    assert unchanged.variant.stage == UNCHANGED
    assert default.variant.stage == DEFAULTS and naive.variant.stage == NAIVE
    assert default.mean.psnr > unchanged.mean.psnr + 3
    assert default.mean.flicker < naive.mean.flicker
    assert default.mean.identity < unchanged.mean.identity
    assert default.mean.identity < 0.5
    assert 0 < default.mean.ssim <= 1
    assert default.mean.landmarks < 0.2
    assert unchanged.mean.target < 0.05 < 0.4 < default.mean.target
    assert default.scenes["anna on bruno"] == default.mean


def test_what_cannot_be_measured_is_refused_before_anything_is_rendered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*words: str) -> str:
        cache = ("--cache", str(tmp_path / "cache"))
        assert run(("bench", "quality", *cache, *words, "--json")) == 2
        printed = capsys.readouterr()
        assert printed.err == ""
        return str(json.loads(printed.out.splitlines()[-1])["error"])

    assert "the one --pair" in error("--model", "a-as-b")
    assert "no choice of 'nose'" in error("--set", "nose=1")
    assert "Colour cannot be" in error("--set", "colour=blue")
    assert "no pair 'a on b'" in error("--pair", "a on b")
    assert "no choice of 'nose'" in error("nose")
    assert not (tmp_path / "cache").exists()

"""Colour matching: what each matcher carries over, and that it holds still along a track."""

import numpy as np
import pytest

from engine.conversion.colour import coloured, measured_colour, to_lab
from engine.conversion.complexion import complexion, filmed_alike
from engine.conversion.compose import blender_for, matcher_for, shape_for
from engine.conversion.picture import PictureSettings
from engine.conversion.placement import Proportions, TwoFaces
from engine.conversion.transport import MATCHERS
from engine.faces.template import TEMPLATE

SIDE = 32
TAKES_ALL = ("lab", "mkl", "histogram", "sliced")


def chip(seed, centre, spread=0.1):
    """Colours around `centre` whose channels go together, as those of skin do."""
    rng = np.random.default_rng(seed)
    shade = rng.normal(0, spread, (SIDE, SIDE, 1)) * (1.0, 0.8, 0.6)
    return np.clip(np.add(centre, shade + rng.normal(0, 0.02, (SIDE, SIDE, 3))), 0, 1).astype(
        np.float32
    )


def match(name, new, own, old, inside=None):
    inside = np.ones(new.shape[:2], bool) if inside is None else inside
    return coloured(name, new, measured_colour(name, new, own, old, inside))


@pytest.mark.parametrize("name", TAKES_ALL)
def test_the_old_faces_colours_are_taken_over(name):
    new, old = chip(1, (0.45, 0.3, 0.25)), chip(2, (0.7, 0.6, 0.55), 0.07)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[4:28, 4:28] = True
    matched = match(name, new, new, old, inside)
    assert matched.dtype == np.float32
    now, wanted = to_lab(matched)[inside], to_lab(old)[inside]
    assert np.abs(now.mean(0) - wanted.mean(0)).max() < 0.6
    assert np.abs(now.std(0) - wanted.std(0)).max() < 0.8


@pytest.mark.parametrize("name", ("mkl", "sliced"))
def test_colours_that_go_together_are_carried_over_together(name):
    new, old = chip(1, (0.45, 0.3, 0.25)), chip(2, (0.5, 0.5, 0.6))
    rng = np.random.default_rng(4)
    old[..., 2] = np.clip(0.5 - 0.8 * (old[..., 0] - 0.5) + rng.normal(0, 0.01, (SIDE, SIDE)), 0, 1)

    def together(picture):
        return np.corrcoef(to_lab(picture).reshape(-1, 3).T)[0, 2]

    plain = abs(together(match("lab", new, new, old)) - together(old))
    assert abs(together(match(name, new, new, old)) - together(old)) < 0.5 * plain


def test_matching_light_changes_nothing_that_the_model_knew():
    rng = np.random.default_rng(3)
    new, own = rng.uniform(0.3, 0.6, (2, SIDE, SIDE, 3)).astype(np.float32)
    assert np.abs(match("light", new, own, own) - new).max() < 0.01
    brighter = match("light", new, own, own + 0.1)
    assert (brighter - new).mean() == pytest.approx(0.1, abs=0.02)
    assert not np.allclose(brighter.mean((0, 1)), (own + 0.1).mean((0, 1)), atol=1e-3)


def test_without_matching_the_colours_stay():
    new, old = chip(1, (0.45, 0.3, 0.25)), chip(2, (0.7, 0.6, 0.55))
    assert np.array_equal(match("none", new, new, old), new)


@pytest.mark.parametrize("name", MATCHERS)
def test_a_chip_without_a_face_is_left_alone(name):
    new, old = chip(1, (0.45, 0.3, 0.25)), chip(2, (0.7, 0.6, 0.55))
    assert np.array_equal(match(name, new, new, old, np.zeros((SIDE, SIDE), bool)), new)


@pytest.mark.parametrize("name", ("lab", "mkl"))
def test_a_flat_chip_is_not_blown_up_into_noise(name):
    flat = np.full((SIDE, SIDE, 3), 0.4, np.float32)
    flat += np.random.default_rng(0).normal(0, 1e-3, flat.shape).astype(np.float32)
    wild = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    assert match(name, flat, flat, wild).std((0, 1)).max() < 0.02


@pytest.mark.parametrize("name", MATCHERS)
def test_the_mean_of_two_frames_numbers_is_a_colour_between_theirs(name):
    new, old = chip(1, (0.45, 0.3, 0.25)), chip(2, (0.6, 0.5, 0.45))
    inside = np.ones((SIDE, SIDE), bool)
    first = measured_colour(name, new, new, old, inside)
    second = measured_colour(name, new, new, old + 0.06, inside)
    dark, bright = (coloured(name, new, numbers).mean() for numbers in (first, second))
    between = coloured(name, new, (first + second) / 2).mean()
    assert min(dark, bright) <= between <= max(dark, bright)
    if name != "none":
        assert between == pytest.approx((dark + bright) / 2, abs=0.01)


def filmed(skin, shade=1.0):
    """Pictures of a face of one colour on a blue ground, with its landmarks."""
    picture = np.full((200, 200, 3), (40, 60, 200), np.uint8)
    picture[20:180, 30:170] = np.rint(np.multiply(skin, shade))
    return [(picture, (TEMPLATE * 200).astype(np.float32))] * 3


LIGHT, DARK, GRADED = (210, 165, 140), (120, 85, 65), (150, 146, 143)


def test_people_of_any_complexion_are_filmed_alike_and_a_grade_is_told():
    light, dark, graded = (complexion(filmed(skin)) for skin in (LIGHT, DARK, GRADED))
    assert filmed_alike(light, dark) and filmed_alike(dark, complexion(filmed(LIGHT, 0.7)))
    assert not filmed_alike(light, graded)
    assert not filmed_alike(light, None) and complexion([]) is None


def test_a_face_keeps_its_complexion_only_where_the_cameras_agree():
    def two(*skins):
        return TwoFaces(*(Proportions(0.33, np.ones(72), complexion(filmed(s))) for s in skins))

    auto = PictureSettings(colour="auto")
    assert matcher_for(auto, two(LIGHT, DARK)) == "light"
    assert matcher_for(auto, two(LIGHT, GRADED)) == "lab"
    assert matcher_for(auto, None) == "lab"
    assert matcher_for(PictureSettings(colour="mkl"), two(LIGHT, DARK)) == "mkl"


def test_colours_are_drawn_to_the_frames_only_where_they_are_taken_from_it():
    auto = PictureSettings(blend="auto")
    assert [blender_for(auto, name) for name in ("light", "none", "lab", "sliced")] == [
        "feather",
        "feather",
        "poisson",
        "poisson",
    ]
    assert blender_for(PictureSettings(blend="multiband"), "light") == "multiband"


def test_a_face_that_is_drawn_to_the_colours_at_its_edge_ends_on_skin():
    auto = PictureSettings()
    assert (shape_for(auto, "light"), shape_for(auto, "lab")) == ("wide", "both")
    assert shape_for(PictureSettings(blend="poisson"), "light") == "both"
    assert shape_for(PictureSettings(blend="feather"), "lab") == "wide"
    assert shape_for(PictureSettings(mask="hull"), "lab") == "hull"

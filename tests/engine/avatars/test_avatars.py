"""Rendered people: the same call the same picture, the truth where it is said to be."""

from dataclasses import replace

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from engine.avatars.identities import PEOPLE, random_identity, swap
from engine.avatars.landmarks import FIRST_DEFINED, true_landmarks
from engine.avatars.parameters import Pose, pack, scene, unpack
from engine.avatars.render import Rendered, render_frame
from engine.faces.detect import FaceFinder

ANNA, BRUNO = PEOPLE["anna"], PEOPLE["bruno"]
SMALL = (160, 120)
TURNED = Pose(yaw=12, pitch=4, mouth_open=0.5, smile=0.3)
LIT_FROM_FRONT = replace(TURNED, light_azimuth=10, light_elevation=0)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def swapped() -> tuple[Rendered, Rendered]:
    """Bruno, and anna's face in bruno's frame, in one pose."""
    return (
        render_frame(BRUNO, LIT_FROM_FRONT, SMALL, noise_seed=7),
        render_frame(swap(BRUNO, ANNA), LIT_FROM_FRONT, SMALL, noise_seed=7),
    )


def test_the_same_call_gives_the_same_picture(swapped: tuple[Rendered, Rendered]) -> None:
    again = render_frame(BRUNO, LIT_FROM_FRONT, SMALL, noise_seed=7)
    assert np.array_equal(again.rgb, swapped[0].rgb)
    assert np.array_equal(again.face, swapped[0].face)


def test_a_picture_has_the_size_and_types_asked_for(swapped: tuple[Rendered, Rendered]) -> None:
    rendered = swapped[0]
    assert rendered.rgb.shape == (120, 160, 3)
    assert rendered.face.shape == rendered.person.shape == (120, 160)
    assert {rendered.rgb.dtype, rendered.face.dtype} == {np.dtype(np.uint8)}
    assert 0.05 < (rendered.face > 127).mean() < 0.3


def test_a_swap_leaves_everything_but_face_and_neighbourhood(
    swapped: tuple[Rendered, Rendered],
) -> None:
    before, after = swapped
    changed = np.abs(before.rgb.astype(int) - after.rgb).max(-1) > 3
    faces = np.maximum(before.face, after.face) > 0
    # Jaw, ears' tone and shadows change a little way around the face.
    near = cv2.dilate(faces.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    assert not changed[~near].any()
    assert changed[faces].mean() > 0.8


def test_a_swap_keeps_the_frame_and_takes_the_face() -> None:
    answer = swap(BRUNO, ANNA)
    assert answer.face is ANNA.face
    assert answer.frame is BRUNO.frame


def test_a_packed_scene_comes_back_whole() -> None:
    whole = scene(ANNA, TURNED)
    packed = pack(whole)
    again = unpack(jnp.asarray(packed))
    assert again.face.jaw_width == pytest.approx(ANNA.face.jaw_width)
    assert again.frame.shirt == pytest.approx(ANNA.frame.shirt)
    assert again.pose.yaw == TURNED.yaw
    assert again.measures.rotation == pytest.approx(whole.measures.rotation)
    assert again.measures.openings == 1


def test_a_seed_names_one_person() -> None:
    assert random_identity(5) == random_identity(5)
    assert random_identity(5) != random_identity(6)


@pytest.mark.parametrize("name", ["anna", "bruno", "chidi"])
def test_landmarks_are_found_where_they_truly_are(finder: FaceFinder, name: str) -> None:
    pose = Pose(yaw=-10, pitch=3, mouth_open=0.2)
    truth = true_landmarks(PEOPLE[name], pose, (320, 240))
    found = finder.find(render_frame(PEOPLE[name], pose, (320, 240)).rgb)[0].landmarks
    eyes = float(np.linalg.norm(truth[36:42].mean(0) - truth[42:48].mean(0)))
    errors = np.linalg.norm(found - truth, axis=1) / eyes
    assert errors[36:48].mean() < 0.09
    assert errors[27:31].mean() < 0.09
    assert errors[48:68].mean() < 0.12
    assert errors[17:27].mean() < 0.15


def test_the_jaw_line_alone_is_undefined() -> None:
    truth = true_landmarks(ANNA, TURNED, SMALL)
    assert truth.dtype == np.float32
    assert np.isnan(truth[:FIRST_DEFINED]).all()
    assert np.isfinite(truth[FIRST_DEFINED:]).all()


@pytest.mark.parametrize("name", ["anna", "bruno"])
def test_raised_brows_move_the_brows_that_are_found(finder: FaceFinder, name: str) -> None:
    found, true = [], []
    for brow_raise in (-0.5, 1.0):
        pose = Pose(brow_raise=brow_raise)
        picture = render_frame(PEOPLE[name], pose, (320, 240)).rgb
        for landmarks, heights in (
            (finder.find(picture)[0].landmarks, found),
            (true_landmarks(PEOPLE[name], pose, (320, 240)), true),
        ):
            heights.append(landmarks[36:48, 1].mean() - landmarks[17:27, 1].mean())
    assert true[1] - true[0] > 5
    assert found[1] - found[0] > 0.5 * (true[1] - true[0])


def test_landmarks_scale_with_the_picture() -> None:
    small = true_landmarks(BRUNO, TURNED, (160, 120)) + 0.5
    large = true_landmarks(BRUNO, TURNED, (480, 360)) + 0.5
    assert np.nanmax(np.abs(3 * small - large)) < 1e-2


def test_closing_the_eyes_brings_the_lids_together() -> None:
    shut = replace(TURNED, blink_left=1.0, blink_right=1.0)
    seen, closed = (true_landmarks(ANNA, pose, (480, 360)) for pose in (TURNED, shut))
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert np.linalg.norm(seen[upper] - seen[lower]) > 4
        assert np.linalg.norm(closed[upper] - closed[lower]) < 1

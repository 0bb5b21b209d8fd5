"""Following a head from frame to frame, and not across a cut."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.faces.tracks import Sighting, chains, group_tracks, overlap, thumbnail
from projects.faces import Face

DARK = np.zeros((16, 16, 3), np.float32)
LIGHT = np.full((16, 16, 3), 0.4, np.float32)


def seen(frame: int, left: int, look: NDArray[np.float32] = DARK) -> Sighting:
    return Sighting(frame, (left, 0, left + 100, 100), look)


def test_two_heads_side_by_side_are_two_tracks() -> None:
    sightings = [seen(frame, left) for frame in range(4) for left in (0, 200)]
    assert group_tracks(sightings, 1, 12) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_heads_that_change_their_order_in_the_list_are_still_followed() -> None:
    sightings = [seen(0, 0), seen(0, 200), seen(1, 205), seen(1, 5)]
    assert group_tracks(sightings, 1, 12) == [[0, 3], [1, 2]]


def test_another_face_in_the_same_place_after_a_cut_is_another_track() -> None:
    sightings = [seen(0, 0), seen(1, 0), seen(2, 0, LIGHT), seen(3, 0, LIGHT)]
    assert group_tracks(sightings, 1, 12) == [[0, 1], [2, 3]]


def test_a_missing_frame_ends_a_track() -> None:
    assert group_tracks([seen(0, 0), seen(2, 0)], 1, 12) == [[0], [1]]
    assert group_tracks([seen(0, 0), seen(2, 0)], 2, 12) == [[0, 1]]


def test_a_long_track_is_cut_into_groups() -> None:
    groups = group_tracks([seen(frame, 0) for frame in range(30)], 1, 12)
    assert [len(group) for group in groups] == [12, 12, 6]


def test_every_sighting_is_in_one_group() -> None:
    rng = np.random.default_rng(3)
    sightings = [seen(f, int(rng.integers(0, 300))) for f in range(50) for _ in range(3)]
    places = sorted(place for group in group_tracks(sightings, 1, 5) for place in group)
    assert places == list(range(150))


def test_overlap_is_shared_area_over_covered_area() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == 50 / 150
    assert overlap((0, 0, 10, 10), (10, 10, 20, 20)) == 0


def test_a_thumbnail_is_the_picture_made_small() -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[:, 128:, 1] = 255
    small = thumbnail(picture)
    assert small.shape == (16, 16, 3)
    assert small[:, :8].max() == 0
    assert (small[:, 8:, 1] == 1).all()


def test_a_chain_follows_small_moves_within_one_source(
    made_face: Callable[..., Face], at_distance: Callable[[float], NDArray[np.float32]]
) -> None:
    own = at_distance(0.1)
    faces = [made_face(frame, left=100 + 2 * frame, embedding=own) for frame in range(5)]
    faces += [made_face(5, left=160, embedding=own)]
    faces += [made_face(6, left=160, embedding=own, source="6" * 64)]
    assert chains(faces, 1) == [[0, 1, 2, 3, 4], [5], [6]]


def test_imported_pictures_never_go_on_from_one_another(
    made_face: Callable[..., Face], at_distance: Callable[[float], NDArray[np.float32]]
) -> None:
    faces = [made_face(frame, embedding=at_distance(0.1)) for frame in range(3)]
    imported = [replace(face, crop=f"import-{face.frame:024x}.png") for face in faces]
    assert chains(faces, 1) == [[0, 1, 2]]
    assert chains(imported, 1) == [[0], [1], [2]]

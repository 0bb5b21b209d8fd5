"""The angles of a head, with their signs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.faces import pose
from engine.faces.pose import head_pose
from engine.faces.template import TEMPLATE


def seen(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """Landmarks of the mean head turned by the documented rotation, seen from afar, y down."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    turned = pose._HEAD @ (about_y @ about_x @ about_z).T
    points = TEMPLATE * 200
    points[pose._USED] = turned[:, :2] * [60, -60] + [320, 180]
    return points.astype(np.float32)


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (25, 0, 0), (-25, 0, 0), (0, 15, 0), (0, -15, 0), (10, -8, 20)]
)
def test_a_head_turned_by_known_angles_reads_as_them(angles: tuple[float, float, float]) -> None:
    found = head_pose(seen(*angles))
    np.testing.assert_allclose((found.yaw, found.pitch, found.roll), angles, atol=2.5)


def test_the_signs_are_those_of_the_picture() -> None:
    assert seen(20, 0, 0)[30, 0] > seen(0, 0, 0)[30, 0], "yaw > 0 moves the nose to the right"
    assert seen(0, 15, 0)[30, 1] < seen(0, 0, 0)[30, 1], "pitch > 0 moves the nose up"
    left, right = seen(0, 0, 15)[[36, 45]]
    assert right[1] < left[1], "roll > 0 raises the eye on the picture's right"


def test_neither_place_nor_size_in_the_frame_matters() -> None:
    points = seen(12, 5, -7)
    near, far = head_pose(points), head_pose(points * 0.2 + 700)
    np.testing.assert_allclose(
        (near.yaw, near.pitch, near.roll), (far.yaw, far.pitch, far.roll), atol=1e-2
    )


def test_points_that_coincide_have_no_pose() -> None:
    assert head_pose(np.ones((68, 2), np.float32)) == pose.HeadPose(0.0, 0.0, 0.0)

"""Which way a head is turned, from its landmarks.

The head's axes are x to the picture's right, y up, z towards the camera, and the rotation is
R = Ry(yaw) Rx(pitch) Rz(roll), as `engine.avatars` turns its heads:

- yaw > 0: the face turns towards the picture's right;
- pitch > 0: the face looks up;
- roll > 0: the head tilts anticlockwise in the picture.

The angles are those against the ray from the camera to the face: what a chip shows of the head.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Lids and lips move with expression and jaw points slide along the contour when the head turns, so
# only the bridge and base of the nose, the corners of the eyes and of the mouth are used.
_USED: Final = np.array([27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45, 48, 54])

# A mean head in units of the distance between the eye centres, with its origin between them.
# x and y are those of `template`; z was triangulated from dlib's landmarks on six synthetic heads
# rendered at known angles.
_HEAD: Final = np.array(
    [
        (0.000, 0.036, 0.235),
        (0.000, -0.177, 0.321),
        (0.000, -0.389, 0.419),
        (0.000, -0.603, 0.517),
        (-0.208, -0.747, 0.285),
        (0.000, -0.800, 0.359),
        (0.208, -0.747, 0.285),
        (-0.698, 0.005, -0.068),
        (-0.288, -0.028, 0.013),
        (0.288, -0.028, 0.013),
        (0.698, 0.005, -0.068),
        (-0.405, -1.089, 0.042),
        (0.405, -1.089, 0.042),
    ]
)
_FLIP: Final = np.array([1.0, -1.0, -1.0])
"""From the head's axes to those of OpenCV's camera: x right, y down, z away."""
_DISTANCE: Final = 15.0
"""From camera to head in eye distances, about one metre."""


@dataclass(frozen=True)
class HeadPose:
    """Degrees; see the module for the signs."""

    yaw: float
    pitch: float
    roll: float


def head_pose(landmarks: NDArray[np.floating]) -> HeadPose:
    """The pose of one face.

    landmarks: [68, 2] frame pixels (x, y), y down. No camera is needed: the head is taken to be
    seen head-on from about a metre. Mean errors on 36 synthetic faces at up to 30 degrees with
    moving mouths: yaw 2.6, pitch 5.1, roll 0.9 degrees. Pitch also carries a person's
    proportions (a long nose seems to look down), so compare it within a person.
    """
    points = landmarks[_USED].astype(np.float64)
    spread = np.sqrt(((points - points.mean(0)) ** 2).sum())
    model_spread = np.sqrt(((_HEAD[:, :2] - _HEAD[:, :2].mean(0)) ** 2).sum())
    if not spread > 0:
        return HeadPose(0.0, 0.0, 0.0)
    # The camera's centre is put on the face and its unit is the head's size at that distance, so
    # neither the frame's size nor a focal length enters.
    rays = (points - points.mean(0)) * (model_spread / spread / _DISTANCE)
    _, turn, _ = cv2.solvePnP(
        _HEAD * _FLIP,
        rays,
        np.eye(3),
        None,
        np.zeros((3, 1)),
        np.array([[0.0], [0.0], [_DISTANCE]]),
        True,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    rotation = cv2.Rodrigues(turn)[0] * np.outer(_FLIP, _FLIP)
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    pitch = np.arcsin(np.clip(rotation[1, 2], -1.0, 1.0))
    roll = np.arctan2(rotation[1, 0], rotation[1, 1])
    return HeadPose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))

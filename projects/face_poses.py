"""Poses in steps: which way the faces of a dataset look, and how many look each way."""

from __future__ import annotations

from collections import Counter

from projects.face_groups import PITCH_STEP, YAW_STEP
from projects.face_query import EVERY, Selection
from projects.faces import FaceIndex


def pose_counts(index: FaceIndex, where: Selection = EVERY) -> dict[tuple[int, int], int]:
    """How many faces look each way that occurs, by the steps of yaw and pitch.

    The steps (2, -1) are within half a step of 30 degrees of yaw and -10 of pitch. Faces whose
    angles were damaged are left out.
    """
    return dict(
        Counter(
            (round(yaw / YAW_STEP), round(pitch / PITCH_STEP))
            for yaw, pitch in index.columns(("yaw", "pitch"), where)
            if yaw is not None and pitch is not None
        )
    )

"""The colour of people's faces as their footage has it, and whether that was made alike.

Complexion is a part of whom a face belongs to; a camera's white balance and a grade are not. The
skin of people differs far more in L* than in a* and b* (K. Xiao et al., "Characterising the
variations in ethnic skin colours", Skin Research and Technology 23, 2017), so two people who differ
much in these two were lit, filmed or graded otherwise.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.colour import to_lab
from engine.conversion.swapper import face_mask
from engine.faces.align import crop, fit_transform

Complexion = npt.NDArray[np.float64]
"""float64 [3], CIE L*a*b*."""

ALIKE: Final = 8.0
"""The most that two people differ in a* and b* who were filmed alike. Rendered people of all
complexions, under one light: at most 6; the two real people at hand, of two films: 12."""
_SIZE: Final = 32


def complexion(
    faces: Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.floating]]],
) -> Complexion | None:
    """The median over faces, each a picture, uint8 [H, W, 3] RGB, and its landmarks [68, 2] in
    pixels; None without any."""
    each = []
    for picture, landmarks in faces:
        transform = fit_transform(landmarks)
        chip = to_lab(np.asarray(crop(picture, transform, _SIZE) / 255, np.float32))
        inside = face_mask(landmarks, transform, _SIZE) > 127
        each.append(np.median(chip[inside], axis=0))
    return np.median(each, axis=0).astype(np.float64) if each else None


def filmed_alike(one: Complexion | None, other: Complexion | None) -> bool:
    """Whether the colours of two people's footage can be compared; not where one is unknown."""
    if one is None or other is None:
        return False
    return float(np.hypot(*(one[1:] - other[1:]))) <= ALIKE

"""Giving the decoded face the light and colours of the face that it replaces."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.inside import pixels_in
from engine.conversion.transport import MATCHERS, Numbers

Chip = npt.NDArray[np.float32]
Inside = npt.NDArray[np.bool_]

LEAST_PIXELS: Final = 16
"""Fewer pixels say nothing about a face's colours."""
_SAMPLES: Final = 4096


def measured_colour(
    name: str, decoded: Chip, own: Chip, original: Chip, inside: Inside
) -> Numbers | None:
    """What one frame says about the colours, for the matcher `name`; None without a face.

    All chips float32 [S, S, 3] RGB in 0..1; inside: bool [S, S], the face. decoded: the new face.
    own: the original as the model renders it with the decoder of the person whom it shows.
    original: what the frame shows.
    """
    count = int(inside.sum())
    if count < LEAST_PIXELS:
        return None
    # Of a large chip some pixels say as much as all of them.
    every = max(1, count // _SAMPLES)
    some = (pixels_in(inside, chip)[::every] for chip in (decoded, own, original))
    new, mine, old = (to_lab(pixels[:, None])[:, 0] for pixels in some)
    return MATCHERS[name].measure(new, mine, old)


def coloured(name: str, decoded: Chip, numbers: Numbers | None) -> Chip:
    """The chip, float32 [S, S, 3] RGB in 0..1, in the colours that `numbers` ask for."""
    if numbers is None or not numbers.size:
        return decoded
    lab = to_lab(decoded)
    changed = MATCHERS[name].change(lab.reshape(-1, 3), numbers).reshape(lab.shape)
    rgb = cv2.cvtColor(np.ascontiguousarray(changed, np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.asarray(rgb, np.float32), 0, 1)


def to_lab(chip: Chip) -> Chip:
    """CIE L*a*b* of RGB in 0..1."""
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2LAB), np.float32)

"""What a perfect model would answer: the source in person, doing what is asked, in its light.

Nobody who learnt the source from her own footage can know more of her. So her marks are the most
that a model can get: what they lack of the truth is her hair, which lies over a part of the face
that the truth shows bare, and the places of landmarks, which are never found quite alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.avatars.identities import Identity
from engine.avatars.parameters import Pose
from engine.avatars.render import render_frame
from engine.faces.align import Alignment, crop, fit_transform
from engine.quality.exact import Finds, largest
from projects.errors import SwapdeckError


def in_person(
    source: Identity,
    poses: Sequence[Pose],
    picture: tuple[int, int],
    size: int,
    finder: Finds,
    alignment: Alignment,
) -> list[NDArray[np.uint8]]:
    """A chip of the source in each pose, uint8 [size, size, 3] RGB, cut by her own landmarks.

    picture: width and height of the scene's frames. Raises SwapdeckError where no face is found.
    """
    chips = []
    for number, pose in enumerate(poses):
        image = render_frame(source, pose, picture, noise_seed=number).rgb
        face = largest(finder, image)
        if face is None:
            raise SwapdeckError(f"No face was found in picture {number} that was rendered.")
        chips.append(crop(image, fit_transform(face.landmarks, alignment), size))
    return chips

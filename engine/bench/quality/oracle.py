"""A decoder that cannot be beaten: it answers with the truth's own chip.

What is lost after it was lost by the conversion, and not by the network. Every chip of the
footage is known beforehand; the one that it is shown is looked up by its pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.conversion.locate import LocatedFace
from engine.conversion.swapper import Swapper, Who
from engine.faces.align import crop
from engine.quality.exact import warp_mask
from projects.errors import SwapdeckError

_ALIKE: Final = 4.0
"""Mean levels by which a chip may differ from the one it is taken for."""

Pictures = NDArray[np.uint8]


class Oracle(Swapper):
    """Implements `engine.conversion.swapper.Swapper` for one scene whose truth is known."""

    def __init__(
        self,
        frames: Pictures,
        truth: Pictures,
        face: NDArray[np.bool_],
        located: Mapping[int, LocatedFace],
        exact: Mapping[int, LocatedFace],
        size: int,
    ) -> None:
        """frames, truth: uint8 [T, H, W, 3] RGB. face: bool [T, H, W], the truth's face.

        located: the target's face in `frames`, as the conversion has it. exact: the face in
        `truth`, in whose alignment a decoder would answer.
        """
        self._size = size
        known = sorted(set(located) & set(exact))
        if not known:
            raise SwapdeckError("The face was found in no frame of the scene and of its truth.")
        self._shown = np.stack([crop(frames[i], located[i].transform, size) for i in known])
        self._answers = np.stack([crop(truth[i], exact[i].transform, size) for i in known])
        self._masks = np.stack([warp_mask(face[i], exact[i].transform, size) for i in known])

    @property
    def size(self) -> int:
        return self._size

    def chips(
        self, images: Pictures, masks: Pictures, person: Who
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Swapper.chips`. The target's decoder gives back what it is shown.

        Raises SwapdeckError for a chip that is not of the scene.
        """
        rgb = np.asarray(images / np.float32(255), np.float32)
        mask = np.ones(images.shape[:3], np.float32)
        if person == "source":
            for number, image in enumerate(images):
                if image.any():  # a batch is filled up with black
                    frame = self._frame_of(image)
                    rgb[number] = self._answers[frame] / np.float32(255)
                    mask[number] = self._masks[frame]
        return rgb, mask

    def _frame_of(self, image: Pictures) -> int:
        differs = np.abs(self._shown.astype(np.int16) - image).mean((1, 2, 3))
        nearest = int(differs.argmin())
        if differs[nearest] > _ALIKE:
            raise SwapdeckError(
                "The conversion showed the oracle a chip that is in no frame of the scene: it cuts "
                "chips in another way than where the face was located."
            )
        return nearest

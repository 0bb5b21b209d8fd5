"""What conversion and measurement need of a trained model."""

from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.faces.align import apply, chip_matrix
from engine.faces.masks import FOREHEAD, face_hull_mask

Who = Literal["source", "target"]
OTHER: Final[dict[Who, Who]] = {"source": "target", "target": "source"}


class Swapper(Protocol):
    """A model that sees chips of one person and answers with the same moment in another's face."""

    @property
    def size(self) -> int:
        """Side S of the chips in pixels."""
        ...

    def chips(
        self, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8], person: Who
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Decode chips with a person's decoder.

        images: uint8 [N, S, S, 3] RGB, cut by `engine.faces.align.crop`.
        masks: uint8 [N, S, S], 0 to 255, the faces in them as `face_mask` draws them; a model that
        was trained on masked chips hides the rest from its encoder.
        Returns rgb, float32 [N, S, S, 3] in 0..1, and the mask that the model learnt, float32
        [N, S, S] in 0..1, all ones where it has learnt none. N is the same from call to call, so
        that a compiled model is compiled once.
        """
        ...

    def both(
        self, images: npt.NDArray[np.uint8], masks: npt.NDArray[np.uint8], person: Who
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """As `chips`, and then, float32 [N, S, S, 3] in 0..1, what the other person's decoder
        answers. A model that encodes them once for both has a cheaper way than this one."""
        rgb, mask = self.chips(images, masks, person)
        return rgb, mask, self.chips(images, masks, OTHER[person])[0]


def face_mask(
    landmarks: npt.NDArray[np.floating], transform: npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.uint8]:
    """The face in a chip of `size` pixels by its outline: uint8 [size, size], 0 to 255.

    landmarks: [68, 2] frame pixels. transform: float64 [2, 3], frame pixels to the unit chip.
    """
    return face_hull_mask(apply(chip_matrix(transform, size), landmarks), size, FOREHEAD)

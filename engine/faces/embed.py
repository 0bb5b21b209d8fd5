"""Identity as 128 numbers: near for pictures of one person, far for pictures of two.

dlib's ResNet-29 after K. He et al., "Deep residual learning for image recognition", CVPR 2016,
trained by D. King with a metric loss so that pictures of one person lie within 0.6 of each other.
"""

import dlib
import numpy as np
from numpy.typing import NDArray

from engine.faces.models import load_embedding_model


class Embedder:
    """Computes identity embeddings. Takes 70 ms a face and holds the GIL: use processes."""

    def __init__(self) -> None:
        """Raises ModelError."""
        self._model = load_embedding_model()

    def embed(
        self, image: NDArray[np.uint8], landmarks: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """The embedding of one face: float32 [128], to be compared by Euclidean distance.

        image: uint8 [H, W, 3] RGB. landmarks: [68, 2] of the face in its pixels.
        """
        points = np.rint(landmarks).astype(int)
        left, top = points.min(0)
        right, bottom = points.max(0)
        shape = dlib.full_object_detection(
            dlib.rectangle(int(left), int(top), int(right), int(bottom)),
            [dlib.point(int(x), int(y)) for x, y in points],
        )
        numbers = self._model.compute_face_descriptor(np.ascontiguousarray(image), shape)
        return np.array(numbers, np.float32)


def distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The Euclidean distance of two embeddings [128]."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))

"""Pictures that say who a person is, and who they are not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.faces.embed import Embedder
from engine.faces.identity import References
from engine.faces.picture import Picture
from engine.faces.sight import Sighter
from engine.media.pictures import read_picture
from projects.errors import CommandError
from projects.names import printable


def read_references(
    like: Sequence[Path], not_like: Sequence[Path], landmark_model: Path | None = None
) -> References:
    """The embeddings of the largest face in each picture of the person, and of every face in those
    of others.

    Raises CommandError: no face is found in a picture. MediaError, ModelError.
    """
    if not like and not not_like:
        return References()
    sighter, embedder = Sighter("hog", landmark_model), Embedder()

    def embeddings(pictures: Sequence[Path], most: int | None) -> NDArray[np.float32]:
        found: list[NDArray[np.float32]] = []
        for path in pictures:
            image = read_picture(path)
            sights = sighter.find_all(Picture(image))[:most]
            if not sights:
                raise CommandError(
                    f"No face is found in {printable(str(path))}. Give a picture in which the face "
                    "is turned towards the camera and at least 80 pixels wide."
                )
            found += [embedder.embed(image, sight.points) for sight in sights]
        return np.array(found, np.float32).reshape(-1, 128)

    return References(embeddings(like, 1), embeddings(not_like, None))

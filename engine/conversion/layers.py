"""Layers for compositing: the new faces on nothing, their masks, and where they lie in each frame.

Laid over the footage as it was, straight alpha, they give what a conversion writes, to a rounding;
whoever composites has every choice left. They are not marked, because what is made of them is what
must be: a note beside them says so, and is signed.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.compose import layout, matte
from engine.conversion.parts import Part
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import Rendered
from engine.media.errors import MediaError
from projects.files import write_bytes, write_json, write_text

VERSION: Final = 1
FACES, MASKS, FILE, NOTICE = "face", "mask", "transforms.json", "MUST-BE-MARKED.txt"
_NOTICE: Final = """\
The pictures in this folder are parts of a synthetic result: somebody's face, made by a model, to be
laid over footage of somebody else. They carry no watermark, because compositing would spoil it.

Whatever is made of them has to be marked as synthetic before anybody else sees it: with content
credentials (C2PA, digitalSourceType compositeWithTrainedAlgorithmicMedia), and with a label where
the law or the people who consented ask for one. `swapdeck convert` without --layers does that by
itself. The consent of both people covers the final picture as it covers these layers.

    face/NNNNNN.png        16-bit RGBA, straight alpha: the new faces on nothing
    mask/NNNNNN.png        16-bit grey: the same alpha by itself
    transforms.json        for every frame and face: where it was found and where it was laid

Frames are numbered from 0, as in the footage; one without a new face has no pictures.
"""


def write_layers(
    folder: Path,
    frames: Iterable[Rendered],
    parts: Sequence[Part],
    settings: ConvertSettings,
    said: dict[str, Any],
) -> int:
    """Fill an empty folder; how many frames have a face. said: what of the footage and of the
    models is written down beside the transforms. Raises SwapdeckError on a full disk."""
    for name in (FACES, MASKS):
        (folder / name).mkdir()
    listed: list[dict[str, Any]] = []
    count = 0
    size: tuple[int, ...] = ()
    for one in frames:
        faces = [
            {
                "role": parts[decoded.face.role].role.who,
                "track": decoded.face.track,
                "box": list(decoded.face.box),
                "landmarks": np.round(decoded.face.landmarks, 2).tolist(),
                "cut": decoded.face.transform.tolist(),
                "placed": layout(decoded, look, settings.at(one.frame.index)).place.tolist(),
            }
            for decoded, look in one.faces
        ]
        listed.append({"frame": one.frame.index, "time": one.frame.time, "faces": faces})
        size = one.frame.image.shape
        if one.faces:
            count += 1
            face, alpha = _layer(one, settings)
            name = f"{one.frame.index:06d}.png"
            write_bytes(folder / FACES / name, _png(np.dstack([face[..., ::-1], alpha])))
            write_bytes(folder / MASKS / name, _png(alpha))
    about = {
        "version": VERSION,
        "synthetic": True,
        "must_be_marked": True,
        "width": size[1] if size else 0,
        "height": size[0] if size else 0,
        "transforms": "2x3 matrices from frame pixels to the unit square of a face: 'cut' is where "
        "the old face was cut out, 'placed' where the new one is laid",
    }
    write_json(folder / FILE, {**about, **said, "frames": listed})
    write_text(folder / NOTICE, _NOTICE)
    return count


def _layer(
    one: Rendered, settings: ConvertSettings
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """The new faces, uint16 [H, W, 3] RGB, and how much of a frame they are, uint16 [H, W].

    The colour under the alpha is what gives the converted frame again when it is laid over the
    original.
    """
    old, new = (image.astype(np.float64) for image in (one.original.image, one.frame.image))
    here = settings.at(one.frame.index)
    left = np.ones(old.shape[:2])
    for decoded, look in one.faces:
        left *= 1 - matte(old.shape, layout(decoded, look, here), here) / 255.0
    # A blender that reaches beyond the mask changes pixels that the mask alone would not show.
    changed = (old != new).any(-1)
    alpha = np.maximum(1 - left, changed / 255.0)
    # Where the alpha is small the colour must go far to give the change: more alpha, if it cannot.
    toward = np.where(new > old, 255 - old, old)
    least = (np.abs(new - old) / np.maximum(toward, 1)).max(-1)
    alpha = np.clip(np.maximum(alpha, least), 0, 1)
    safe = np.maximum(alpha, 1e-6)[..., None]
    colour = np.where(alpha[..., None] > 0, old + (new - old) / safe, 0)
    return (
        np.rint(np.clip(colour, 0, 255) * 257).astype(np.uint16),
        np.rint(alpha * 65535).astype(np.uint16),
    )


def _png(image: npt.NDArray[np.uint16]) -> bytes:
    done, data = cv2.imencode(".png", image)
    if not done:
        raise MediaError("A layer could not be written as a PNG. Check the size of the footage.")
    return bytes(data.tobytes())

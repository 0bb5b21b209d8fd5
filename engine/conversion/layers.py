"""Layers for compositing: the new faces on nothing, their masks, and where they lie in each frame.

Laid over the footage as it was, straight alpha, they give what a conversion writes, to a rounding;
whoever composites has every choice left. They are not marked, because what is made of them is what
must be: a note beside them says so, and is signed.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.conversion.compose import layout, matte
from engine.conversion.parts import Part
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import Rendered
from engine.media.assemble import Load
from engine.media.encode import EncodedPart
from engine.media.errors import MediaError
from projects.texts import jsonable, write_json, write_text

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


class LayerEncoder:
    """Encodes a stretch of frames as layers.

    A packet is the two pictures of a frame, one behind the other, and empty where it has no new
    face. The header is JSON: the frames' size, where in each packet the mask begins, and where the
    faces lie.
    """

    def __init__(self, parts: Sequence[Part], settings: ConvertSettings) -> None:
        self._parts = parts
        self._settings = settings
        self._packets: list[bytes] = []
        self._stamps: list[int] = []
        self._masks: list[int] = []
        self._listed: list[dict[str, Any]] = []
        self._size: tuple[int, int] = (0, 0)
        self.frames = 0
        self.bytes = 0

    def add(self, one: Rendered) -> None:
        """The next frame. Raises MediaError where it cannot be a PNG."""
        face = mask = b""
        if one.faces:
            colour, alpha = _layer(one, self._settings)
            face, mask = _png(np.dstack([colour[..., ::-1], alpha])), _png(alpha)
        self._packets.append(face + mask)
        self._masks.append(len(face))
        self._stamps.append(one.frame.index if one.frame.pts is None else one.frame.pts)
        self._listed.append(_transforms(one, self._parts, self._settings))
        self._size = one.frame.image.shape[1], one.frame.image.shape[0]
        self.frames += 1
        self.bytes += len(self._packets[-1])

    def finish(self) -> EncodedPart:
        """All layers."""
        said = {"size": self._size, "masks": self._masks, "frames": self._listed}
        return EncodedPart(
            np.frombuffer(b"".join(self._packets), np.uint8),
            np.array([len(data) for data in self._packets], np.int64),
            np.array(self._stamps, np.int64),
            np.ones(len(self._packets), np.int64),
            np.frombuffer(json.dumps(jsonable(said)).encode(), np.uint8),
        )


def write_layers(folder: Path, loads: Sequence[Load], said: dict[str, Any]) -> int:
    """Fill an empty folder with encoded stretches of layers; of how many frames. said: what of the
    footage and of the models is written down beside the transforms. Raises OSError on a full
    disk."""
    for name in (FACES, MASKS):
        (folder / name).mkdir()
    listed: list[dict[str, Any]] = []
    size = [0, 0]
    for load in loads:
        part = load()
        stretch = json.loads(part.header.tobytes())
        size = stretch["size"]
        listed += stretch["frames"]
        of_each = zip(part.packets(), stretch["masks"], stretch["frames"], strict=True)
        for (data, _, _), mask, one in of_each:
            if data:
                name = f"{one['frame']:06d}.png"
                (folder / FACES / name).write_bytes(data[:mask])
                (folder / MASKS / name).write_bytes(data[mask:])
    about = {
        "version": VERSION,
        "synthetic": True,
        "must_be_marked": True,
        "width": size[0],
        "height": size[1],
        "transforms": "2x3 matrices from frame pixels to the unit square of a face: 'cut' is where "
        "the old face was cut out, 'placed' where the new one is laid",
    }
    write_json(folder / FILE, {**about, **said, "frames": listed})
    write_text(folder / NOTICE, _NOTICE)
    return len(listed)


def _transforms(one: Rendered, parts: Sequence[Part], settings: ConvertSettings) -> dict[str, Any]:
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
    return {"frame": one.frame.index, "time": one.frame.time, "faces": faces}


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

"""What models answered for faces, kept so that another blend needs no inference.

Answers are kept for stretches of frames of one role, under everything they follow from: the model,
the footage, and where exactly the faces are. A changed place is another key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.conversion.cache import Arrays, Store, keep, key_of
from engine.conversion.locate import Faces, LocatedFace
from engine.conversion.parts import Part

LENGTH: Final = 64
"""Frames of a stretch."""
_BEHIND: Final = 4
"""Stretches by which answers may come after their questions."""
_VERSION: Final = 1
_KEPT: Final = np.float16
"""Steps of at most a fifth of a grey level, in half the room."""


@dataclass(frozen=True)
class Answer:
    """What a model answered for one face, as `Decoded` has it; `own` only where it was asked."""

    rgb: npt.NDArray[np.float32]
    mask: npt.NDArray[np.float32]
    own: npt.NDArray[np.float32] | None

    def kept(self) -> "Answer":
        """As it comes back out of the cache, so that a first rendering is as every later one."""
        own = None if self.own is None else _widened(self.own.astype(_KEPT))
        return Answer(_widened(self.rgb.astype(_KEPT)), _widened(self.mask.astype(_KEPT)), own)


class ChipCache:
    """Answers for the faces of one role. Serves one thread."""

    def __init__(
        self, store: Store, part: Part, role: int, digest: str, faces: Faces, own: bool
    ) -> None:
        """digest: of the footage. own: whether answers of the face's own decoder are wanted."""
        self._store = store
        self._base: list[Any] = [_VERSION, part.model, part.who, digest, own]
        self._part = part
        self._role = role
        self._faces = faces
        self._own = own
        self._stretch = -1
        self._known: dict[int, Answer] = {}
        self._new: dict[int, dict[int, Answer]] = {}

    def find(self, frame: int) -> Answer | None:
        """What is known of the face in a frame; frames are asked for in ascending order."""
        self._enter(frame // LENGTH)
        return self._known.get(frame)

    def add(self, frame: int, answer: Answer) -> None:
        """Something new; a stretch is stored when all of it is there."""
        stretch = frame // LENGTH
        new = self._new.setdefault(stretch, {})
        new[frame] = answer
        expected = self._expected(stretch)
        if len(new) == len(expected):
            keep(self._store, "chips", self._key(expected), self._arrays(new))
            del self._new[stretch]

    def _enter(self, stretch: int) -> None:
        if stretch == self._stretch:
            return
        self._stretch = stretch
        # A run that began in the middle of a stretch never has all of it.
        self._new = {n: new for n, new in self._new.items() if n >= stretch - _BEHIND}
        expected = self._expected(stretch)
        stored = self._store.load("chips", self._key(expected)) if expected else None
        self._known = self._read(stored, [face.frame for face in expected]) if stored else {}

    def _expected(self, stretch: int) -> list[LocatedFace]:
        frames = range(stretch * LENGTH, (stretch + 1) * LENGTH)
        return [face for n in frames for face in self._faces.get(n, ()) if face.role == self._role]

    def _key(self, faces: Sequence[LocatedFace]) -> str:
        masks = self._part.by_hand.masks
        return key_of(
            *self._base,
            [face.frame for face in faces],
            np.stack([face.transform for face in faces]),
            np.stack([face.landmarks for face in faces]),
            *(mask.mask for face in faces for mask in masks.get(face.frame, ())),
        )

    def _arrays(self, answers: dict[int, Answer]) -> Arrays:
        ordered = [answers[frame] for frame in sorted(answers)]
        arrays: Arrays = {
            "rgb": np.stack([one.rgb for one in ordered]).astype(_KEPT),
            "mask": np.stack([one.mask for one in ordered]).astype(_KEPT),
        }
        if self._own:
            arrays["own"] = np.stack([_given(one.own) for one in ordered]).astype(_KEPT)
        return arrays

    def _read(self, stored: Arrays, frames: Sequence[int]) -> dict[int, Answer]:
        wanted = ("rgb", "mask", "own") if self._own else ("rgb", "mask")
        if any(name not in stored or len(stored[name]) != len(frames) for name in wanted):
            return {}
        return {
            frame: Answer(
                _widened(stored["rgb"][n]),
                _widened(stored["mask"][n]),
                _widened(stored["own"][n]) if self._own else None,
            )
            for n, frame in enumerate(frames)
        }


Caches = Callable[[Part, int], ChipCache | None]
"""The cache for a part and the number of its role, where there is one."""


def _given(own: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
    if own is None:
        raise ValueError("an answer without its own decoder's was to be kept with it")
    return own


def _widened(array: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    return np.asarray(array, np.float32)

"""A face in one frame: found by a detector, or placed anew where flow says that it went.

Landmarks come from an ensemble of regression trees (V. Kazemi, J. Sullivan, CVPR 2014), whose
answer trembles with the box that it starts from. Here they are the mean over two boxes that are
fitted to the face itself, so that they neither jump with the detector's grid nor tremble as much;
how far the two answers lie apart tells how sure they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.align import apply, invert, umeyama
from engine.faces.detectors import Box, Detector, Found, Hog, Mmod, detector, overlap
from engine.faces.landmarks import LandmarkModel, RegressionTrees
from engine.faces.picture import Picture, from_level, to_level
from engine.faces.template import TEMPLATE

_BOX_CENTRE: Final = np.array([[0.493, 0.467]])
_BOX_SIDE: Final = 0.655
"""Where dlib's detector draws its box, in the unit chip of a similarity fitted to all landmarks;
the mean over 900 frames of four people."""
_START: Final = ((0.0, 0.0, 0.0),)
_STARTS: Final = ((0.0, 0.03, 0.02), (0.0, -0.03, -0.02))
"""Shifts and growth of the boxes, in widths. A third box would take a fifth off what is left of the
trembling, for 1.6 ms a face."""
_MEASURED: Final = 110.0
"""Landmarks are placed where a face's box is at least so many pixels wide, and in the whole frame
where it is less."""
_SCORE_SIDE, _SCORE_MARGIN = 144, 1.6
_SCORE_FLOOR: Final = -2.0
_OFF_CENTRE: Final = 20
_SAME: Final = 0.3
SECOND_LOOK: Final = 640 * 480
"""Frames of at most this many pixels are looked at once more at twice their size when they show no
face; pictures of at most twice this many always."""
_MMOD_PIXELS: Final = 400_000
"""Pixels to which a picture is shrunk for the convolutional detector: two seconds."""
_SURE_DETECTION: Final = 1.0
"""The score of a face that another detector than HOG is sure of."""

_NO_AGREEMENT: Final = 0.06
_LEAST_AGREEMENT: Final = 0.2
"""Sunglasses and beards make landmarks differ, and are no reason to doubt the face."""
_NO_FACE, _CLEAR_FACE = -0.2, 1.4


@dataclass(frozen=True, eq=False)
class Sight:
    """One face in one frame.

    points: float64 [68, 2], frame pixels. spread: how far the answers from several boxes lie apart,
    in eye distances. score: of the HOG detector on the upright face, above 0 where it would find
    it; -2 where it sees nothing of a face. Both are NaN where nobody looked carefully. learnt: a
    detector found it that knows faces which HOG does not.
    """

    points: NDArray[np.float64]
    spread: float
    score: float
    learnt: bool = False

    @cached_property
    def box(self) -> Box:
        """See `box_around`."""
        return box_around(self.points)


class Sighter:
    """Finds faces and places landmarks. One serves one thread. Everything slow releases the GIL,
    except the convolutional detector."""

    def __init__(
        self, detector_name: str = "hog", landmark_model: Path | None = None, upsample: int = 0
    ) -> None:
        """upsample: how often frames are doubled before the search, for faces below 80 pixels.

        Raises ModelError, CommandError.
        """
        self._hog = Hog()
        self._detector: Detector = self._hog if detector_name == "hog" else detector(detector_name)
        self._landmarks: LandmarkModel = RegressionTrees(landmark_model)
        self._upsample = upsample
        self._mmod: Mmod | None = None

    def find(self, picture: Picture, *, thorough: bool, known: Sequence[Box] = ()) -> list[Sight]:
        """The faces of a frame, the widest first, but those where one is `known` to be.

        thorough: a large frame is searched at its full size besides, a small one at twice its size
        when nothing is found.
        """
        found = self._boxes(picture, thorough)
        new = [one for one in found if all(overlap(one.box, box) < _SAME for box in known)]
        return self._placed(picture, new)

    def _boxes(self, picture: Picture, thorough: bool) -> list[Found]:
        if self._detector.colour:  # these look at large frames by themselves
            return self._detector.find(picture.image, self._upsample)
        luma, scale = picture.searched
        found = self._search(luma, scale)
        if scale < 1.0:
            if thorough or not found:
                found = _together(found, self._search(picture.luma))
        elif not found and thorough and _pixels(picture) <= SECOND_LOOK:
            found = self._search(luma, more=1)
        return found

    def find_all(self, picture: Picture) -> list[Sight]:
        """The faces of a picture that stands alone, as far as any installed detector sees them."""
        if self._detector.colour:
            return self._placed(picture, self._detector.find(picture.image, self._upsample))
        found = self._search(picture.luma)
        if _pixels(picture) <= 2 * SECOND_LOOK:
            found = _together(found, self._search(picture.luma, more=1))
        self._mmod = self._mmod or Mmod()
        return self._placed(picture, _together(found, _shrunk(self._mmod, picture)))

    def follow(self, picture: Picture, points: NDArray[np.floating], *, careful: bool) -> Sight:
        """The face that is expected at these landmarks (float [68, 2], frame pixels).

        Without care, at half the cost, spread and score are NaN.
        """
        if not careful:
            placed, _ = self._place(picture, _fitted(points), _START)
            return Sight(placed, math.nan, math.nan)
        placed, spread = self._place(picture, _fitted(points), _STARTS)
        return Sight(placed, spread, self._score(picture, placed))

    def _search(self, luma: NDArray[np.uint8], scale: float = 1.0, more: int = 0) -> list[Found]:
        return [
            Found(_scaled(one.box, scale), one.score, one.learnt)
            for one in self._detector.find(luma, self._upsample + more)
        ]

    def _placed(self, picture: Picture, found: Sequence[Found]) -> list[Sight]:
        sights: list[Sight] = []
        for one in sorted(found, key=lambda one: -one.score):
            points, _ = self._place(picture, tuple(map(float, one.box)), _STARTS)
            sight = self.follow(picture, points, careful=True)
            if one.learnt:
                sight = replace(sight, score=max(sight.score, _SURE_DETECTION), learnt=True)
            if all(overlap(sight.box, other.box) < _SAME for other in sights):
                sights.append(sight)
        return sorted(sights, key=lambda sight: sight.box[0] - sight.box[2])

    def _place(
        self, picture: Picture, box: tuple[float, ...], starts: Sequence[tuple[float, ...]]
    ) -> tuple[NDArray[np.float64], float]:
        luma, scale = picture.fitting(box[2] - box[0], _MEASURED)
        corners = to_level(np.array(box).reshape(2, 2), scale)
        side = float(corners[1, 0] - corners[0, 0])
        answers = []
        for x, y, growth in starts:
            shift, half = np.array([x, y]) * side, growth * side / 2
            left, top, right, bottom = np.rint(
                np.concatenate([corners[0] + shift - half, corners[1] + shift + half])
            ).astype(int)
            answers.append(
                self._landmarks.place(luma, (int(left), int(top), int(right), int(bottom)))
            )
        several = np.stack(answers)
        mean = several.mean(0)
        eyes = float(np.hypot(*(mean[42:48].mean(0) - mean[36:42].mean(0))))
        apart = float(np.sqrt(((several - mean) ** 2).sum(-1)).mean())
        return from_level(mean, scale), apart / max(eyes, 1e-6)

    def _score(self, picture: Picture, points: NDArray[np.float64]) -> float:
        upright = picture.aligned(points, _SCORE_SIDE, _SCORE_MARGIN)
        centre = _SCORE_SIDE / 2
        near = [
            one.score
            for one in self._hog.find(upright, least=_SCORE_FLOOR)
            if abs((one.box[0] + one.box[2]) / 2 - centre) < _OFF_CENTRE
            and abs((one.box[1] + one.box[3]) / 2 - centre) < _OFF_CENTRE
        ]
        return max(near, default=_SCORE_FLOOR)


def box_around(points: NDArray[np.floating]) -> Box:
    """The square that dlib's detector would draw around landmarks [68, 2], in their pixels."""
    left, top, right, bottom = (round(side) for side in _fitted(points))
    return left, top, right, bottom


def confidence(spread: float, score: float) -> float:
    """How much a face's landmarks can be relied on, 0 to 1; see `Sight` for what it is made of.

    Uncovered faces of real footage reach 0.8 and more, those behind a hand 0.6 and less.
    """
    agreed = 1.0 - spread / _NO_AGREEMENT
    seen = (score - _NO_FACE) / (_CLEAR_FACE - _NO_FACE)
    return float(np.clip(agreed, _LEAST_AGREEMENT, 1.0) * np.clip(seen, 0.0, 1.0))


def _fitted(points: NDArray[np.floating]) -> tuple[float, ...]:
    """The square that dlib's detector draws on average around a face with these landmarks."""
    back = invert(umeyama(points.astype(np.float64), TEMPLATE))
    x, y = apply(back, _BOX_CENTRE)[0]
    half = _BOX_SIDE * float(np.hypot(*back[:, 0])) / 2
    return (x - half, y - half, x + half, y + half)


def _together(found: Sequence[Found], more: Sequence[Found]) -> list[Found]:
    """Both, without those of `more` that are known."""
    new = [one for one in more if all(overlap(one.box, known.box) < _SAME for known in found)]
    return [*found, *new]


def _shrunk(mmod: Mmod, picture: Picture) -> list[Found]:
    """What the convolutional detector finds in a picture that is made small for it."""
    scale = min(1.0, (_MMOD_PIXELS / _pixels(picture)) ** 0.5)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = cv2.resize(picture.image, (width, height), interpolation=cv2.INTER_AREA)
    found = mmod.find(np.asarray(small, np.uint8))
    return [Found(_scaled(one.box, scale), one.score, True) for one in found]


def _scaled(box: Box, scale: float) -> Box:
    if scale == 1.0:
        return box
    corners = from_level(np.array(box, np.float64).reshape(2, 2), scale)
    left, top, right, bottom = np.rint(corners.reshape(-1)).astype(int).tolist()
    return left, top, right, bottom


def _pixels(picture: Picture) -> int:
    return picture.size[0] * picture.size[1]

"""A visible label in a corner of the picture, for whoever sees it without any tool."""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from projects.errors import CommandError
from projects.names import printable

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
CORNERS: Final = get_args(Corner)
TEXT: Final = "AI-altered face"
HEIGHT: Final = 1 / 22
"""Of the label, in frame heights."""
_LONGEST: Final = 60
_OPACITY: Final = 0.75


@dataclass(frozen=True)
class Label:
    """What is written, where, and for how many seconds from the start; None is throughout."""

    text: str = TEXT
    corner: Corner = "bottom-right"
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.corner not in CORNERS:
            raise CommandError(
                f"There is no corner '{self.corner}'. Choose one of: {', '.join(CORNERS)}."
            )
        if not self.text.strip() or len(self.text) > _LONGEST or self.text != printable(self.text):
            raise CommandError(
                f"The label must be one line of 1 to {_LONGEST} ordinary characters."
            )
        if self.seconds is not None and not 0 < self.seconds < 1e6:
            raise CommandError("The label must be shown for more than 0 seconds.")

    def apply(self, image: NDArray[np.uint8], time: float) -> NDArray[np.uint8]:
        """The picture, uint8 [H, W, 3] RGB, with the label; `time` in seconds from the start."""
        if self.seconds is not None and time >= self.seconds:
            return image
        height, width = image.shape[:2]
        drawn = _drawn(self.text, max(9, round(height * HEIGHT)))
        rows, columns = min(drawn.shape[0], height), min(drawn.shape[1], width)
        space = min(round(height / 60), height - rows, width - columns)
        top = space if self.corner.startswith("top") else height - rows - space
        left = space if self.corner.endswith("left") else width - columns - space
        labelled = image.copy()
        part = labelled[top : top + rows, left : left + columns]
        mixed = (1 - _OPACITY) * part + _OPACITY * drawn[:rows, :columns]
        part[:] = np.rint(mixed).astype(np.uint8)
        return labelled


@cache
def _drawn(text: str, height: int) -> NDArray[np.uint8]:
    """White on black, uint8 [height, W, 3]."""
    font = ImageFont.load_default(height * 0.68)
    width = round(font.getlength(text)) + height // 2
    picture = Image.new("RGB", (width, height), "black")
    ImageDraw.Draw(picture).text((width / 2, height / 2), text, "white", font, "mm")
    return np.asarray(picture, np.uint8)

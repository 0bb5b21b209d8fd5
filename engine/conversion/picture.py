"""What can be chosen about the picture that a conversion makes: the part that shots may change."""

from dataclasses import dataclass, fields

from projects.conversion_options import FACE_PIXELS, PICTURE_OPTIONS
from projects.errors import CommandError
from projects.options import checked


@dataclass(frozen=True)
class PictureSettings:
    """How the new face is cut out, coloured, placed and blended.

    `projects.conversion_options` says what each of them means, and holds their bounds.
    Raises CommandError.
    """

    mask: str = "auto"
    erode: float = 0.0
    feather: float = 13.0
    occlusion: bool = True
    colour: str = "auto"
    blend: str = "auto"
    opacity: float = 1.0
    sharpness: float = 0.0
    grain: float = 0.0
    sharpen: float = 0.0
    placement: str = "own"
    outline: float = 0.0
    scale: float = 1.0
    smooth: int = 7

    def __post_init__(self) -> None:
        names = {field.name for field in fields(PictureSettings)}
        checked(PICTURE_OPTIONS, {name: getattr(self, name) for name in names}, "A conversion")
        if self.smooth % 2 == 0:
            raise CommandError(f"Smooth is {self.smooth}, and must be an odd number of frames.")


def face_pixels(length: float, size: int) -> float:
    """A length in pixels of a face, as settings have it, in pixels of a chip of `size`."""
    return length * size / FACE_PIXELS

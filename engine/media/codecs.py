"""The codecs that results are written with, what they can hold, and what holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Final

import av
from av.codec.codec import UnknownCodecError

from engine.media.errors import MediaError
from projects.errors import CommandError

SPEEDS: Final = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)
CONTAINERS: Final = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""The suffixes of videos, and FFmpeg's names of what writes them."""
PICTURE_CODECS: Final = {"png": ".png", "tiff": ".tif"}
"""Ways to write every frame as a picture, and their suffixes."""


@dataclass(frozen=True)
class Codec:
    """One way to encode video. encoder: FFmpeg's name. suffixes: of the files that hold it.
    chromas, depths: what it can hold, the coarsest first. quality: the usual constant rate factor
    and the worst one, None where there is none. presets: its own names of SPEEDS."""

    name: str
    title: str
    encoder: str
    suffixes: tuple[str, ...]
    chromas: tuple[str, ...]
    depths: tuple[int, ...]
    quality: tuple[int, int] | None = None
    presets: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None
    """By which players know it in MP4 and MOV, where FFmpeg's own choice is known by fewer."""

    def pix_fmt(self, chroma: str, depth: int) -> str:
        """The nearest format to a chroma ("420") and a depth in bits that loses nothing it can
        hold."""
        fits = [c for c in self.chromas if c >= chroma]
        chosen = fits[0] if fits else self.chromas[-1]
        deep = [d for d in self.depths if d >= depth]
        bits = deep[0] if deep else self.depths[-1]
        return f"yuv{chosen}p" if bits == 8 else f"yuv{chosen}p{bits}le"


_SAME_NAMES: Final = {speed: speed for speed in SPEEDS}
_ALL: Final = ("420", "422", "444")
CODECS: Final = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "H.264",
            "libx264",
            (".mp4", ".mov", ".mkv"),
            _ALL,
            (8, 10),
            (18, 51),
            _SAME_NAMES,
        ),
        Codec(
            "h265",
            "H.265",
            "libx265",
            (".mp4", ".mov", ".mkv"),
            _ALL,
            (8, 10, 12),
            (20, 51),
            _SAME_NAMES,
            {"x265-params": "log-level=error"},
            "hvc1",
        ),
        Codec(
            "av1",
            "AV1",
            "libsvtav1",
            (".mp4", ".mkv"),
            ("420",),
            (8, 10),
            (25, 63),
            dict(zip(SPEEDS, ("12", "11", "10", "9", "8", "7", "5", "4", "2"), strict=True)),
        ),
        Codec(
            "prores",
            "ProRes",
            "prores_ks",
            (".mov", ".mkv"),
            ("422", "444"),
            (10,),
        ),
        Codec(
            "ffv1",
            "FFV1",
            "ffv1",
            (".mkv",),
            _ALL,
            (8, 10, 12, 16),
            options={"level": "3", "slicecrc": "1", "g": "1"},
        ),
    )
}
"""By their names on the command line."""


@dataclass(frozen=True)
class EncodeSettings:
    """How a video is encoded. Raises CommandError.

    codec: one of CODECS, or of PICTURE_CODECS for a folder of pictures. crf: constant rate factor,
    0 (the best) to the codec's worst; None is its usual one, hard to tell from the original.
    preset: one of SPEEDS, time against size.
    """

    codec: str = "h264"
    crf: int | None = None
    preset: str = "veryfast"
    rate: Fraction | None = None
    """Frames a second of pictures that become a video."""

    def __post_init__(self) -> None:
        if self.codec not in CODECS and self.codec not in PICTURE_CODECS:
            raise CommandError(
                f"There is no codec '{self.codec}'. Choose one of: "
                f"{', '.join((*CODECS, *PICTURE_CODECS))}."
            )
        if self.preset not in SPEEDS:
            raise CommandError(
                f"There is no speed '{self.preset}'. Choose one of: {', '.join(SPEEDS)}."
            )
        if self.crf is None:
            return
        quality = CODECS[self.codec].quality if self.codec in CODECS else None
        if quality is None:
            raise CommandError(
                f"{self.codec} has one quality only. Leave --quality away, or choose another "
                "--codec."
            )
        if not 0 <= self.crf <= quality[1]:
            raise CommandError(
                f"A quality of {self.crf} is not possible with {CODECS[self.codec].title}: it goes "
                f"from 0, the best, to {quality[1]}."
            )

    @property
    def chosen(self) -> Codec:
        """The codec of a video. Raises KeyError for pictures."""
        return CODECS[self.codec]

    def options(self, pix_fmt: str) -> dict[str, str]:
        """What the encoder is told."""
        codec = self.chosen
        options = dict(codec.options)
        if codec.quality is not None:
            options["crf"] = str(codec.quality[0] if self.crf is None else self.crf)
        if codec.presets:
            options["preset"] = codec.presets[self.preset]
        if codec.name == "prores":
            options["profile"] = "4444" if "444" in pix_fmt else "hq"
        return options


@cache
def is_built_in(encoder: str) -> bool:
    """Whether FFmpeg, as it is installed here, can encode so."""
    try:
        av.Codec(encoder, "w")
    except (UnknownCodecError, ValueError):
        return False
    return True


def check_codec(settings: EncodeSettings, suffix: str) -> None:
    """Raise MediaError unless files of this suffix hold the codec, and it is built in."""
    codec = settings.chosen
    if not is_built_in(codec.encoder):
        there = [name for name, one in CODECS.items() if is_built_in(one.encoder)]
        raise MediaError(
            f"FFmpeg, as it is installed here, cannot write {codec.title} ({codec.encoder}). "
            f"Choose one of: {', '.join(there)}."
        )
    if suffix not in codec.suffixes:
        fitting = " or ".join(codec.suffixes)
        others = ", ".join(n for n, one in CODECS.items() if suffix in one.suffixes)
        raise MediaError(
            f"{suffix} files do not hold {codec.title} here. Give the result a name that ends in "
            f"{fitting}, or choose --codec {others.replace(', ', ' or ')}."
        )

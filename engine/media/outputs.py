"""What a result is: a video, a folder of pictures or one picture; how it is encoded and put
together.

Kept exactly of a video: timestamps and time base, variable frame rate, start offset, display
rotation, pixel aspect, colour tags, timecode, and every packet of every other track.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar

from engine.media.assemble import Load, assemble
from engine.media.codecs import CONTAINERS, PICTURE_CODECS, EncodeSettings, check_codec
from engine.media.companions import misfits
from engine.media.encode import EncodedPart, PartEncoder
from engine.media.errors import MediaError
from engine.media.info import MediaInfo, probe
from engine.media.pictures import PICTURE_SUFFIXES, is_picture_name, list_pictures
from engine.media.reader import Frame
from engine.media.sequence import PictureEncoder, write_pictures
from engine.media.template import Template
from projects.files import folder_replacing, replacing

Kind = Literal["video", "pictures", "picture"]
Finish = Callable[[Path, Path, Path], None]
"""Called with a complete file, the name that it will have, and the footage it was made from."""
_RATE: Final = Fraction(25)
_Added = TypeVar("_Added", contravariant=True)


class Encoder(Protocol[_Added]):
    """Turns what is added, frame by frame, into an `EncodedPart`; see `PartEncoder`."""

    frames: int
    bytes: int

    def add(self, frame: _Added, /) -> None: ...

    def finish(self) -> EncodedPart: ...


@dataclass(frozen=True)
class WriteResult:
    """What was written. `warnings` are sentences about what could not be kept."""

    output: Path
    frames: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How a source becomes a result. template: of a video. suffix: of pictures."""

    source: Path
    output: Path
    kind: Kind
    settings: EncodeSettings
    template: Template | None
    suffix: str

    def encoder(self) -> Encoder[Frame]:
        """For the next stretch of frames. Raises MediaError."""
        if self.template is not None and self.kind == "video":
            return PartEncoder(self.template, self.settings)
        return PictureEncoder(self.source, self.suffix, self.template)

    def names(self) -> list[str] | None:
        """The names of a folder's pictures, where they follow from the source's."""
        if self.kind != "pictures" or not self.source.is_dir():
            return None
        return picture_names(list_pictures(self.source), self.suffix)


def default_suffix(source: Path, settings: EncodeSettings | None = None) -> str:
    """The suffix for a result that keeps the source's kind of container; "" for a folder."""
    settings = settings or EncodeSettings()
    kind = probe(source).kind
    if kind == "images" or settings.codec in PICTURE_CODECS:
        return PICTURE_CODECS.get(settings.codec, ".png") if kind == "image" else ""
    if kind == "image":
        return ".png"
    suffix = source.suffix.lower() if source.suffix.lower() in CONTAINERS else ".mp4"
    fitting = settings.chosen.suffixes
    if suffix not in fitting or misfits(source, CONTAINERS[suffix]).first:
        return ".mkv"
    return suffix


def plan_output(source: Path, output: Path, settings: EncodeSettings) -> Plan:
    """How `source` becomes `output`. Raises MediaError unless a file of that name can hold it; the
    sentence says which can."""
    info = probe(source)
    suffix = output.suffix.lower()
    if info.kind == "image":
        if not is_picture_name(output):
            kinds = ", ".join(sorted(PICTURE_SUFFIXES))
            raise MediaError(f"{output} has no name for a picture. End it with one of {kinds}.")
        return Plan(source, output, "picture", settings, None, suffix)
    if settings.codec in PICTURE_CODECS or (info.kind == "images" and suffix not in CONTAINERS):
        return _pictures(source, output, info, settings)
    if suffix not in CONTAINERS:
        kinds = ", ".join(CONTAINERS)
        raise MediaError(
            f"{output} has no name for a video. End it with one of {kinds}, or write pictures with "
            "--codec png."
        )
    check_codec(settings, suffix)
    if info.kind == "images":
        template = Template.of_pictures(info.width, info.height, settings.rate or _RATE)
        return Plan(source, output, "video", settings, template, suffix)
    if lost := misfits(source, CONTAINERS[suffix]).first:
        raise MediaError(
            f"{source}: the {lost}, which {suffix} files cannot hold as it is. Give the result a "
            "name that ends in .mkv."
        )
    return Plan(source, output, "video", settings, Template.of_video(source), suffix)


def put_together(
    plan: Plan,
    parts: Sequence[Load],
    finish: Finish | None,
    span: tuple[int, int] | None = None,
) -> WriteResult:
    """The result of encoded stretches in their order, complete or not at all; an existing one is
    replaced. finish: what is to be done to every file before it gets its name. span: see
    `assemble`.

    Raises MediaError without any frame, and SwapdeckError when the disk is full or not writable.
    """
    count = sum(len(load().stamps) for load in parts)
    if not count:
        raise MediaError(f"{plan.source} gave no frame to write.")
    if plan.kind == "picture":
        with replacing(plan.output) as temporary:
            data, _, _ = parts[0]().packets()[0]
            temporary.write_bytes(data)
            if finish is not None:
                finish(temporary, plan.output, plan.source)
        return WriteResult(plan.output, 1, ())
    if plan.kind == "pictures":
        with folder_replacing(plan.output) as folder:
            # Hashing a whole video for every picture of it would take longer than making them.
            footage = None if plan.source.is_dir() else plan.source.parent
            write_pictures(folder, parts, plan.source, plan.names(), plan.suffix, footage, finish)
        return WriteResult(plan.output, count, ())
    if plan.template is None:
        raise MediaError(f"{plan.source} is no video.")
    other = plan.source if probe(plan.source).kind == "video" else None
    with replacing(plan.output) as temporary:
        warnings = assemble(
            other, temporary, plan.output, parts, plan.template, plan.settings, span
        )
        if finish is not None:
            finish(temporary, plan.output, plan.source)
    if other is not None:
        left = misfits(plan.source, CONTAINERS[plan.suffix]).others
        if left:
            warnings.append(
                f"{plan.source.name} has tracks that {plan.suffix} files cannot hold as they are, "
                f"and the result does not have: {', '.join(left)}."
            )
    return WriteResult(plan.output, count, tuple(warnings))


def picture_names(pictures: Sequence[Path], suffix: str = ".png") -> list[str]:
    """The names of the pictures of a result; an old suffix stays where two would fall together."""
    stems = [path.stem.casefold() for path in pictures]
    return [
        f"{path.stem}{suffix}" if stems.count(path.stem.casefold()) == 1 else f"{path.name}{suffix}"
        for path in pictures
    ]


def _pictures(source: Path, output: Path, info: MediaInfo, settings: EncodeSettings) -> Plan:
    if output.suffix.lower() in (*CONTAINERS, *PICTURE_SUFFIXES):
        raise MediaError(
            f"{output} is the name of one file, and pictures of every frame fill a folder. Give a "
            "folder's name."
        )
    template = Template.of_video(source) if info.kind == "video" else None
    usual = (
        settings if settings.codec in PICTURE_CODECS else replace(settings, codec="png", crf=None)
    )
    return Plan(source, output, "pictures", usual, template, PICTURE_CODECS[usual.codec])

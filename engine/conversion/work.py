"""What the frames of a result follow from, and the frames themselves from any one on."""

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.conversion.cache import Store, key_of
from engine.conversion.chips import ChipCache
from engine.conversion.compose import AROUND, needs_own
from engine.conversion.find import Found
from engine.conversion.locate import Located
from engine.conversion.parts import Part
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import Mark, Rendered, rendered
from engine.conversion.windows import stamps_of
from engine.credentials.label import Label
from engine.media import Frame, FrameReader, open_frames, probe
from engine.media.assemble import Load
from engine.media.template import Template

_VERSION: Final = 3
"""Of what segments follow from; those of another version are not looked at."""


@dataclass(frozen=True, eq=False)
class Work:
    """Everything that the frames of a result follow from, but the watermark."""

    source: Path
    parts: Sequence[Part]
    settings: ConvertSettings
    located: Located
    found: Found
    store: Store | None
    label: Label | None
    span: range | None

    @property
    def first(self) -> int:
        return 0 if self.span is None else self.span.start

    def key(self, kind: str, output: Path, template: Template | None = None) -> str:
        """Under what the segments of a result of some kind are kept."""
        faces = [face for there in self.located.faces.values() for face in there]
        chosen = asdict(replace(self.settings, overwrite=False, batch=1))
        return key_of(
            _VERSION,
            self.found.digest,
            str(output.absolute()),
            kind,
            [[part.role.who, part.who, part.model] for part in self.parts],
            *(value for part in self.parts for value in _proportions(part)),
            np.array([[face.frame, face.role] for face in faces]),
            np.stack([face.transform for face in faces]),
            np.stack([face.landmarks for face in faces]),
            *(mask.mask for part in self.parts for m in part.by_hand.masks.values() for mask in m),
            json.loads(json.dumps(chosen, default=str)),
            None if self.label is None else asdict(self.label),
            None if self.span is None else [self.span.start, self.span.stop],
            str(None if template is None else template.rate),
        )

    def reader(self, done: npt.NDArray[np.int64]) -> FrameReader:
        """For `frames`, with the timestamps of the frames that are `done` already, in order."""
        ahead = _ahead(len(done))
        if ahead and self._is_video:
            return open_frames(self.source, self.first + ahead, int(done[ahead]))
        if self.span is not None and not ahead:
            stamps = stamps_of(self.source) or []
            known = stamps[self.first] if self.first < len(stamps) else None
            return open_frames(self.source, self.first, known)
        return open_frames(self.source, self.first)

    def frames(
        self, reader: FrameReader, done: int, mark: Mark | None
    ) -> Generator[Rendered, None, None]:
        """The finished frames but for the first `done` ones."""
        caches = None
        if self.store is not None:
            own = any(map(needs_own, self.settings.every()))
            caches = partial(_chips, self.store, self.found.digest, self.located, own)
        frames: Iterable[Frame] = reader
        if not self._is_video:
            # An unreadable picture has a number and gives no frame, so they have to be counted.
            frames = islice(frames, _ahead(done), None)
        if self.span is not None:
            stop = self.span.stop
            frames = takewhile(lambda frame: frame.index < stop, frames)
        finished = rendered(frames, self.located.faces, self.parts, self.settings, mark, caches)
        with closing(finished):
            yield from islice(finished, done - _ahead(done), None)

    @cached_property
    def _is_video(self) -> bool:
        return probe(self.source).kind == "video"

    def stamps(self, loads: Sequence[Load]) -> tuple[int, int] | None:
        """For a part of a source: the timestamp of its first frame, and that after its last."""
        if self.span is None:
            return None
        known = np.sort(np.concatenate([load().stamps for load in loads]))
        step = int(known[-1] - known[-2]) if len(known) > 1 else 1
        return int(known[0]), int(known[-1]) + step


def _ahead(done: int) -> int:
    """How many of the frames that are done already need not even be read again."""
    return max(0, done - AROUND)


def _proportions(part: Part) -> Iterator[Any]:
    """What of the two people's usual faces decides where the new one is laid, and how."""
    if part.two is None:
        return
    for one in (part.two.new, part.two.old):
        yield one.eyes
        yield one.outline
        yield one.skin


def _chips(
    store: Store, digest: str, located: Located, own: bool, part: Part, role: int
) -> ChipCache | None:
    if not part.model:
        return None
    return ChipCache(store, part, role, digest, located.faces, own)

"""Measuring one conversion: the quality table of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.conversion.swapper import Swapper
from engine.faces.align import Alignment
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder
from engine.media.info import probe
from engine.media.reader import Frame, open_frames
from engine.media.sound import compare_sound
from engine.quality.exact import Truth, compare_exactly, exact_frames, largest
from engine.quality.fidelity import Fidelity
from engine.quality.likeness import (
    Likeness,
    correlation,
    distance,
    landmark_error,
    mean,
    mouth_opening,
)
from engine.quality.table import QualityTable, Row
from projects.errors import SwapdeckError

SAMPLES = 48  # frames of a clip that are looked at for likeness
EMBEDDED = 16  # of those, how many are embedded: 70 ms each

Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class Conversion:
    """What is measured: a result, what it was made from, and the two people's mean embeddings.

    `source` and `target` are float32 [128]. `alignment` is the model's.
    """

    target_clip: Path
    result_clip: Path
    source: Embedding
    target: Embedding
    alignment: Alignment = Alignment.EYES_BRIDGE
    truth: Truth | None = None


@dataclass
class _Track:
    """What is gathered about one of the two clips."""

    to_source: list[float] = field(default_factory=list)
    to_target: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    mouths: list[float] = field(default_factory=list)

    def likeness(self, mouths: Sequence[float]) -> Likeness:
        return Likeness(
            mean(self.to_source),
            mean(self.to_target),
            mean(self.errors),
            correlation(self.mouths, mouths),
            len(self.mouths),
        )


def assess(
    conversion: Conversion,
    swapper: Swapper,
    *,
    name: str,
    finder: FaceFinder,
    embedder: Embedder,
    check: Callable[[int, int], None],
) -> QualityTable:
    """Measure a conversion and, for comparison, its target left unchanged.

    `check(done, total)` is called after every frame and may raise StopRequested. Raises MediaError
    when a clip cannot be read and SwapdeckError when the two do not belong together.
    """
    swapped, unchanged = measure_likeness(conversion, finder, embedder, check)
    row = _row(name, swapped)
    base = _row("target unchanged", unchanged)
    if conversion.truth is not None:
        frames = exact_frames(conversion.target_clip, conversion.result_clip, conversion.truth)
        exact = compare_exactly(frames, finder, swapper, conversion.alignment)
        row = _with_exact(row, exact.registered, exact.in_place)
        base = _with_exact(base, exact.registered_unchanged, exact.in_place_unchanged)
    drift, identical = _sound(conversion)
    return QualityTable((row, base), drift, identical)


def measure_likeness(
    conversion: Conversion,
    finder: FaceFinder,
    embedder: Embedder,
    check: Callable[[int, int], None],
) -> tuple[Likeness, Likeness]:
    """(of the result, of the target unchanged), over frames spread evenly along the clip."""
    result, target = _Track(), _Track()
    wanted_mouths: list[float] = []
    chosen = spread(count_frames(conversion.target_clip), SAMPLES)
    embedded = set(spread(len(chosen), EMBEDDED))
    for number, (before, after) in enumerate(
        _pairs(conversion.target_clip, conversion.result_clip, set(chosen))
    ):
        check(number, len(chosen))
        wanted, found = largest(finder, before.image), largest(finder, after.image)
        if wanted is None or found is None:
            continue
        wanted_mouths.append(mouth_opening(wanted.landmarks))
        look = number in embedded
        for track, frame, face in ((result, after, found), (target, before, wanted)):
            _observe(track, frame, face, wanted, conversion, embedder if look else None)
    check(len(chosen), len(chosen))
    return result.likeness(wanted_mouths), target.likeness(wanted_mouths)


def _observe(
    track: _Track,
    frame: Frame,
    face: Detection,
    wanted: Detection,
    conversion: Conversion,
    embedder: Embedder | None,
) -> None:
    track.errors.append(landmark_error(face.landmarks, wanted.landmarks))
    track.mouths.append(mouth_opening(face.landmarks))
    if embedder is not None:
        embedding = embedder.embed(frame.image, face.landmarks)
        track.to_source.append(distance(embedding, conversion.source))
        track.to_target.append(distance(embedding, conversion.target))


def count_frames(clip: Path) -> int:
    """How many frames can be decoded, which may be fewer than are declared."""
    with open_frames(clip) as reader:
        return sum(1 for _ in reader)


def _pairs(target: Path, result: Path, chosen: set[int]) -> Iterator[tuple[Frame, Frame]]:
    """The chosen frames of both clips; raises SwapdeckError when one clip is shorter."""
    left = set(chosen)
    with ExitStack() as stack:
        before = stack.enter_context(open_frames(target))
        after = stack.enter_context(open_frames(result))
        for one, other in zip(before, after, strict=False):
            if one.index in left:
                left.remove(one.index)
                yield one, other
            if not left:
                return
    if left:
        raise SwapdeckError(
            f"{result} has fewer frames than {target}. Convert it again, then write the report."
        )


def spread(total: int, wanted: int) -> list[int]:
    """Up to `wanted` indices below `total`, evenly spread, the first and the last among them."""
    if total <= wanted:
        return list(range(total))
    return [round(i * (total - 1) / (wanted - 1)) for i in range(wanted)]


def _sound(conversion: Conversion) -> tuple[float | None, bool | None]:
    info = probe(conversion.target_clip)
    if info.kind != "video" or info.audio == 0:
        return None, None
    compared = compare_sound(conversion.target_clip, conversion.result_clip)
    return compared.drift_ms, compared.identical


def _row(name: str, likeness: Likeness) -> Row:
    return Row(
        name,
        to_source=likeness.to_source,
        to_target=likeness.to_target,
        landmark_error=likeness.landmark_error,
        mouth_correlation=likeness.mouth_correlation,
        frames=likeness.frames,
    )


def _with_exact(row: Row, registered: Fidelity, in_place: Fidelity) -> Row:
    return replace(
        row,
        registered_psnr=registered.psnr,
        registered_ssim=registered.ssim,
        in_place_psnr=in_place.psnr,
        in_place_ssim=in_place.ssim,
        exact_frames=in_place.frames,
    )

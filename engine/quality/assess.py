"""Measuring one conversion: the quality table of a report, and its frames one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.conversion.swapper import Swapper
from engine.faces.align import Alignment
from engine.faces.embed import Embedder
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.media import EncodeSettings
from engine.media.info import probe
from engine.media.reader import open_frames, open_part
from engine.media.sound import compare_sound
from engine.quality.background import Background, Mark, measure_background
from engine.quality.exact import Finds, Truth, compare_exactly, exact_frames
from engine.quality.fidelity import Fidelity
from engine.quality.frames import Embedding, FrameFigures, Looker, Pair, with_pose_errors
from engine.quality.likeness import correlation, mean, ratio
from engine.quality.table import QualityTable, Row
from projects.errors import SwapdeckError

SAMPLES = 96
"""Frames of a clip that are looked at, spread evenly along it."""
EMBEDDED = 32
"""Of those, how many are embedded: 70 ms each, and again for the footage's own."""


@dataclass(frozen=True)
class Conversion:
    """What is measured: a result, what it was made from, and the two people's mean embeddings.

    `source` and `target` are float32 [128]. `alignment` is the model's. `mark` and `encode` are
    what was done to every frame besides. `part`: the footage's frames that became the result, all
    of them when None. Frames are numbered as the result's.
    """

    target_clip: Path
    result_clip: Path
    source: Embedding
    target: Embedding
    alignment: Alignment = Alignment.EYES_BRIDGE
    truth: Truth | None = None
    encode: EncodeSettings = field(default_factory=EncodeSettings)
    mark: Mark = lambda image: image
    part: range | None = None

    @property
    def first(self) -> int:
        """The footage's frame that is the result's first."""
        return 0 if self.part is None else self.part.start


@dataclass(frozen=True)
class Assessment:
    """What was found out. `exact`: PSNR in place by the frame's index, where there is a truth."""

    table: QualityTable
    frames: tuple[FrameFigures, ...]
    background: Background
    exact: dict[int, float]


def assess(
    conversion: Conversion,
    swapper: Swapper,
    *,
    name: str,
    finder: Finds,
    embedder: Embedder,
    check: Callable[[int, int], None],
) -> Assessment:
    """Measure a conversion and, for comparison, its target left unchanged.

    `check(done, total)` is called after every frame and may raise StopRequested. Raises MediaError
    when a clip cannot be read and SwapdeckError when the two do not belong together.
    """
    frames = measure_frames(conversion, finder, embedder, check)
    background = measure_background(
        conversion.target_clip,
        conversion.result_clip,
        finder,
        conversion.encode,
        conversion.mark,
        conversion.first,
    )
    row = replace(
        result_row(name, frames), background=background.result, background_loss=background.loss
    )
    base = unchanged_row(frames)
    by_frame: dict[int, float] = {}
    if conversion.truth is not None:
        pairs = exact_frames(conversion.target_clip, conversion.result_clip, conversion.truth)
        exact = compare_exactly(pairs, finder, swapper, conversion.alignment)
        row = _with_exact(row, exact.registered, exact.in_place)
        base = _with_exact(base, exact.registered_unchanged, exact.in_place_unchanged)
        by_frame = exact.frames
    drift, identical = _sound(conversion)
    return Assessment(
        QualityTable((row, base), drift, identical), tuple(frames), background, by_frame
    )


def measure_frames(
    conversion: Conversion,
    finder: Finds,
    embedder: Embedder,
    check: Callable[[int, int], None],
) -> list[FrameFigures]:
    """Frames spread evenly along the clip, in order."""
    looker = Looker(finder, embedder, conversion.source, conversion.target)
    part = conversion.part
    chosen = spread(count_frames(conversion.target_clip) if part is None else len(part), SAMPLES)
    embedded = {chosen[i] for i in spread(len(chosen), EMBEDDED)}
    moving = probe(conversion.target_clip).kind == "video"
    measured: list[FrameFigures] = []
    previous: Pair | None = None
    for pair in _pairs(conversion, max(chosen, default=-1)):
        index = pair.before.index
        if len(measured) < len(chosen) and index == chosen[len(measured)]:
            check(len(measured), len(chosen))
            measured.append(
                looker.look(pair, previous if moving else None, embed=index in embedded)
            )
        previous = pair
    check(len(chosen), len(chosen))
    return with_pose_errors(measured)


def result_row(name: str, frames: Sequence[FrameFigures]) -> Row:
    """The table's row of a result, from its frames."""
    seen = [frame for frame in frames if frame.face]
    return Row(
        name,
        to_source=mean([frame.to_source for frame in seen]),
        to_target=mean([frame.to_target for frame in seen]),
        still_target=_within([frame.to_target for frame in seen]),
        landmark_error=mean([frame.landmark_error for frame in seen]),
        pose_error=mean([frame.pose_error for frame in seen]),
        mouth_correlation=correlation(
            [frame.mouth for frame in seen], [frame.own_mouth for frame in seen]
        ),
        eye_correlation=correlation(
            [frame.eyes for frame in seen], [frame.own_eyes for frame in seen]
        ),
        flicker=ratio([frame.flicker for frame in seen], [frame.own_flicker for frame in seen]),
        seam=ratio([frame.seam for frame in seen], [frame.own_seam for frame in seen]),
        missed=mean([float(frame.missed) for frame in seen]),
        frames=len(seen),
    )


def unchanged_row(frames: Sequence[FrameFigures]) -> Row:
    """What the footage itself scores: what a swap is to be compared with."""
    seen = [frame for frame in frames if frame.face]
    if not seen:
        return Row("target unchanged")
    return Row(
        "target unchanged",
        to_source=mean([frame.own_to_source for frame in seen]),
        to_target=mean([frame.own_to_target for frame in seen]),
        still_target=_within([frame.own_to_target for frame in seen]),
        landmark_error=0.0,
        pose_error=0.0,
        mouth_correlation=1.0,
        eye_correlation=1.0,
        flicker=1.0,
        seam=1.0,
        missed=0.0,
        frames=len(seen),
    )


def _within(distances: Sequence[float]) -> float:
    """The share of what is known that lies within the bound of one person."""
    return mean([float(d <= IDENTITY_THRESHOLD) if d == d else d for d in distances])


def count_frames(clip: Path) -> int:
    """How many frames can be decoded, which may be fewer than are declared."""
    with open_frames(clip) as reader:
        return sum(1 for _ in reader)


def _pairs(conversion: Conversion, last: int) -> Iterator[Pair]:
    """The frames of both clips up to `last`; raises SwapdeckError when the result is shorter."""
    seen = -1
    with ExitStack() as stack:
        before = stack.enter_context(open_part(conversion.target_clip, conversion.first))
        after = stack.enter_context(open_frames(conversion.result_clip))
        for one, other in zip(before, after, strict=False):
            if other.index > last:
                return
            yield Pair(replace(one, index=other.index), other)
            seen = other.index
    if seen < last:
        raise SwapdeckError(
            f"{conversion.result_clip} has fewer frames than were made of "
            f"{conversion.target_clip}. Convert it again, then write the report."
        )


def spread(total: int, wanted: int) -> list[int]:
    """Up to `wanted` indices below `total`, evenly spread, the first and the last among them."""
    if total <= wanted:
        return list(range(total))
    return [round(i * (total - 1) / (wanted - 1)) for i in range(wanted)]


def _sound(conversion: Conversion) -> tuple[float | None, bool | None]:
    info = probe(conversion.target_clip)
    if conversion.part is not None:
        return None, None  # of a part, sound is cut between packets
    if info.kind != "video" or info.audio == 0:
        return None, None
    compared = compare_sound(conversion.target_clip, conversion.result_clip)
    return compared.drift_ms, compared.identical


def _with_exact(row: Row, registered: Fidelity, in_place: Fidelity) -> Row:
    return replace(
        row,
        registered_psnr=registered.psnr,
        registered_ssim=registered.ssim,
        in_place_psnr=in_place.psnr,
        in_place_ssim=in_place.ssim,
        exact_frames=in_place.frames,
    )

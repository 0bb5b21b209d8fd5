"""The second pass: decode each located face and lay it into its frame."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import MasksByHand, mask_on
from engine.conversion.compose import Decoded, compose, measure, seen
from engine.conversion.locate import LocatedFace
from engine.conversion.mask import Free
from engine.conversion.settings import ConvertSettings
from engine.conversion.swapper import OTHER, Swapper, Who
from engine.faces.align import crop
from engine.media import Frame
from engine.media.ahead import ahead

Mark = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
"""Marks a picture, uint8 [H, W, 3] RGB, as synthetic; a new one comes back."""
_BATCH_BYTES: Final = 96 << 20


@dataclass(frozen=True)
class _Cut:
    """A located face, the chip cut from its frame, uint8 [S, S, 3], and its mask by hand."""

    face: LocatedFace
    chip: npt.NDArray[np.uint8]
    free: Free | None


def swapped_frames(
    frames: Iterable[Frame],
    faces: dict[int, LocatedFace],
    swapper: Swapper,
    settings: ConvertSettings,
    who: Who = "source",
    mark: Mark | None = None,
    masks: MasksByHand | None = None,
) -> Generator[Frame, None, None]:
    """The frames with `who`'s face in place of the located ones; the others come out as they are.

    faces: by the frame's index. mark: what is done to every picture with a new face in it. masks:
    what was painted by hand, by the frame's index. Cutting, decoding and blending run in threads of
    their own, a few frames ahead of the reader. Everything outside the mask keeps its bits until it
    is marked. Close the generator before `frames`, whose reader another thread may be in.
    """
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="swap") as pool:

        def finish(item: tuple[Frame, Decoded | None]) -> Frame:
            frame, decoded = item
            if decoded is None:
                return frame
            look = measure(frame.image, decoded, settings)
            done = replace(frame, image=compose(frame.image, decoded, look, settings))
            return done if mark is None else replace(done, image=mark(done.image))

        def blended() -> Iterator[list[Frame]]:
            with closing(
                ahead(_batches(frames, faces, swapper.size, settings.batch, masks or {}), 1)
            ) as cuts:
                for batch in cuts:
                    chosen = [cut for _, cut in batch if cut]
                    decoded = _decode(chosen, swapper, settings.batch, who)
                    pairs = [(frame, next(decoded) if cut else None) for frame, cut in batch]
                    yield list(pool.map(finish, pairs))

        with closing(ahead(blended(), 1)) as batches:
            for done in batches:
                yield from done


def swap_face(
    image: npt.NDArray[np.uint8],
    face: LocatedFace,
    swapper: Swapper,
    settings: ConvertSettings,
    who: Who = "source",
) -> npt.NDArray[np.uint8]:
    """One picture, uint8 [H, W, 3] RGB, with one face swapped; the picture given is unchanged."""
    frame = Frame(face.frame, None, 0.0, image)
    (done,) = swapped_frames([frame], {face.frame: face}, swapper, settings, who)
    return done.image


def _batches(
    frames: Iterable[Frame],
    faces: dict[int, LocatedFace],
    size: int,
    most: int,
    masks: MasksByHand,
) -> Iterator[list[tuple[Frame, _Cut | None]]]:
    """Consecutive frames, with at most `most` chips and a bounded number of bytes together."""
    batch: list[tuple[Frame, _Cut | None]] = []
    cuts = held = 0
    for frame in frames:
        face = faces.get(frame.index)
        cut = None
        if face is not None:
            free = mask_on(masks.get(frame.index, ()), face.transform)
            cut = _Cut(face, crop(frame.image, face.transform, size), free)
            cuts += 1
        batch.append((frame, cut))
        held += frame.image.nbytes
        if cuts == most or len(batch) >= 2 * most or held >= _BATCH_BYTES:
            yield batch
            batch, cuts, held = [], 0, 0
    if batch:
        yield batch


def _decode(cuts: list[_Cut], swapper: Swapper, batch: int, who: Who) -> Iterator[Decoded]:
    """The model's answers, in order; what it is given always has `batch` chips."""
    if not cuts:
        return
    spare = batch - len(cuts)
    masks = [seen(cut.face, cut.free, swapper.size) for cut in cuts]
    images = np.stack([cut.chip for cut in cuts] + [np.zeros_like(cuts[0].chip)] * spare)
    faces = np.stack(masks + [np.zeros_like(masks[0])] * spare)
    rgb, mask = swapper.chips(images, faces, who)
    own, _ = swapper.chips(images, faces, OTHER[who])
    for number, cut in enumerate(cuts):
        yield Decoded(cut.face, cut.chip, rgb[number], own[number], mask[number], cut.free)

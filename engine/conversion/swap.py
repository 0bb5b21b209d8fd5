"""The second pass: decode each located face and lay it into its frame.

Reading, decoding and composing run beside each other, each a bounded number of frames ahead of the
next; whoever takes the frames, an encoder, is the last of them.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import mask_on
from engine.conversion.casting import Role
from engine.conversion.chips import Answer, Caches, ChipCache
from engine.conversion.compose import (
    AROUND,
    Decoded,
    Look,
    compose,
    measure,
    needs_own,
    seen,
    steady,
)
from engine.conversion.locate import Faces, LocatedFace
from engine.conversion.mask import Free
from engine.conversion.parts import Part
from engine.conversion.settings import ConvertSettings
from engine.conversion.swapper import Swapper, Who
from engine.faces.align import crop
from engine.media import Frame
from engine.media.ahead import ahead

Image = npt.NDArray[np.uint8]
Mark = Callable[[Image], Image]
"""Marks a picture, uint8 [H, W, 3] RGB, as synthetic; a new one comes back."""
_BATCH_BYTES: Final = 96 << 20


@dataclass(frozen=True)
class _Cut:
    """A located face, the chip cut from its frame, uint8 [S, S, 3], and its mask by hand."""

    face: LocatedFace
    chip: Image
    free: Free | None


@dataclass(frozen=True)
class Rendered:
    """A frame with the new faces in it, and what they were made of; `original` is the frame as it
    was read."""

    frame: Frame
    original: Frame
    faces: tuple[tuple[Decoded, Look], ...]


def swapped_frames(
    frames: Iterable[Frame],
    faces: Faces,
    parts: Sequence[Part],
    settings: ConvertSettings,
    mark: Mark | None = None,
    caches: Caches | None = None,
) -> Generator[Frame, None, None]:
    """The frames with the parts' faces in place of the located ones; the others come out as they
    are.

    mark: what is done to every picture with a new face in it. caches: where the models' answers are
    kept. Everything outside the masks keeps its bits until it is marked. Close the generator before
    `frames`, whose reader another thread may be in.
    """
    with closing(rendered(frames, faces, parts, settings, mark, caches)) as done:
        for one in done:
            yield one.frame


def rendered(
    frames: Iterable[Frame],
    faces: Faces,
    parts: Sequence[Part],
    settings: ConvertSettings,
    mark: Mark | None = None,
    caches: Caches | None = None,
) -> Generator[Rendered, None, None]:
    """As `swapped_frames`, with what every frame was made of."""
    workers = os.cpu_count() or 1
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="swap") as pool,
        closing(ahead(_batches(frames, faces, parts, settings), 1)) as cuts,
        closing(ahead(_decoded(cuts, faces, parts, settings, caches), 1)) as decoded,
    ):
        waiting: deque[Future[Rendered]] = deque()
        for one in _steadied(decoded, settings, pool):
            waiting.append(pool.submit(_finished, *one, settings, mark))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def swap_face(
    image: Image,
    face: LocatedFace,
    swapper: Swapper,
    settings: ConvertSettings,
    who: Who = "source",
) -> Image:
    """One picture, uint8 [H, W, 3] RGB, with one face swapped; the picture given is unchanged."""
    frame = Frame(face.frame, None, 0.0, image)
    only = replace(face, role=0)
    part = Part(Role("", ""), swapper, who)
    (done,) = swapped_frames([frame], {face.frame: (only,)}, [part], settings)
    return done.image


_Item = tuple[Frame, tuple[Decoded, ...]]


def _batches(
    frames: Iterable[Frame], faces: Faces, parts: Sequence[Part], settings: ConvertSettings
) -> Iterator[list[tuple[Frame, list[_Cut]]]]:
    """Consecutive frames, with at most a batch of chips and a bounded number of bytes together."""
    most = settings.batch
    batch: list[tuple[Frame, list[_Cut]]] = []
    cuts = held = 0
    for frame in frames:
        here = [_cut(frame, face, parts[face.role]) for face in faces.get(frame.index, ())]
        if batch and cuts + len(here) > most:
            yield batch
            batch, cuts, held = [], 0, 0
        batch.append((frame, here))
        cuts += len(here)
        held += frame.image.nbytes
        if cuts >= most or len(batch) >= 2 * most or held >= _BATCH_BYTES:
            yield batch
            batch, cuts, held = [], 0, 0
    if batch:
        yield batch


def _cut(frame: Frame, face: LocatedFace, part: Part) -> _Cut:
    free = mask_on(part.by_hand.masks.get(frame.index, ()), face.transform)
    return _Cut(face, crop(frame.image, face.transform, part.swapper.size), free)


def _decoded(
    batches: Iterable[list[tuple[Frame, list[_Cut]]]],
    faces: Faces,
    parts: Sequence[Part],
    settings: ConvertSettings,
    caches: Caches | None,
) -> Iterator[list[_Item]]:
    """The models' answers for batches of frames, in order."""
    kept = [None if caches is None else caches(part, n) for n, part in enumerate(parts)]
    own = any(map(needs_own, settings.every()))
    for batch in batches:
        answers: dict[tuple[int, int], Answer] = {}
        for number, part in enumerate(parts):
            cuts = [cut for _, here in batch for cut in here if cut.face.role == number]
            for cut, answer in _answers(cuts, part, settings.batch, own, kept[number]):
                answers[cut.face.frame, number] = answer
        yield [
            (
                frame,
                tuple(
                    _joined(cut, answers[cut.face.frame, cut.face.role], parts[cut.face.role])
                    for cut in here
                ),
            )
            for frame, here in batch
        ]


def _joined(cut: _Cut, answer: Answer, part: Part) -> Decoded:
    own = answer.rgb if answer.own is None else answer.own
    return Decoded(cut.face, cut.chip, answer.rgb, own, answer.mask, cut.free, part.two)


def _answers(
    cuts: list[_Cut], part: Part, batch: int, own: bool, kept: ChipCache | None
) -> Iterator[tuple[_Cut, Answer]]:
    if kept is None:
        yield from _asked(cuts, part, batch, own)
        return
    new = []
    for cut in cuts:
        known = kept.find(cut.face.frame)
        if known is None:
            new.append(cut)
        else:
            yield cut, known
    for cut, answer in _asked(new, part, batch, own):
        kept.add(cut.face.frame, answer)
        yield cut, answer.kept()


def _asked(cuts: list[_Cut], part: Part, batch: int, own: bool) -> Iterator[tuple[_Cut, Answer]]:
    """The model's answers, in order; what it is given always has `batch` chips."""
    for start in range(0, len(cuts), batch):
        some = cuts[start : start + batch]
        spare = batch - len(some)
        masks = [seen(cut.face, cut.free, part.swapper.size) for cut in some]
        images = np.stack([cut.chip for cut in some] + [np.zeros_like(some[0].chip)] * spare)
        faces = np.stack(masks + [np.zeros_like(masks[0])] * spare)
        theirs = None
        if own:
            rgb, mask, theirs = part.swapper.both(images, faces, part.who)
        else:
            rgb, mask = part.swapper.chips(images, faces, part.who)
        for n, cut in enumerate(some):
            yield cut, Answer(rgb[n], mask[n], None if theirs is None else theirs[n])


def _steadied(
    batches: Iterable[list[_Item]], settings: ConvertSettings, pool: ThreadPoolExecutor
) -> Iterator[tuple[Frame, tuple[tuple[Decoded, Look], ...]]]:
    """Each frame with its faces' looks, weighed by those of the frames around it."""
    held: deque[tuple[Frame, tuple[Decoded, ...], tuple[Look, ...]]] = deque()
    done = 0  # of those held, how many have been given on

    def give(at: int) -> tuple[Frame, tuple[tuple[Decoded, Look], ...]]:
        frame, decoded, looks = held[at]
        around = [look for _, _, some in held for look in some]
        return frame, tuple(
            (face, steady(around, next(i for i, one in enumerate(around) if one is look)))
            for face, look in zip(decoded, looks, strict=True)
        )

    for batch in batches:
        measured = pool.map(lambda item: _measured(item[0], item[1], settings), batch)
        for (frame, decoded), looks in zip(batch, measured, strict=True):
            held.append((frame, decoded, looks))
            if len(held) - done > AROUND:
                yield give(done)
                done += 1
            if done > AROUND:
                held.popleft()
                done -= 1
    while done < len(held):
        yield give(done)
        done += 1
        if done > AROUND:
            held.popleft()
            done -= 1


def _measured(
    frame: Frame, decoded: Sequence[Decoded], settings: ConvertSettings
) -> tuple[Look, ...]:
    here = settings.at(frame.index)
    return tuple(measure(frame.image, one, here) for one in decoded)


def _finished(
    frame: Frame,
    faces: tuple[tuple[Decoded, Look], ...],
    settings: ConvertSettings,
    mark: Mark | None,
) -> Rendered:
    image = frame.image
    for decoded, look in faces:
        image = compose(image, decoded, look, settings.at(frame.index))
    if faces and mark is not None:
        image = mark(image)
    return Rendered(replace(frame, image=image), frame, faces)

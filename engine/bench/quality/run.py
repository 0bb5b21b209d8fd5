"""Converts every scene with every variant and measures it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.bench.quality.measure import Exact, Figures, mean_of, read
from engine.bench.quality.oracle import Oracle
from engine.bench.quality.scenes import PAIRS, PORTRAIT_FRAMES, Pair, Scene, footage, scene
from engine.bench.quality.trained import trained
from engine.bench.quality.variants import UNCHANGED, Variant, variants
from engine.conversion.casting import Role, cast
from engine.conversion.complexion import complexion
from engine.conversion.convert import convert
from engine.conversion.find import Found
from engine.conversion.locate import LocatedFace, locate
from engine.conversion.parts import Part
from engine.conversion.placement import Proportions, TwoFaces, proportions
from engine.conversion.search import Eyes, search
from engine.conversion.settings import ConvertSettings
from engine.conversion.swapper import Swapper
from engine.conversion.tracks import Seen, Track
from engine.faces.align import Alignment
from engine.faces.detect import Detection, FaceFinder
from engine.faces.embed import Embedder
from engine.media import EncodeSettings
from engine.quality.assess import spread
from engine.quality.exact import largest
from engine.reporting import NullReporter
from engine.training.inference import load_swapper
from projects.errors import SwapdeckError
from projects.swaps import Swap

ENCODE: Final = EncodeSettings(crf=4, preset="veryfast")
"""So fine that what is measured is the picture and not the codec."""
Identity = NDArray[np.float32]
_IDENTITY_FRAMES: Final = 5


@dataclass(frozen=True)
class Wanted:
    """What is to be measured. size: side of the oracle's chips. minutes: to train each pair for, or
    None for the oracle, which needs no training. model: a trained swap of
    the one pair. changes: of the defaults, by name."""

    cache: Path
    pairs: Sequence[Pair] = PAIRS
    only: Sequence[str] = ()
    frames: int = 32
    size: int = 128
    minutes: float | None = None
    model: Swap | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One variant: the mean over the scenes, and each of them by its name."""

    variant: Variant
    mean: Figures
    scenes: dict[str, Figures]


class _Memory:
    """Faces and embeddings by a picture's bytes: every variant looks at the same frames."""

    def __init__(self, finder: FaceFinder, embedder: Embedder) -> None:
        self._finder, self._embedder = finder, embedder
        self._found: dict[bytes, list[Detection]] = {}
        self._embedded: dict[bytes, Identity] = {}

    def find(self, image: NDArray[np.uint8]) -> list[Detection]:
        key = _digest(image)
        if key not in self._found:
            self._found[key] = self._finder.find(image)
        return self._found[key]

    def embed(self, image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> Identity:
        key = _digest(image, np.rint(landmarks).astype(np.int32))
        if key not in self._embedded:
            self._embedded[key] = self._embedder.embed(image, landmarks)
        return self._embedded[key]


class Bench:
    """The scenes with everything about them that does not depend on the variant."""

    def __init__(self, wanted: Wanted, say: Callable[[str], None]) -> None:
        """Renders and trains what is not there yet. Raises CommandError for a stage that there is
        not, before anything else is done."""
        self._wanted = wanted
        base = ConvertSettings(encode=ENCODE, **wanted.changes)
        known = wanted.minutes is not None or wanted.model is not None
        self._variants = list(variants(base, wanted.only, trained=known))
        self._say = say
        self._people: dict[tuple[str, Alignment], Proportions | None] = {}
        finder, embedder = FaceFinder(), Embedder()
        self._memory = _Memory(finder, embedder)
        self._scenes = [scene(pair, wanted.cache, say, wanted.frames) for pair in wanted.pairs]
        self._exact = [Exact(one, finder, embedder) for one in self._scenes]
        self._models: list[Swapper] | None = None
        self._seen: dict[tuple[Path, bool], Seen] = {}
        if wanted.model is not None:
            self._models = [load_swapper(wanted.model)[0]]
        elif wanted.minutes is not None:
            self._models = [trained(p, wanted.cache, wanted.minutes, say) for p in wanted.pairs]

    def rows(self) -> Iterator[Row]:
        """The target left unchanged, then every variant of the wanted stages."""
        nothing = {
            one.pair.name: exact.measure(exact.frames)
            for one, exact in zip(self._scenes, self._exact, strict=True)
        }
        yield Row(
            Variant(UNCHANGED, "", ConvertSettings()), mean_of(list(nothing.values())), nothing
        )
        for variant in self._variants:
            yield self._row(variant)

    def _row(self, variant: Variant) -> Row:
        figures: dict[str, Figures] = {}
        for number, one in enumerate(self._scenes):
            located = self._locate(one.clip, variant.settings)
            swapper = (
                self._oracle(number, variant, located)
                if self._models is None
                else self._models[number]
            )
            figures[one.pair.name] = self._exact[number].measure(
                self._converted(one, swapper, variant.settings)
            )
        return Row(variant, mean_of(list(figures.values())), figures)

    def _oracle(self, number: int, variant: Variant, located: Mapping[int, LocatedFace]) -> Swapper:
        exact = self._exact[number]
        # The truth is aligned as a dataset is, whatever the variant makes of the footage.
        aligned = ConvertSettings(alignment=variant.settings.alignment)
        answers = self._locate(self._scenes[number].truth.picture, aligned)
        return Oracle(exact.frames, exact.truth, exact.face, located, answers, self._wanted.size)

    def _locate(self, clip: Path, settings: ConvertSettings) -> dict[int, LocatedFace]:
        """Where the one person of a clip is."""
        roles = [Role("", "", self._identity(clip))]
        seen = self._looked(clip, settings)
        located = locate(seen, cast(seen, roles), roles, settings)
        if not located.faces:
            raise SwapdeckError(f"No face was found in {clip}, which a bench cannot do without.")
        return {frame: there[0] for frame, there in located.faces.items()}

    def _looked(self, clip: Path, settings: ConvertSettings) -> Seen:
        """Everybody in a clip, searched once for all variants; without any smoothing, where dlib
        by itself puts their landmarks in every frame."""
        raw = settings.smooth == 1
        if (clip, raw) not in self._seen:
            found = self._raw(clip) if raw else search(clip, Eyes.installed(), NullReporter())
            self._seen[clip, raw] = found
        return self._seen[clip, raw]

    def _raw(self, clip: Path) -> Seen:
        frames = read(clip)
        found = [largest(self._memory, frame) for frame in frames]
        there = [(number, one) for number, one in enumerate(found) if one is not None]
        if not there:
            return Seen(len(frames), ())
        numbers = np.array([number for number, _ in there], np.int64)
        embedded = self._memory.embed(frames[there[0][0]], there[0][1].landmarks)
        points = np.stack([one.landmarks for _, one in there]).astype(np.float32)
        sure = np.ones(len(there), np.float32)
        return Seen(len(frames), (Track(0, numbers, points, sure, numbers[:1], embedded[None]),))

    def _two_faces(self, pair: Pair, settings: ConvertSettings) -> TwoFaces | None:
        new, old = (self._proportions(name, settings) for name in (pair.source, pair.target))
        return None if new is None or old is None else TwoFaces(new, old)

    def _proportions(self, name: str, settings: ConvertSettings) -> Proportions | None:
        """Those of a person in footage of their own, as a dataset would tell them."""
        key = (name, settings.alignment)
        if key not in self._people:
            clip = footage(name, self._wanted.cache, self._say)
            frames = read(clip)
            chosen = [frames[index] for index in spread(len(frames), PORTRAIT_FRAMES)]
            looked = [(image, largest(self._memory, image)) for image in chosen]
            faces = [(image, face.landmarks) for image, face in looked if face is not None]
            self._people[key] = proportions(
                [points for _, points in faces], settings.alignment, complexion(faces)
            )
        return self._people[key]

    def _identity(self, clip: Path) -> Identity:
        frames = read(clip)
        embedded = []
        for index in spread(len(frames), _IDENTITY_FRAMES):
            face = largest(self._memory, frames[index])
            if face is not None:
                embedded.append(self._memory.embed(frames[index], face.landmarks))
        if not embedded:
            raise SwapdeckError(f"No face was found in {clip}, which a bench cannot do without.")
        return np.asarray(np.mean(embedded, axis=0), np.float32)

    def _converted(
        self, one: Scene, swapper: Swapper, settings: ConvertSettings
    ) -> NDArray[np.uint8]:
        with tempfile.TemporaryDirectory(prefix="swapdeck-bench-") as folder:
            output = Path(folder) / "result.mp4"
            role = Role("", one.pair.target, self._identity(one.clip))
            part = Part(role, swapper, two=self._two_faces(one.pair, settings))
            found = Found(self._looked(one.clip, settings), "search", "")
            convert(one.clip, output, [part], settings, NullReporter(), found=found)
            return read(output)


def _digest(*arrays: NDArray[np.generic]) -> bytes:
    known = blake2b(digest_size=16)
    for array in arrays:
        known.update(array.tobytes())
    return known.digest()

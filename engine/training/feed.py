"""Where a step's crops come from: all of them on the device, or a batch at a time from the disk.

Both feeds give the same batches bit for bit, for which crops are in one is a function of the seed
and the step alone (see `sampling`), and every change is made on the device either way.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any, Final, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from engine.faces.dataset import landmarks_of
from engine.faces.measure import mouth_width
from engine.reporting import Reporter
from engine.training.cropfile import CropFile, crop_file, file_size
from engine.training.dataset import Dataset, chunks
from engine.training.devices import Spread
from engine.training.sampling import (
    Chosen,
    Crops,
    Weighted,
    chances,
    choose,
    expressions,
    person_keys,
    poses,
    step_key,
)
from engine.training.settings import TrainSettings
from engine.training.usage import free_memory
from projects import cache
from projects.errors import CommandError
from projects.workspace import Workspace

Inputs = dict[str, Crops]
"""What a step takes, by role."""

SHARE: Final = 0.5
"""The part of the free memory that faces may have; the rest is for the training itself."""
DEPTH: Final = 3
"""Calls of a step that are prepared ahead."""
BLOCK: Final = 128 << 20
"""Bytes of crops that one call of a step takes at most, where it makes more than one."""
POLL: Final = 0.002
"""Seconds between two looks at the device while it may run out of work."""
_CHUNK: Final = 64
_MOST_ROWS: Final = 2**31
"""Pixels that a crop's place can be counted in."""


class Feed(Protocol):
    """Gives each step its crops."""

    @property
    def most_steps(self) -> int:
        """How many steps one call may make at most."""

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Inputs:
        """What the call takes that makes `steps` steps after `step`.

        `waiting` is called again and again while it is not ready yet. Raises SwapdeckError.
        """

    def example(self, steps: int) -> Inputs:
        """Shapes and dtypes of what `take` gives for so many steps."""

    def few(self, count: int) -> dict[str, jax.Array]:
        """Some crops of each person, spread evenly: uint8 [count, R, R, 6]."""


def open_feed(
    workspace: Workspace,
    datasets: Mapping[str, Dataset],
    settings: TrainSettings,
    where: str,
    reporter: Reporter,
    spread: Spread | None = None,
) -> AbstractContextManager[Feed]:
    """The feed of a training, by the memory that is free; `datasets` by role, in the model's order.

    where: "device", "stream", or "auto", which streams what takes more than SHARE of the free
    memory. Says which in a `feed` event. spread: the devices, where they are several; what one of
    their processes has to stream, all stream. Use it in a `with` statement.

    Raises CommandError for more faces than can be on a device, SwapdeckError where the disk has no
    room, DamagedError, StopRequested.
    """
    size = sum(one.nbytes for one in datasets.values())
    free = free_memory()
    streamed = is_streamed(where, list(datasets.values()), free)
    if spread is not None:
        streamed = spread.agreed(streamed)
    reporter.event(
        "feed",
        mode="stream" if streamed else "device",
        bytes=size,
        free=free,
        text=_words(streamed, where, size, free),
    )
    if not streamed:
        return nullcontext(Resident(datasets, settings, reporter, spread))
    cache.require_limit(sum(file_size(one.shape) for one in datasets.values()))
    return _open_stream(workspace, datasets, settings, reporter, spread)


def is_streamed(where: str, datasets: Sequence[Dataset], free: int | None) -> bool:
    """Whether crops are read batch by batch; free: bytes, None where nobody knows.

    Raises CommandError when all are asked onto the device and cannot be.
    """
    countable = all(one.shape[0] * one.side**2 < _MOST_ROWS for one in datasets)
    if where == "device" and not countable:
        raise CommandError(
            "These are more faces than can be on a device at once. Leave out --dataset device."
        )
    if where != "auto":
        return where == "stream"
    fits = free is None or sum(one.nbytes for one in datasets) <= SHARE * free
    return not (fits and countable)


class Resident:
    """All crops on the device, where the step draws from them."""

    most_steps = 1 << 30

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        settings: TrainSettings,
        reporter: Reporter,
        spread: Spread | None = None,
    ) -> None:
        """spread: the devices, where they are several; each has all crops."""
        self._spread = spread
        self._crops: Inputs = {}
        for role, dataset in datasets.items():
            pixels = _on_device(dataset, reporter)
            table = _table(dataset, settings)
            crops: Crops = (
                pixels if table is None else Weighted(pixels, jnp.asarray(table, jnp.uint32))
            )
            self._crops[role] = crops if spread is None else spread.replicated(crops)

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Inputs:
        """Everything, whatever the step."""
        return self._crops

    def example(self, steps: int) -> Inputs:
        """The same."""
        return self._crops

    def few(self, count: int) -> dict[str, jax.Array]:
        """Some crops of each person, spread evenly."""
        found = {}
        for role, crops in self._crops.items():
            pixels = crops if isinstance(crops, jax.Array) else crops.pixels
            if self._spread is not None:
                pixels = self._spread.here(pixels)
            found[role] = pixels[_spread(pixels.shape[0], count)]
        return found


class Streamed:
    """Crops read from files by threads, a few calls ahead of the step that takes them.

    Close it, or use it in a `with` statement: its threads end after what they are at.
    """

    def __init__(
        self,
        files: Mapping[str, CropFile],
        draw: Callable[[int, int], dict[str, NDArray[np.int32]]],
        batch: int,
        spread: Spread | None = None,
    ) -> None:
        """draw: (step, steps) -> by role, which crops the steps take: int32 [steps, B].

        spread: the devices, where they are several. Every process draws the whole batch and reads
        what its own devices take of it.
        """
        self._spread = spread
        self._rows = slice(None) if spread is None else spread.rows(batch)
        self._files = files
        self._draw = draw
        self._batch = batch
        self._pool = ThreadPoolExecutor(DEPTH, "feed")
        self._ready: deque[Future[Inputs]] = deque()
        self._next: tuple[int, int] | None = None

    def __enter__(self) -> "Streamed":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads. The files stay open."""
        self._drop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def most_steps(self) -> int:
        """As many as fit in a block."""
        one = self._batch * sum(int(np.prod(file.shape[1:])) for file in self._files.values())
        return max(1, BLOCK // one)

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Inputs:
        """The crops of the steps. Fastest when each call goes on where the last one ended."""
        if self._next != (step, steps):
            self._drop()
        for ahead in range(len(self._ready), DEPTH):
            self._ready.append(self._pool.submit(self._prepare, step + ahead * steps, steps))
        first = self._ready.popleft()
        self._next = (step + steps, steps)
        while waiting is not None and not first.done():
            waiting()
            try:
                first.result(POLL)
            except FutureTimeout:
                continue
        return first.result()

    def example(self, steps: int) -> Inputs:
        """Shapes and dtypes."""
        lead = (self._batch,) if steps == 1 else (steps, self._batch)
        return {
            role: Chosen(self._shape((*lead, *file.shape[1:]), len(lead) - 1))
            for role, file in self._files.items()
        }

    def few(self, count: int) -> dict[str, jax.Array]:
        """Some crops of each person, spread evenly."""
        found = {}
        for role, file in self._files.items():
            pixels = np.empty((count, *file.shape[1:]), np.uint8)
            file.read(_spread(file.shape[0], count), pixels)
            found[role] = jnp.asarray(pixels)
        return found

    def _prepare(self, step: int, steps: int) -> Inputs:
        """In a thread of the pool: read, and bring to the device to the last byte."""
        made: Inputs = {}
        for role, index in self._draw(step, steps).items():
            file = self._files[role]
            index = index[:, self._rows]
            pixels = np.empty((index.size, *file.shape[1:]), np.uint8)
            file.read(index.reshape(-1), pixels)
            if steps > 1:
                pixels = pixels.reshape(*index.shape, *file.shape[1:])
            made[role] = Chosen(
                jax.device_put(pixels)
                if self._spread is None
                else self._spread.joined(pixels, int(steps > 1), self._batch)
            )
        ready: Inputs = jax.block_until_ready(made)  # type: ignore[no-untyped-call]
        return ready

    def _shape(self, shape: tuple[int, ...], axis: int) -> Any:
        """What stands for an array of bytes where a program is compiled; `axis` is the batch's."""
        where = None if self._spread is None else self._spread.shares(axis)
        return jax.ShapeDtypeStruct(shape, jnp.uint8, sharding=where)  # type: ignore[no-untyped-call]

    def _drop(self) -> None:
        for future in self._ready:
            future.cancel()
        self._ready.clear()


@contextmanager
def _open_stream(
    workspace: Workspace,
    datasets: Mapping[str, Dataset],
    settings: TrainSettings,
    reporter: Reporter,
    spread: Spread | None,
) -> Iterator[Feed]:
    with ExitStack() as stack:
        files = {
            role: stack.enter_context(crop_file(workspace, dataset, reporter))
            for role, dataset in datasets.items()
        }
        draw = host_draws(datasets, settings)
        yield stack.enter_context(Streamed(files, draw, settings.batch, spread))


def host_draws(
    datasets: Mapping[str, Dataset], settings: TrainSettings
) -> Callable[[int, int], dict[str, NDArray[np.int32]]]:
    """A function that says on the host which crops the steps draw; threads may share it.

    (step, steps) -> by role, in the order of `datasets`, int32 [steps, B].
    """
    clahe = settings.augmentation.clahe
    tables = {role: _table(dataset, settings) for role, dataset in datasets.items()}

    def of_step(step: jax.Array) -> dict[str, jax.Array]:
        key = step_key(settings.seed, step)
        return {
            role: choose(
                person_keys(key, number)[0],
                settings.batch,
                dataset.shape[0],
                clahe,
                None if tables[role] is None else jnp.asarray(tables[role]),
            )
            for number, (role, dataset) in enumerate(datasets.items())
        }

    many = jax.jit(jax.vmap(of_step))
    host = _host()

    def draw(step: int, steps: int) -> dict[str, NDArray[np.int32]]:
        with jax.default_device(host) if host is not None else nullcontext():
            found = many(np.arange(step, step + steps, dtype=np.int32))
            return {role: np.asarray(index) for role, index in found.items()}

    return draw


def _host() -> jax.Device | None:
    """The CPU, which draws while the accelerator works; None where JAX was told to leave it out."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None


def _table(dataset: Dataset, settings: TrainSettings) -> NDArray[np.uint32] | None:
    faces, how = dataset.faces, settings.sampling
    wanted = []
    if how.expression_uniform:
        widths = [mouth_width(landmarks_of(face)) for face in faces]
        doing = expressions([f.mouth for f in faces], [f.eyes for f in faces], widths)
        wanted.append((doing, how.expression_uniform))
    if how.pose_uniform:
        wanted.append((poses([f.yaw for f in faces], [f.pitch for f in faces]), how.pose_uniform))
    return chances(*wanted)


def _on_device(dataset: Dataset, reporter: Reporter) -> jax.Array:
    """All crops, brought over in pieces: at no time are they in the memory twice."""
    pixels = jnp.zeros(dataset.shape, jnp.uint8)
    fill = jax.jit(partial(jax.lax.dynamic_update_slice_in_dim, axis=0), donate_argnums=0)
    for start, piece in chunks(dataset, _CHUNK, reporter):
        pixels = fill(pixels, piece, start)
    return pixels


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    return np.rint(np.linspace(0, count - 1, wanted)).astype(np.int64)


def _words(streamed: bool, where: str, size: int, free: int | None) -> str:
    """What is done with the faces, and why."""
    room = "" if free is None else f"; {free / 1e9:.1f} GB of memory are free"
    if where != "auto":
        room = ", as asked"
    if streamed:
        return f"Faces ({size / 1e9:.2f} GB) are read from the disk, batch by batch{room}."
    return f"Faces ({size / 1e9:.2f} GB) are kept on the device{room}."

"""PyTorch as the yardstick: the same architecture, batch, loss and optimiser on the same device.

What it is given is what PyTorch is fast with: channels last, bfloat16 by autocast, torch.compile,
a fused Adam, cuDNN's benchmark, and chips that lie on the device, drawn and augmented before. Our
step is timed twice: on the same ready chips, and whole, with drawing and augmentation.

PyTorch is no dependency: where it is not installed, there is no yardstick.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import jax
import numpy as np

from engine.bench.breakdown import drawn
from engine.bench.rehearsal import TINY, TINY_32
from engine.bench.step import Prepared, in_a_row
from engine.nets.presets import HD_256, HD_512, STANDARD_128
from engine.training.losses import blur_matrix
from engine.training.model import PEOPLE
from engine.training.precision import BFLOAT16
from engine.training.settings import Losses
from engine.training.step import learn
from projects.errors import CommandError

PLANS = {
    "classic-64": None,
    "standard-128": STANDARD_128,
    "hd-256": HD_256,
    "hd-512": HD_512,
    TINY.name: TINY_32,
}
"""Presets that were written for PyTorch, too."""
LOSSES = {"l1", "mse", "dssim", "edges", "mask"}
"""Parts of a loss that were."""
_BESIDES = {"eyes", "mouth", "outside"}
_GREY = 0.5


@dataclass(frozen=True)
class Rival:
    """Both on one device."""

    preset: str
    batch: int
    """Chips of each person in a step."""
    precision: str
    ours: float
    """Seconds of our step on ready chips."""
    whole: float
    """Seconds of our whole step."""
    torch: float
    """Seconds of PyTorch's step on ready chips."""
    compiled: bool
    """Whether torch.compile worked."""
    compile_seconds: float
    """Of its first step."""
    memory: int | None
    """Most bytes that PyTorch had of the device; None on a CPU."""
    version: str
    loss_difference: float
    """Between both losses of the first step, as a part of ours."""

    @property
    def times(self) -> float:
        """How many times as fast as PyTorch we are on ready chips."""
        return self.torch / self.ours

    @property
    def times_whole(self) -> float:
        """The same of our whole step, which draws and augments besides."""
        return self.torch / self.whole


def installed() -> bool:
    """Whether there is a PyTorch here."""
    return find_spec("torch") is not None


def compare(ready: Prepared, least: float, *, compiled: bool = True) -> Rival:
    """Time both. least: seconds that each is timed for.

    Raises CommandError for a preset or a loss that was not written for PyTorch.
    """
    check(ready)
    batches = drawn(ready)
    params = jax.tree.map(lambda leaf: np.array(leaf, copy=True), ready.state.params)
    chips = [batch._asdict() for batch in jax.tree.map(np.array, batches)]
    whole = in_a_row(ready, least).seconds
    ours, loss = _ours(ready, batches, least)
    # What PyTorch needs is free again before it begins.
    measured = _theirs(ready, params, chips, least, compiled)
    return Rival(
        preset=ready.preset.name,
        batch=ready.settings.batch,
        precision=ready.settings.precision,
        ours=ours,
        whole=whole,
        torch=measured.seconds,
        compiled=measured.compiled,
        compile_seconds=measured.first,
        memory=measured.memory,
        version=measured.version,
        loss_difference=abs(measured.loss - loss) / abs(loss),
    )


def check(ready: Prepared) -> None:
    """Raises CommandError for what was not written for PyTorch."""
    if ready.preset.name not in PLANS:
        raise CommandError(
            f"{ready.preset.name} was not written for PyTorch. There are: {', '.join(PLANS)}."
        )
    asked = {name for name, weight in vars(ready.settings.losses).items() if weight}
    if missing := asked - LOSSES - _BESIDES:
        raise CommandError(f"These losses were not written for PyTorch: {sorted(missing)}.")


def torch_loss(losses: Losses, size: int, device: Any) -> Callable[..., Any]:
    """A function (rgb [B, 3, S, S], mask [B, 1, S, S] or None, batch) -> loss, as
    `engine.training.losses.chip_loss` has it. batch: by the names of `Batch`, [B, C, S, S]."""
    import torch

    blur = torch.from_numpy(np.array(blur_matrix(size))).to(device)

    def dssim(a: Any, b: Any) -> Any:
        def mean(x: Any) -> Any:
            return blur @ x @ blur.T

        c1, c2 = 0.01**2, 0.03**2
        mean_a, mean_b = mean(a), mean(b)
        var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
        both = mean(a * b) - mean_a * mean_b
        ssim = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
            (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
        )
        return (1 - ssim.mean()) / 2

    def loss(rgb: Any, mask: Any, batch: Any) -> Any:
        inside = batch["mask"] + losses.outside * (1 - batch["mask"])
        features = (losses.eyes - 1) * batch["eyes"] + (losses.mouth - 1) * batch["mouth"]
        weight = inside * (1 + features)
        area = weight.sum() * rgb.shape[1]
        error = rgb - batch["wanted"]
        total = losses.l1 * (weight * error.abs()).sum() / area
        total = total + losses.mse * (weight * error.square()).sum() / area
        if losses.edges:
            edge = error * inside
            across = (edge[:, :, :, 1:] - edge[:, :, :, :-1]).abs().mean()
            down = (edge[:, :, 1:] - edge[:, :, :-1]).abs().mean()
            total = total + losses.edges * (across + down)
        if losses.dssim:
            shown, wanted = (_GREY + (x - _GREY) * inside for x in (rgb, batch["wanted"]))
            total = total + losses.dssim * dssim(shown, wanted)
        if losses.mask and mask is not None:
            total = total + losses.mask * (mask - batch["mask"]).abs().mean()
        return total

    return loss


class _Chips:
    """A feed of chips that are drawn already."""

    most_steps = 1 << 30

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def take(self, step: int, steps: int, waiting: Callable[[], None] | None = None) -> Any:
        return self._batches

    def example(self, steps: int) -> Any:
        return self._batches


@dataclass(frozen=True)
class _Theirs:
    seconds: float
    compiled: bool
    first: float
    memory: int | None
    version: str
    loss: float


def _ours(ready: Prepared, batches: Any, least: float) -> tuple[float, float]:
    """Seconds of our step on ready chips, and the loss of the first one."""

    def many(state: Any, batches: Any) -> Any:
        def one(state: Any, _: Any) -> Any:
            return learn(state, batches, ready.model, ready.settings)

        state, metrics = jax.lax.scan(one, state, length=ready.steps)
        return state, {"loss": metrics["loss"].mean(), "first": metrics["loss"][0]}

    def single(state: Any, batches: Any) -> Any:
        state, metrics = learn(state, batches, ready.model, ready.settings)
        return state, {"loss": metrics["loss"], "first": metrics["loss"]}

    jitted = jax.jit(single if ready.steps == 1 else many, donate_argnums=0)
    call = jitted.lower(ready.state, batches).compile()
    firsts: list[float] = []

    def told(state: Any, batches: Any) -> Any:
        state, metrics = call(state, batches)
        if not firsts:
            firsts.append(float(metrics["first"]))
        return state, metrics

    timed = in_a_row(replace(ready, feed=_Chips(batches), call=told), least)
    return timed.seconds, firsts[0]


def _theirs(
    ready: Prepared, params: Any, chips: list[dict[str, Any]], least: float, compiled: bool
) -> _Theirs:
    import torch

    from engine.bench.torch_nets import load, model_of

    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    settings, size = ready.settings, ready.preset.size
    model = model_of(PLANS[ready.preset.name])
    load(model, params)
    model = model.to(device, memory_format=torch.channels_last)
    batches = [{name: to_torch(x, device) for name, x in batch.items()} for batch in chips]
    seen = torch.cat([batch["seen"] for batch in batches])
    weigh = torch_loss(settings.losses, size, device)
    narrow = settings.precision == BFLOAT16

    def forward(seen: Any, batches: Any) -> Any:
        with torch.autocast(device.type, torch.bfloat16, enabled=narrow):
            codes = model.encoder(seen).chunk(len(PEOPLE))
            decoded = [getattr(model, who)(code) for who, code in zip(PEOPLE, codes, strict=True)]
        answers = zip(decoded, batches, strict=True)
        return sum(weigh(rgb.float(), mask, batch) for (rgb, mask), batch in answers)

    weights = list(model.parameters())
    average = [weight.detach().clone() for weight in weights]
    adam = torch.optim.Adam(
        weights,
        lr=settings.learning_rate,
        betas=(0.9, settings.beta2),
        eps=settings.epsilon,
        fused=True,
    )

    def step(forward: Callable[..., Any]) -> Any:
        loss = forward(seen, batches)
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(average, weights, 1 - settings.average)
        return loss.detach()

    start = time.perf_counter()
    run, worked = forward, False
    if compiled:
        try:
            run = torch.compile(forward)
            first, worked = float(step(run)), True
        except Exception as error:  # noqa: BLE001 - its backends raise anything; told in `compiled`
            print(f"torch.compile failed: {error}"[:500])  # noqa: T201
            run = forward
    if not worked:
        first = float(step(run))
    took = time.perf_counter() - start

    def wait() -> None:
        if cuda:
            torch.cuda.synchronize()

    for _ in range(2):
        step(run)
    wait()
    start = time.perf_counter()
    step(run)
    wait()
    count = max(3, int(least / (time.perf_counter() - start)))
    start = time.perf_counter()
    for _ in range(count):
        step(run)
    wait()
    seconds = (time.perf_counter() - start) / count
    memory = int(torch.cuda.max_memory_allocated()) if cuda else None
    return _Theirs(seconds, worked, took, memory, torch.__version__, first)


def to_torch(array: Any, device: Any) -> Any:
    """A tensor [N, C, H, W], channels last, of an array [N, H, W, C]."""
    import torch

    tensor = torch.from_numpy(np.array(array)).permute(0, 3, 1, 2)
    return tensor.to(device, memory_format=torch.channels_last)

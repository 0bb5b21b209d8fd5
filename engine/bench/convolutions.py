"""Time every form of a convolution, forward and both gradients, on this machine's CPU.

    python -m engine.bench.convolutions 16x16x16x256-512k3 32x32x32x128-256k5s2

The shapes are NxHxWxCi-Co, then the kernel's side and the stride. Without any, those of the presets
and their neighbourhood are timed. `engine.nets.conv.choose_form` was read off this table.
"""

import argparse
import re
import statistics
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rich.console import Console
from rich.table import Table

from engine.bench.peak import Peak, seconds
from engine.nets.conv import Form, choose_form, conv2d_as
from projects.errors import CommandError

USUAL = (
    "32x64x64x3-128k5s2",
    "32x32x32x128-256k5s2",
    "32x16x16x256-512k5s2",
    "32x8x8x512-1024k5s2",
    "32x4x4x1024-2048k3",
    "16x8x8x512-1024k3",
    "16x16x16x256-512k3",
    "16x32x32x128-256k3",
    "16x64x64x64-3k5",
    "32x16x16x48-64k3",
    "32x8x8x128-128k3",
    "16x16x16x64-64k3",
    "16x32x32x32-32k3",
    "8x32x32x64-64k3",
    "8x64x64x48-48k3",
    "16x32x32x64-64k3",
    "16x32x32x96-96k3",
    "16x16x16x128-128k3",
)
REPEATS = 5


@dataclass(frozen=True)
class Shape:
    """A convolution with padding SAME."""

    image: tuple[int, int, int, int]
    out_channels: int
    side: int
    stride: int

    @property
    def kernel(self) -> tuple[int, int, int, int]:
        """[kh, kw, Ci, Co]."""
        return self.side, self.side, self.image[3], self.out_channels

    @property
    def out(self) -> tuple[int, int]:
        """Height and width of the result."""
        return -(-self.image[1] // self.stride), -(-self.image[2] // self.stride)

    @property
    def flops(self) -> float:
        """Of forward and both gradients by the definition."""
        return 6.0 * self.image[0] * float(np.prod(self.out)) * float(np.prod(self.kernel))


def parse(text: str) -> Shape:
    """A shape from its notation. Raises CommandError when it is not one."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)x(\d+)-(\d+)k(\d+)(?:s(\d+))?", text)
    if match is None:
        raise CommandError(f"{text!r} is not a shape. Write it like 32x32x32x128-256k5s2.")
    n, h, w, ci, co, side, stride = (int(group or 1) for group in match.groups())
    return Shape((n, h, w, ci), co, side, stride)


def forms(shape: Shape) -> list[Form]:
    """The forms that are worth trying. XLA's own takes minutes for some strided convolutions."""
    possible = [Form.MATMUL]
    if shape.stride == 1 or min(shape.out) > 2 * shape.side or shape.image[3] < 64:
        possible.append(Form.LAX)
    if shape.stride == 1 and shape.out_channels <= 16:
        possible.append(Form.TAPS)
    if -(-shape.side // shape.stride) == 3:
        possible.append(Form.WINOGRAD)
    return possible


def measure(shape: Shape, form: Form, peak: Peak) -> float:
    """Median seconds of forward and both gradients."""
    rng = np.random.default_rng(0)
    x, w, dy = (
        jnp.asarray(rng.standard_normal(size), jnp.float32)
        for size in (shape.image, shape.kernel, (shape.image[0], *shape.out, shape.out_channels))
    )
    strides = (shape.stride, shape.stride)
    (top, left) = lax.padtype_to_pads(shape.image[1:3], shape.kernel[:2], strides, "SAME")

    @jax.jit
    def run(x: jax.Array, w: jax.Array, dy: jax.Array) -> tuple[jax.Array, ...]:
        y, back = jax.vjp(
            lambda x, w: conv2d_as(form, x, w, shape.stride, (tuple(top), tuple(left))), x, w
        )
        return y, *back(dy)

    seconds(lambda: run(x, w, dy))
    taken = []
    for _ in range(REPEATS):
        peak.measure()
        taken.append(seconds(lambda: run(x, w, dy)))
    return statistics.median(taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time every form of a convolution.")
    parser.add_argument("shapes", nargs="*", default=USUAL, metavar="NxHxWxCi-CokKsS")
    table = Table("shape", "GFLOP", *(f"{form.value} ms" for form in Form), "chosen")
    peak = Peak()
    for text in parser.parse_args().shapes:
        shape = parse(text)
        taken = {form: measure(shape, form, peak) for form in forms(shape)}
        table.add_row(
            text,
            f"{shape.flops / 1e9:.1f}",
            *(f"{1e3 * taken[form]:.1f}" if form in taken else "" for form in Form),
            choose_form(shape.image, shape.kernel, shape.stride, shape.out).value,
        )
    console = Console()
    console.print(table)
    console.print(f"sgemm peak {peak.flops / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()

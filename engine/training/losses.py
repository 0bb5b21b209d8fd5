"""How far a decoded chip is from the wanted one. All arrays float32 NHWC, colours in 0..1."""

import jax
import jax.numpy as jnp
import numpy as np

from engine.training.augment import GREY, Batch
from engine.training.settings import Losses

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5


def chip_loss(
    rgb: jax.Array, mask: jax.Array | None, batch: Batch, weights: Losses
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The loss of one person's decoded chips and its parts, each before its weight.

    rgb [B, S, S, 3] and mask [B, S, S, 1] (or None) are the decoder's answer.
    """
    inside = batch.mask + weights.outside * (1 - batch.mask)
    features = (weights.eyes - 1) * batch.eyes + (weights.mouth - 1) * batch.mouth
    weight = inside * (1 + features)
    area = weight.sum() * rgb.shape[-1]
    error = rgb - batch.wanted
    parts: dict[str, jax.Array] = {}
    if weights.l1:
        parts["l1"] = (weight * jnp.abs(error)).sum() / area
    if weights.mse:
        parts["mse"] = (weight * error**2).sum() / area
    if weights.edges:
        parts["edges"] = edge_error(error * inside)
    if weights.dssim:
        shown = GREY + (rgb - GREY) * inside
        parts["dssim"] = dssim(shown, GREY + (batch.wanted - GREY) * inside)
    if weights.mask and mask is not None:
        parts["mask"] = jnp.abs(mask - batch.mask).mean()
    total = sum((getattr(weights, name) * value for name, value in parts.items()), jnp.zeros(()))
    return total, parts


def edge_error(error: jax.Array) -> jax.Array:
    """Mean absolute difference between neighbouring pixels of an error picture."""
    across = jnp.abs(error[:, :, 1:] - error[:, :, :-1]).mean()
    down = jnp.abs(error[:, 1:] - error[:, :-1]).mean()
    return across + down


def dssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """(1 - SSIM) / 2, averaged (Wang et al. 2004: 11 px Gaussian window, sigma 1.5)."""
    blur = _blur_matrix(a.shape[1])

    def mean(x: jax.Array) -> jax.Array:
        return jnp.einsum("yi,xj,nijc->nyxc", blur, blur, x)

    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    ssim = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )
    return (1 - ssim.mean()) / 2


def _blur_matrix(size: int) -> jax.Array:
    """float32 [size - 10, size]: a Gaussian window at every place where it fits whole.

    A matmul, since XLA's depthwise convolution on a CPU is many times slower.
    """
    taps = np.exp(-((np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) ** 2) / (2 * SSIM_SIGMA**2))
    taps /= taps.sum()
    matrix = np.zeros((size - SSIM_WINDOW + 1, size), np.float32)
    for row in range(len(matrix)):
        matrix[row, row : row + SSIM_WINDOW] = taps
    return jnp.asarray(matrix)

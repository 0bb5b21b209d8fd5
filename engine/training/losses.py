"""How far a decoded chip is from the wanted one. All arrays float32 NHWC, colours in 0..1.

Nothing here convolves: XLA's depthwise convolution on a CPU is many times slower than a matmul.
"""

import jax
import jax.numpy as jnp
import numpy as np

from engine.nets.blocks import shrunk
from engine.training.augment import GREY, Batch
from engine.training.settings import Losses

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the picture and its halvings, finest first (Wang et al. 2003)."""
LEVELS = 4
"""Of a Laplacian pyramid, the smallest picture included."""
DIRECTIONS = 64
"""Along which the distributions of codes are compared."""


def chip_loss(
    rgb: jax.Array,
    mask: jax.Array | None,
    batch: Batch,
    weights: Losses,
    area: jax.Array | None = None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The loss of one person's decoded chips and its parts, each before its weight.

    rgb [B, S, S, 3] and mask [B, S, S, 1] (or None) are the decoder's answer. area: what the
    weights of the pixels come to, where these chips are one part of a batch; their own by default.
    """
    inside = _inside(batch, weights)
    weight = _pixel_weight(batch, weights)
    area = (weight.sum() if area is None else area) * rgb.shape[-1]
    error = rgb - batch.wanted
    parts: dict[str, jax.Array] = {}
    if weights.l1:
        parts["l1"] = (weight * jnp.abs(error)).sum() / area
    if weights.mse:
        parts["mse"] = (weight * error**2).sum() / area
    if weights.edges:
        parts["edges"] = edge_error(error * inside)
    if weights.laplacian:
        parts["laplacian"] = laplacian_error(error * inside)
    if weights.dssim or weights.msdssim:
        shown, wanted = inside_only(rgb, batch, weights), inside_only(batch.wanted, batch, weights)
        if weights.dssim:
            parts["dssim"] = dssim(shown, wanted)
        if weights.msdssim:
            parts["msdssim"] = multi_scale_dssim(shown, wanted)
    if weights.mask and mask is not None:
        parts["mask"] = jnp.abs(mask - batch.mask).mean()
    total = sum((getattr(weights, name) * value for name, value in parts.items()), jnp.zeros(()))
    return total, parts


def area_of(batch: Batch, weights: Losses) -> jax.Array:
    """What the weights of all pixels of a batch come to."""
    return _pixel_weight(batch, weights).sum()


def inside_only(rgb: jax.Array, batch: Batch, weights: Losses) -> jax.Array:
    """rgb [B, S, S, 3], grey where the losses do not look."""
    return GREY + (rgb - GREY) * _inside(batch, weights)


def edge_error(error: jax.Array) -> jax.Array:
    """Mean absolute difference between neighbouring pixels of an error picture."""
    across = jnp.abs(error[:, :, 1:] - error[:, :, :-1]).mean()
    down = jnp.abs(error[:, 1:] - error[:, :-1]).mean()
    return across + down


def laplacian_error(error: jax.Array) -> jax.Array:
    """L1 of the Laplacian pyramid of an error picture [B, S, S, C] (Burt & Adelson 1983).

    The pyramid is linear, so this is the difference of both pictures' pyramids. Each level counts
    alike, however few pixels it has (Bojanowski et al. 2018, arXiv 1707.05776).
    """
    total = jnp.zeros(())
    for _ in range(LEVELS - 1):
        size = error.shape[1]
        if size < 4 or size % 2:
            break
        down, up = _halving_matrix(size), _halving_matrix(size).T * 2
        small = jnp.einsum("yi,xj,nijc->nyxc", down, down, error)
        total = total + jnp.abs(error - jnp.einsum("yi,xj,nijc->nyxc", up, up, small)).mean()
        error = small
    return total + jnp.abs(error).mean()


def multi_scale_dssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """DSSIM of the pictures and of their halvings, as far as the window fits.

    The weights are those of MS-SSIM (Wang et al. 2003), for these scales made to add up to 1. They
    weigh a sum where MS-SSIM multiplies: the slope of a power has no end where pictures contradict
    each other, as they do in the first steps.
    """
    total, weights = jnp.zeros(()), 0.0
    for weight in SCALE_WEIGHTS:
        total, weights = total + weight * dssim(a, b), weights + weight
        if a.shape[1] % 2 or a.shape[1] // 2 < SSIM_WINDOW:
            break
        a, b = shrunk(a, 2), shrunk(b, 2)
    return total / weights


def code_distance(codes: list[jax.Array], key: jax.Array) -> jax.Array:
    """How far the distributions of the people's codes [B, ...] lie apart, 0 where they are one.

    The sliced Wasserstein distance (Rabin et al. 2011; Bonneel et al. 2015) of codes whose every
    number was brought to mean 0 and variance 1 over all people, so that smaller codes are no way
    out: along random directions the sorted codes of each person are compared with their mean.
    """
    flat = jnp.stack([code.reshape(len(code), -1) for code in codes])
    flat = flat - flat.mean((0, 1))
    flat = flat / jnp.sqrt((flat**2).mean((0, 1)) + 1e-6)
    directions = jax.random.normal(key, (flat.shape[-1], DIRECTIONS))
    directions = directions / jnp.linalg.norm(directions, axis=0)
    along = jnp.sort(flat @ directions, 1)
    return ((along - along.mean(0)) ** 2).mean()


def dssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """(1 - SSIM) / 2, averaged (Wang et al. 2004: 11 px Gaussian window, sigma 1.5)."""
    blur = blur_matrix(a.shape[1])

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


def _inside(batch: Batch, weights: Losses) -> jax.Array:
    """How much each pixel [B, S, S, 1] counts for where it is."""
    return batch.mask + weights.outside * (1 - batch.mask)


def _pixel_weight(batch: Batch, weights: Losses) -> jax.Array:
    """How much each pixel [B, S, S, 1] counts for where it is and what it shows."""
    features = (weights.eyes - 1) * batch.eyes + (weights.mouth - 1) * batch.mouth
    return _inside(batch, weights) * (1 + features)


def _halving_matrix(size: int) -> jax.Array:
    """float32 [size / 2, size]: 1 4 6 4 1 around every other pixel; each row adds up to 1."""
    matrix = np.zeros((size // 2, size), np.float32)
    for row in range(len(matrix)):
        for offset, tap in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
            matrix[row, min(max(2 * row + offset, 0), size - 1)] += tap / 16
    return jnp.asarray(matrix)


def blur_matrix(size: int) -> jax.Array:
    """float32 [size - 10, size]: a Gaussian window at every place where it fits whole.

    A matmul, since XLA's depthwise convolution on a CPU is many times slower.
    """
    taps = np.exp(-((np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) ** 2) / (2 * SSIM_SIGMA**2))
    taps /= taps.sum()
    matrix = np.zeros((size - SSIM_WINDOW + 1, size), np.float32)
    for row in range(len(matrix)):
        matrix[row, row : row + SSIM_WINDOW] = taps
    return jnp.asarray(matrix)

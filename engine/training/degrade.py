"""What lenses, sensors and codecs do to pictures, for the encoder's input, all as matrix products.

The strength differs from chip to chip, from none to the strongest that is asked for.
"""

from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 8
_WORST: Final = 5.0
"""Times its tables by which a JPEG of quality 10 is quantised."""
_LUMA: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_CHROMA: Final = np.full((_BLOCK, _BLOCK), 99)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_TABLES: Final = (np.stack([_LUMA, _CHROMA, _CHROMA], -1) / 255).astype(np.float32)
"""[8, 8, 3] by which Y', Cb and Cr are divided at quality 50: ITU-T T.81, annex K.1."""
_TO_YCC: Final = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168736, -0.331264, 0.5],
        [0.5, -0.418688, -0.081312],
    ],
    np.float32,
)
"""ITU-T T.871."""
_FROM_YCC: Final = np.linalg.inv(_TO_YCC.astype(np.float64)).astype(np.float32)


def _cosines() -> NDArray[np.float32]:
    """The orthonormal discrete cosine transform of 8 values."""
    k, x = np.mgrid[:_BLOCK, :_BLOCK]
    matrix = np.sqrt(2 / _BLOCK) * np.cos(np.pi * (2 * x + 1) * k / (2 * _BLOCK))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_DCT: Final = _cosines()


def blur(rgb: jax.Array, key: jax.Array, strongest: float) -> jax.Array:
    """A Gaussian blur of rgb [B, S, S, 3]; strongest: its standard deviation, in sides of a chip.

    Rows and columns are multiplied by a band matrix each, which XLA does at full speed on every
    device, as it does not a convolution of single channels.
    """
    count, size = rgb.shape[:2]
    sigma = strongest * size * jax.random.uniform(key, (count, 1, 1))
    apart = (jnp.arange(size)[:, None] - jnp.arange(size)[None, :]) ** 2
    band = jnp.exp(-apart / (2 * jnp.maximum(sigma, 0.05) ** 2))
    band = band / band.sum(-1, keepdims=True)
    across = jnp.einsum("nxj,nijc->nixc", band, rgb)
    return jnp.einsum("nyi,nixc->nyxc", band, across)


def noise(rgb: jax.Array, key: jax.Array, strongest: float) -> jax.Array:
    """Gaussian noise on rgb [B, S, S, 3] in 0..1; strongest: its standard deviation."""
    k_sigma, k_noise = jax.random.split(key)
    sigma = strongest * jax.random.uniform(k_sigma, (rgb.shape[0], 1, 1, 1))
    return jnp.clip(rgb + sigma * jax.random.normal(k_noise, rgb.shape), 0, 1)


def blocks(rgb: jax.Array, key: jax.Array, strongest: float) -> jax.Array:
    """rgb [B, S, S, 3] in 0..1 as JPEG's quantisation leaves it: blocks of 8 x 8, in Y'CbCr.

    strongest: 1 is about quality 10, 0.2 about 50. Where the blocks begin is random: a chip lies
    anywhere in its frame.
    """
    k_scale, k_begin = jax.random.split(key)
    count, size = rgb.shape[:2]
    begin = jax.random.randint(k_begin, (2,), 0, _BLOCK)
    cells = -(-size // _BLOCK) + 1
    after = cells * _BLOCK - size
    padded = jnp.pad(rgb, ((0, 0), (after, after), (after, after), (0, 0)), mode="edge")
    start = after - begin
    shape = (count, cells * _BLOCK, cells * _BLOCK, 3)
    zero = jnp.zeros((), start.dtype)
    ycc = jax.lax.dynamic_slice(padded, (zero, start[0], start[1], zero), shape) @ _TO_YCC.T
    tiles = ycc.reshape(count, cells, _BLOCK, cells, _BLOCK, 3)
    scale = _WORST * strongest * jax.random.uniform(k_scale, (count, 1, 1, 1, 1, 1), minval=1e-3)
    table = scale * jnp.asarray(_TABLES)[None, None, :, None, :, :]
    waves = jnp.einsum("ui,vj,naibjc->naubvc", _DCT, _DCT, tiles)
    waves = jnp.round(waves / table) * table
    ycc = jnp.einsum("ui,vj,naubvc->naibjc", _DCT, _DCT, waves).reshape(shape)
    back = jax.lax.dynamic_slice(ycc, (zero, begin[0], begin[1], zero), rgb.shape)
    return jnp.clip(back @ _FROM_YCC.T, 0, 1)

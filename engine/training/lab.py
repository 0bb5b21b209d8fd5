"""CIE L*a*b* of sRGB pictures on the device (CIE 15:2004, D65; IEC 61966-2-1)."""

import jax
import jax.numpy as jnp
import numpy as np

_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ.sum(1)
_TO_SCALED = (_TO_XYZ / _WHITE[:, None]).T.astype(np.float32)
_FROM_SCALED = np.linalg.inv(_TO_SCALED.astype(np.float64)).astype(np.float32)
_KNEE = 6 / 29


def rgb_to_lab(rgb: jax.Array) -> jax.Array:
    """sRGB float32 [..., 3] in 0..1 to L* in 0..100 and a*, b* in about -110..110."""
    linear = jnp.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_SCALED
    f = jnp.where(xyz > _KNEE**3, jnp.cbrt(xyz), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return jnp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def lab_to_rgb(lab: jax.Array) -> jax.Array:
    """The inverse of `rgb_to_lab`, clipped to 0..1."""
    y = (lab[..., 0] + 16) / 116
    f = jnp.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], -1)
    xyz = jnp.where(f > _KNEE, f**3, 3 * _KNEE**2 * (f - 4 / 29))
    linear = jnp.clip(xyz @ _FROM_SCALED, 0, 1)
    gamma = 1.055 * jnp.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    return jnp.clip(jnp.where(linear <= 0.0031308, 12.92 * linear, gamma), 0, 1)

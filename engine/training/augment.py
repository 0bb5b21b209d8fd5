"""Random batches made on the device: every pixel is looked up once, through one coordinate field.

A batch is a function of the key alone, so the seed and the step are the whole position in the
data and a training that was interrupted sees the same batches as one that was not.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from engine.training.degrade import blocks, blur, noise
from engine.training.devices import Spread
from engine.training.lab import lab_to_rgb, rgb_to_lab
from engine.training.sampling import Chosen, Crops, drawn, person_keys
from engine.training.settings import Augmentation
from engine.training.transfer import transfer

CHANNELS = 6
"""Of a crop: red, green, blue, and the masks of face, eyes and mouth."""
GRID = 5
"""Points along each side of the grid of random displacements."""
GREY = 0.5
"""What the encoder sees where there is no face."""


class Batch(NamedTuple):
    """Chips of one person, float32 in 0..1, NHWC, RGB."""

    seen: jax.Array
    """[B, S, S, 3] what the encoder is given."""
    wanted: jax.Array
    """[B, S, S, 3] what the decoder should answer."""
    mask: jax.Array
    """[B, S, S, 1] 1 inside the face."""
    eyes: jax.Array
    """[B, S, S, 1] 1 on the eyes."""
    mouth: jax.Array
    """[B, S, S, 1] 1 on the mouth."""


class _Chips(NamedTuple):
    """Chips of one person with all their channels, float32 [B, S, S, 6] in 0..1."""

    seen: jax.Array
    wanted: jax.Array


def sample(
    people: Sequence[Crops],
    key: jax.Array,
    batch: int,
    size: int,
    margin: float,
    how: Augmentation,
    masked: bool,
    spread: Spread | None = None,
) -> list[Batch]:
    """A random batch of each person.

    people: uint8 [N, R, R, 6], crops that show `margin` times the chip's side; the channels are
    red, green, blue, and the masks of face, eyes and mouth. With CLAHE the second half of them are
    the first half's equalised twins. `Chosen` crops are the batch itself. size: the chips' side S
    in pixels. spread: the devices, where they are several: each makes its share of the batch.
    """
    keys = [person_keys(key, number) for number in range(len(people))]
    chips = [
        _looked_up(crops, k, batch, size, margin, how, spread)
        for crops, k in zip(people, keys, strict=True)
    ]
    seen = [one.seen for one in chips]
    if how.transfer:
        moves = [jax.random.fold_in(k[4], 1) for k in keys]
        seen = transfer(seen, moves, how.transfer)
    return [
        _finished(_Chips(s, one.wanted), k[4], how, masked)
        for s, one, k in zip(seen, chips, keys, strict=True)
    ]


def _looked_up(
    crops: Crops,
    keys: jax.Array,
    batch: int,
    size: int,
    margin: float,
    how: Augmentation,
    spread: Spread | None,
) -> _Chips:
    """The chips of one person with what both sides share; `keys` of `person_keys`."""
    k_index, k_place, k_both, k_warp, _ = keys
    field = place(k_place, batch, size, how)
    pixels, index = drawn(crops, k_index, batch, how.clahe)

    def looked_up(at: jax.Array) -> jax.Array:
        if spread is None:
            return look_up(pixels, index, at, margin)
        return _shared_out(crops, pixels, index, at, margin, spread)

    wanted = looked_up(field)
    # A warp that ends with a step is an array while it is traced.
    warped = isinstance(how.warp, jax.Array) or how.warp > 0
    seen = looked_up(field + displacement(k_warp, batch, size, how.warp)) if warped else wanted
    if how.lightness or how.colour:
        wanted, seen = (
            jnp.concatenate([recolour(chip[..., :3], k_both, how), chip[..., 3:]], -1)
            for chip in (wanted, seen)
        )
    return _Chips(seen, wanted)


def _finished(chips: _Chips, key: jax.Array, how: Augmentation, masked: bool) -> Batch:
    """What changes the encoder's input alone, in the order in which it happens to footage: light,
    lens, sensor, compression."""
    seen, wanted = chips
    rgb = relight(seen[..., :3], key, how)
    if how.blur:
        rgb = blur(rgb, jax.random.fold_in(key, 2), how.blur)
    if how.noise:
        rgb = noise(rgb, jax.random.fold_in(key, 3), how.noise)
    if how.blocks:
        rgb = blocks(rgb, jax.random.fold_in(key, 4), how.blocks)
    if masked:
        rgb = hide(rgb, seen[..., 3:4])
    return Batch(rgb, wanted[..., :3], wanted[..., 3:4], wanted[..., 4:5], wanted[..., 5:6])


def hide(rgb: jax.Array, mask: jax.Array) -> jax.Array:
    """Grey where the mask is 0. rgb [..., 3] and mask [..., 1] in 0..1."""
    return GREY + (rgb - GREY) * mask


def place(key: jax.Array, batch: int, size: int, how: Augmentation) -> jax.Array:
    """Where each chip pixel is looked up: float32 [B, S, S, 2] (x, y), chip centre at 0, side 1."""
    k_turn, k_zoom, k_shift, k_flip = jax.random.split(key, 4)
    turn = jnp.deg2rad(jax.random.uniform(k_turn, (batch,), minval=-how.rotate, maxval=how.rotate))
    zoom = jax.random.uniform(k_zoom, (batch,), minval=1 - how.zoom, maxval=1 + how.zoom)
    shift = jax.random.uniform(k_shift, (batch, 1, 1, 2), minval=-how.shift, maxval=how.shift)
    mirror = jnp.where(jax.random.bernoulli(k_flip, how.flip, (batch,)), -1.0, 1.0)
    axis = (jnp.arange(size) + 0.5) / size - 0.5
    x = axis[None, None, :] * mirror[:, None, None]
    y = axis[None, :, None]
    cos, sin = (zoom * jnp.cos(turn))[:, None, None], (zoom * jnp.sin(turn))[:, None, None]
    return jnp.stack([cos * x - sin * y, sin * x + cos * y], -1) + shift


def displacement(key: jax.Array, batch: int, size: int, sigma: float) -> jax.Array:
    """A smooth random field, float32 [B, S, S, 2], from a grid of normal displacements."""
    grid = sigma * jax.random.normal(key, (batch, GRID, GRID, 2))
    smooth = jax.image.resize(jnp.eye(GRID), (size, GRID), "cubic", antialias=False)
    return jnp.einsum("yi,xj,nijc->nyxc", smooth, smooth, grid)


def look_up(pixels: jax.Array, index: jax.Array, field: jax.Array, margin: float) -> jax.Array:
    """Bilinear samples of pixels[index] at `field`: float32 [B, S, S, C] in 0..1."""
    count, side, _, channels = pixels.shape
    flat = pixels.reshape(count * side * side, channels)
    at = jnp.clip(field * (side / margin) + (side - 1) / 2, 0, side - 1.001)
    corner = jnp.floor(at).astype(jnp.int32)
    fx, fy = jnp.split(at - corner, 2, -1)
    start = (index * side * side)[:, None, None] + corner[..., 1] * side + corner[..., 0]

    def fetch(offset: int) -> jax.Array:
        rows = flat.at[start + offset].get(mode="promise_in_bounds")
        return rows.astype(jnp.float32) * (1 / 255)

    top = fetch(0) * (1 - fx) + fetch(1) * fx
    bottom = fetch(side) * (1 - fx) + fetch(side + 1) * fx
    return top * (1 - fy) + bottom * fy


def _shared_out(
    crops: Crops,
    pixels: jax.Array,
    index: jax.Array,
    field: jax.Array,
    margin: float,
    spread: Spread,
) -> jax.Array:
    """`look_up` on several devices, each in what it has: all crops, or its share of the chosen."""
    chosen = isinstance(crops, Chosen)

    def own(pixels: jax.Array, index: jax.Array, field: jax.Array) -> jax.Array:
        return look_up(pixels, jnp.arange(len(index)) if chosen else index, field, margin)

    whole, shares = spread.whole.spec, spread.shares().spec
    return jax.shard_map(
        own,
        mesh=spread.mesh,
        in_specs=(shares if chosen else whole, shares, shares),
        out_specs=shares,
    )(pixels, index, field)


def recolour(rgb: jax.Array, key: jax.Array, how: Augmentation) -> jax.Array:
    """Another lightness and hue in CIE L*a*b* for each chip of rgb [B, S, S, 3] in 0..1."""
    k_gain, k_shift = jax.random.split(key)
    n = rgb.shape[0]
    gain = 1 + how.lightness * jax.random.uniform(k_gain, (n, 1, 1), minval=-1, maxval=1)
    shift = 128 * how.colour * jax.random.uniform(k_shift, (n, 1, 1, 2), minval=-1, maxval=1)
    lab = rgb_to_lab(rgb)
    return lab_to_rgb(jnp.concatenate([(lab[..., 0] * gain)[..., None], lab[..., 1:] + shift], -1))


def relight(rgb: jax.Array, key: jax.Array, how: Augmentation) -> jax.Array:
    """Another exposure, gamma and white balance for each chip of rgb [B, S, S, 3] in 0..1."""
    if not (how.gain or how.gamma or how.tint):
        return rgb
    k_gain, k_gamma, k_tint = jax.random.split(key, 3)
    n = rgb.shape[0]
    gain = how.gain * jax.random.normal(k_gain, (n, 1, 1, 1))
    tint = how.tint * jax.random.normal(k_tint, (n, 1, 1, 3))
    gamma = jnp.exp(how.gamma * jax.random.normal(k_gamma, (n, 1, 1, 1)))
    # XLA takes an exponential once a chip, where it would draw a mere sum anew for every pixel.
    return jnp.clip(jnp.exp(gamma * jnp.log(rgb + 1e-3)) * jnp.exp(gain + tint), 0, 1)

"""Two-dimensional convolution: XLA's own on GPU and TPU, the fastest of four forms on the CPU.

XLA's CPU convolution is good at small ones and falls off a cliff at others (the input gradient of a
strided convolution can run three hundred times slower than the same arithmetic as a matmul), and
it never uses fewer multiplications than the definition asks for. `conv2d` therefore chooses a
`Form` from the shapes, at trace time, and uses it for the value and both gradients.

Images are float32 [N, H, W, C], kernels float32 [kh, kw, Ci, Co].
"""

import enum
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Pads = tuple[tuple[int, int], tuple[int, int]]
Grid = list[list[jax.Array]]

_LAYOUT = ("NHWC", "HWIO", "NHWC")
_TILE = 4


class Form(enum.Enum):
    """How a convolution is computed."""

    LAX = "lax"
    """XLA's own."""
    MATMUL = "matmul"
    """Patches laid out in rows, then one matmul; the input gradient adds the patches back."""
    TAPS = "taps"
    """One matmul to every tap's outputs, then the taps' images shifted and added."""
    WINOGRAD = "winograd"
    """Minimal filtering F(4x4, 3x3): 36 multiplications where the definition has 144."""


def choose_form(
    image: Sequence[int], kernel: Sequence[int], stride: int, out: tuple[int, int]
) -> Form:
    """The fastest form on the CPU for an image [N, H, W, Ci] and a kernel [kh, kw, Ci, Co].

    The numbers were read off `python -m engine.bench.convolutions`.
    """
    kh, kw, ci, co = kernel
    pixels = image[0] * out[0] * out[1]
    if kh == kw == 1:
        return Form.MATMUL if stride == 1 else Form.LAX
    if co <= 4 and stride == 1:
        return Form.TAPS
    if ci <= 4 or pixels <= 512:
        return Form.MATMUL
    if -(-kh // stride) == -(-kw // stride) == 3 and min(ci, co) >= 32:
        return Form.WINOGRAD
    return Form.LAX if stride == 1 else Form.MATMUL


def conv2d(
    x: jax.Array,
    w: jax.Array,
    stride: int = 1,
    padding: str | Sequence[tuple[int, int]] = "SAME",
) -> jax.Array:
    """Convolution (as networks mean it: correlation) of x [N, H, W, Ci] with w [kh, kw, Ci, Co].

    `padding` is "SAME", "VALID" or the pixels added before and after each side. On the CPU the
    form follows from the shapes; elsewhere it is `lax.conv_general_dilated`.
    """
    pads = _pads(x.shape, w.shape, stride, padding)
    if jax.default_backend() != "cpu":
        return _lax_conv(x, w, stride, pads)
    out = _out_size(x.shape, w.shape, stride, pads)
    return conv2d_as(choose_form(x.shape, w.shape, stride, out), x, w, stride, pads)


def conv_general_dilated(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    **kwargs: Any,
) -> jax.Array:
    """What `flax.nnx.Conv(conv_general_dilated=...)` takes: `conv2d` where it applies, else lax.

    It applies to float32 images with an equal stride, no dilation and no groups.
    """
    plain = (
        rhs.ndim == 4
        and lhs.dtype == rhs.dtype == jnp.float32
        and feature_group_count == 1
        and len(set(window_strides)) == 1
        and all(d == 1 for d in (*(lhs_dilation or ()), *(rhs_dilation or ())))
        and kwargs.get("preferred_element_type") in (None, jnp.float32)
        and kwargs.get("out_sharding") is None
        and kwargs.get("precision") is None
        and dimension_numbers == lax.conv_dimension_numbers(lhs.shape, rhs.shape, _LAYOUT)
    )
    if plain:
        return conv2d(lhs, rhs, window_strides[0], padding)
    return lax.conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=dimension_numbers,
        feature_group_count=feature_group_count,
        **kwargs,
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 3, 4))
def conv2d_as(form: Form, x: jax.Array, w: jax.Array, stride: int, pads: Pads) -> jax.Array:
    """`conv2d` in a given form, whatever the backend. TAPS needs stride 1; WINOGRAD needs a kernel
    that is 3x3 after space-to-depth (3x3 at stride 1, 5x5 and 6x6 at stride 2)."""
    if form is Form.MATMUL:
        return _flat(_patches(x, w.shape, stride, pads), w.reshape(-1, w.shape[-1]))
    if form is Form.TAPS:
        return _add_taps(x, w, pads)
    if form is Form.WINOGRAD:
        blocks, small = _space_to_depth(x, w.shape, stride, pads), _kernel_to_depth(w, stride)
        return _winograd(blocks, small, _out_size(x.shape, w.shape, stride, pads))
    return _lax_conv(x, w, stride, pads)


def _forward(
    form: Form, x: jax.Array, w: jax.Array, stride: int, pads: Pads
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return conv2d_as(form, x, w, stride, pads), (x, w)


def _backward(
    form: Form, stride: int, pads: Pads, saved: tuple[jax.Array, jax.Array], dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, w = saved
    if form is Form.MATMUL:
        return _matmul_gradients(x, w, stride, pads, dy)
    if form is Form.TAPS:
        return _taps_gradients(x, w, pads, dy)
    if form is Form.WINOGRAD:
        return _winograd_gradients(x, w, stride, pads, dy)
    _, transpose = jax.vjp(lambda x, w: _lax_conv(x, w, stride, pads), x, w)
    dx, dw = transpose(dy)
    return dx, dw


conv2d_as.defvjp(_forward, _backward)


def _lax_conv(x: jax.Array, w: jax.Array, stride: int, pads: Pads) -> jax.Array:
    return lax.conv_general_dilated(x, w, (stride, stride), pads, dimension_numbers=_LAYOUT)


def _pads(
    image: Sequence[int],
    kernel: Sequence[int],
    stride: int,
    padding: str | Sequence[tuple[int, int]],
) -> Pads:
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(image[1:3], kernel[:2], (stride, stride), padding)
    (top, bottom), (left, right) = padding
    return (int(top), int(bottom)), (int(left), int(right))


def _out_size(
    image: Sequence[int], kernel: Sequence[int], stride: int, pads: Pads
) -> tuple[int, int]:
    h, w = (
        (side + sum(pad) - k) // stride + 1
        for side, pad, k in zip(image[1:3], pads, kernel[:2], strict=True)
    )
    return h, w


def _pad(x: jax.Array, pads: Pads) -> jax.Array:
    """Pads, or crops where a number is negative."""
    return lax.pad(x, jnp.float32(0), ((0, 0, 0), (*pads[0], 0), (*pads[1], 0), (0, 0, 0)))


def _flat(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """x [..., K] @ matrix [K, M] as one matmul of two dimensions."""
    return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], matrix.shape[-1])


def _windows(x: jax.Array, size: int | tuple[int, int], count: tuple[int, int], step: int) -> Grid:
    """The pixels of x at each place in a window moved by `step`: size x size [N, *count, C]."""
    rows, columns = (size, size) if isinstance(size, int) else size
    n, _, _, c = x.shape
    return [
        [
            lax.slice(
                x,
                (0, i, j, 0),
                (n, i + (count[0] - 1) * step + 1, j + (count[1] - 1) * step + 1, c),
                (1, step, step, 1),
            )
            for j in range(columns)
        ]
        for i in range(rows)
    ]


def _patches(x: jax.Array, kernel: Sequence[int], stride: int, pads: Pads) -> jax.Array:
    """[N, Ho, Wo, kh*kw*C]: what each output pixel sees."""
    out = _out_size(x.shape, kernel, stride, pads)
    windows = _windows(_pad(x, pads), (kernel[0], kernel[1]), out, stride)
    return jnp.concatenate([image for row in windows for image in row], axis=-1)


def _matmul_gradients(
    x: jax.Array, w: jax.Array, stride: int, pads: Pads, dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    kh, kw, ci, co = w.shape
    n, ho, wo, _ = dy.shape
    rows = dy.reshape(-1, co)
    patches = _patches(x, w.shape, stride, pads)
    dw = patches.reshape(-1, kh * kw * ci).T @ rows
    spread = (rows @ w.reshape(-1, co).T).reshape(n, ho, wo, kh, kw, ci)
    height, width = (side + sum(pad) for side, pad in zip(x.shape[1:3], pads, strict=True))
    padded = jnp.zeros((n, height, width, ci), jnp.float32)
    for i in range(kh):
        for j in range(kw):
            place = [
                (offset, side - offset - (count - 1) * stride - 1, stride - 1)
                for offset, side, count in ((i, height, ho), (j, width, wo))
            ]
            padded += lax.pad(spread[:, :, :, i, j], jnp.float32(0), ((0,) * 3, *place, (0,) * 3))
    return _pad(padded, _negated(pads)), dw.reshape(w.shape)


def _negated(pads: Pads) -> Pads:
    (top, bottom), (left, right) = pads
    return (-top, -bottom), (-left, -right)


def _add_taps(x: jax.Array, w: jax.Array, pads: Pads) -> jax.Array:
    kh, kw, ci, co = w.shape
    out = _out_size(x.shape, w.shape, 1, pads)
    taps = _flat(x, w.transpose(2, 0, 1, 3).reshape(ci, kh * kw * co))
    y = jnp.zeros((x.shape[0], *out, co), jnp.float32)
    padded = _pad(taps, pads)
    for i in range(kh):
        for j in range(kw):
            tap = (i * kw + j) * co
            y += padded[:, i : i + out[0], j : j + out[1], tap : tap + co]
    return y


def _taps_gradients(
    x: jax.Array, w: jax.Array, pads: Pads, dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    kh, kw, ci, co = w.shape
    (top, bottom), (left, right) = pads
    around = (kh - 1 - top, kh - 1 - bottom), (kw - 1 - left, kw - 1 - right)
    seen = _patches(dy, w.shape, 1, around)
    dx = _flat(seen, w[::-1, ::-1].transpose(0, 1, 3, 2).reshape(kh * kw * co, ci))
    dw = x.reshape(-1, ci).T @ seen.reshape(-1, kh * kw * co)
    return dx, dw.reshape(ci, kh, kw, co)[:, ::-1, ::-1].transpose(1, 2, 0, 3)


def _minimal_filter(points: Sequence[float], taps: int) -> tuple[np.ndarray, ...]:
    """Cook-Toom matrices (A, G, B) with y = A @ ((G @ kernel) * (B @ input)) for the outputs of a
    `taps`-tap filter: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).
    The points are those given and infinity."""
    n = len(points) + 1
    a = np.zeros((n - taps + 1, n))
    g = np.zeros((n, taps))
    b = np.zeros((n, n))
    for row, point in enumerate(points):
        others = np.poly([q for q in points if q != point])
        a[:, row] = np.power(point, np.arange(len(a)))
        g[row] = np.power(point, np.arange(taps)) / np.polyval(others, point)
        b[row, : n - 1] = others[::-1]
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return a, g, b


# The same for tiles: each matrix twice over, once for the rows and once for the columns.
_OUTPUT, _KERNEL, _INPUT = (
    np.kron(matrix, matrix).astype(np.float32)
    for matrix in _minimal_filter((0, 1, -1, 2, -2), taps=3)
)


def _tiles(out: tuple[int, int]) -> tuple[int, int]:
    return -(-out[0] // _TILE), -(-out[1] // _TILE)


def _mix(matrix: np.ndarray, windows: Grid) -> jax.Array:
    """[M, tiles, C]: matrix [M, K] times the K images [N, rows, columns, C], in one fused pass.
    A matmul would first have to lay the overlapping windows out in memory."""
    images = [image for row in windows for image in row]
    factors = matrix.reshape(len(matrix), -1, 1, 1, 1, 1)
    terms = [jnp.asarray(factors[:, k]) * image for k, image in enumerate(images)]
    return functools.reduce(jnp.add, terms).reshape(len(matrix), -1, images[0].shape[-1])


def _each(a: jax.Array, b: jax.Array, contract: tuple[int, int]) -> jax.Array:
    """A matmul for each of the 36 places; `contract` names the axes summed over."""
    return lax.dot_general(a, b, (((contract[0],), (contract[1],)), ((0,), (0,))))


def _input_places(x: jax.Array, out: tuple[int, int]) -> jax.Array:
    """x [N, Ho + 2, Wo + 2, C] as [36, tiles, C]."""
    tiles = _tiles(out)
    bottom, right = (
        count * _TILE + 2 - side for count, side in zip(tiles, x.shape[1:3], strict=True)
    )
    padded = _pad(x, ((0, bottom), (0, right)))
    return _mix(_INPUT, _windows(padded, _TILE + 2, tiles, _TILE))


def _kernel_places(w: jax.Array) -> jax.Array:
    """w [3, 3, Ci, Co] as [36, Ci, Co]."""
    return jnp.matmul(_KERNEL, w.reshape(9, -1)).reshape(-1, *w.shape[2:])


def _winograd(x: jax.Array, w: jax.Array, out: tuple[int, int]) -> jax.Array:
    """x [N, Ho + 2, Wo + 2, Ci] with w [3, 3, Ci, Co] at stride 1: [N, Ho, Wo, Co]."""
    rows, columns = _tiles(out)
    places = _each(_input_places(x, out), _kernel_places(w), (2, 1))
    tiles = jnp.matmul(_OUTPUT, places.reshape(len(_INPUT), -1))
    y = tiles.reshape(_TILE, _TILE, -1, rows, columns, w.shape[-1]).transpose(2, 3, 0, 4, 1, 5)
    return y.reshape(-1, rows * _TILE, columns * _TILE, w.shape[-1])[:, : out[0], : out[1]]


def _winograd_gradients(
    x: jax.Array, w: jax.Array, stride: int, pads: Pads, dy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    blocks, small = _space_to_depth(x, w.shape, stride, pads), _kernel_to_depth(w, stride)
    out = dy.shape[1], dy.shape[2]
    rows, columns = _tiles(out)
    whole = _pad(dy, ((0, rows * _TILE - out[0]), (0, columns * _TILE - out[1])))
    places = _mix(_OUTPUT.T, _windows(whole, _TILE, (rows, columns), _TILE))
    dplaces = _each(places, _kernel_places(small), (2, 2))
    dtiles = jnp.matmul(_INPUT.T, dplaces.reshape(len(_INPUT), -1))
    dblocks = _overlap_add(dtiles.reshape(-1, x.shape[0], rows, columns, small.shape[2]))
    dkernels = _each(_input_places(blocks, out), places, (1, 1))
    dkernel = jnp.matmul(_KERNEL.T, dkernels.reshape(len(_INPUT), -1))
    return (
        _depth_to_space(dblocks[:, : out[0] + 2, : out[1] + 2], x.shape, stride, pads),
        _depth_to_kernel(dkernel.reshape(small.shape), w, stride),
    )


def _overlap_add(tiles: jax.Array) -> jax.Array:
    """tiles [36, N, rows, columns, C], 6x6 pixels each and 4 apart, summed to one image. A tile's
    last two rows and columns reach into the next tile, so it falls into four parts."""
    _, n, rows, columns, c = tiles.shape
    square = tiles.reshape(_TILE + 2, _TILE + 2, n, rows, columns, c).transpose(2, 3, 0, 4, 1, 5)
    total = jnp.zeros((), tiles.dtype)
    for down in (0, 1):
        for right in (0, 1):
            part = square[
                :, :, _TILE * down : _TILE * (1 + down), :, _TILE * right : _TILE * (1 + right)
            ]
            place = [(0, 0, 0)] * 6
            place[1] = (down, 1 - down, 0)
            place[2] = (0, _TILE - part.shape[2], 0)
            place[3] = (right, 1 - right, 0)
            place[4] = (0, _TILE - part.shape[4], 0)
            total += lax.pad(part, jnp.float32(0), place)
    return total.reshape(n, (rows + 1) * _TILE, (columns + 1) * _TILE, c)


def _space_to_depth(x: jax.Array, kernel: Sequence[int], stride: int, pads: Pads) -> jax.Array:
    """x, padded, as [N, Ho + 2, Wo + 2, stride * stride * C]: stride x stride pixels in one."""
    n, _, _, c = x.shape
    out = _out_size(x.shape, kernel, stride, pads)
    (top, _), (left, _) = pads
    bottom, right = (
        (count + 2) * stride - side - before
        for count, side, before in zip(out, x.shape[1:3], (top, left), strict=True)
    )
    padded = _pad(x, ((top, bottom), (left, right)))
    blocks = padded.reshape(n, out[0] + 2, stride, out[1] + 2, stride, c)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, out[0] + 2, out[1] + 2, -1)


def _depth_to_space(blocks: jax.Array, image: Sequence[int], stride: int, pads: Pads) -> jax.Array:
    """The transpose of `_space_to_depth`: what was padding is dropped."""
    n, height, width, c = image
    rows, columns = blocks.shape[1:3]
    padded = blocks.reshape(n, rows, columns, stride, stride, c).transpose(0, 1, 3, 2, 4, 5)
    (top, _), (left, _) = pads
    bottom, right = height + top - rows * stride, width + left - columns * stride
    spatial = padded.reshape(n, rows * stride, columns * stride, c)
    return _pad(spatial, ((-top, bottom), (-left, right)))


def _kernel_to_depth(w: jax.Array, stride: int) -> jax.Array:
    """w [kh, kw, Ci, Co] as the [3, 3, stride * stride * Ci, Co] that acts on blocks."""
    kh, kw, ci, co = w.shape
    side = 3 * stride
    whole = jnp.pad(w, ((0, side - kh), (0, side - kw), (0, 0), (0, 0)))
    blocks = whole.reshape(3, stride, 3, stride, ci, co)
    return blocks.transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, -1, co)


def _depth_to_kernel(dsmall: jax.Array, w: jax.Array, stride: int) -> jax.Array:
    kh, kw, ci, co = w.shape
    blocks = dsmall.reshape(3, 3, stride, stride, ci, co).transpose(0, 2, 1, 3, 4, 5)
    return blocks.reshape(3 * stride, 3 * stride, ci, co)[:kh, :kw]

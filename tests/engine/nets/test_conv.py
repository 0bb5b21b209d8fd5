"""conv2d gives what lax gives, in every form, for values and both gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

from engine.nets.conv import Form, choose_form, conv2d, conv2d_as, conv_general_dilated

LAYOUT = ("NHWC", "HWIO", "NHWC")

# image [N, H, W, Ci], kernel side, Co, stride, padding, the forms that can compute it
CASES = [
    ((2, 8, 8, 5), 3, 7, 1, "SAME", "lax matmul taps winograd"),
    ((1, 9, 6, 4), 3, 3, 1, "VALID", "matmul taps winograd"),
    ((1, 5, 9, 2), 3, 2, 1, ((2, 1), (0, 3)), "matmul taps winograd"),
    ((2, 8, 8, 6), 5, 8, 2, "SAME", "lax matmul winograd"),
    ((2, 7, 11, 3), 5, 4, 2, "SAME", "matmul winograd"),
    ((1, 9, 8, 3), 6, 5, 2, ((0, 1), (3, 2)), "matmul winograd"),
    ((2, 7, 5, 3), 3, 4, 2, "SAME", "matmul"),
    ((2, 6, 7, 4), 1, 9, 1, "SAME", "lax matmul taps"),
    ((2, 6, 7, 4), 1, 9, 2, "SAME", "matmul"),
    ((1, 10, 9, 6), 5, 3, 1, "SAME", "matmul taps"),
    ((2, 8, 8, 3), 4, 6, 2, "VALID", "matmul"),
]


def _operands(image, side, co):
    rng = np.random.default_rng(7)
    x = jnp.asarray(rng.standard_normal(image), jnp.float32)
    w = jnp.asarray(rng.standard_normal((side, side, image[-1], co)), jnp.float32)
    return x, w


def _lax(stride, padding):
    def convolve(x, w):
        return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=LAYOUT)

    return convolve


def _value_and_gradients(convolve):
    """Under one jit: y, and both gradients for a fixed cotangent."""

    @jax.jit
    def run(x, w):
        y, back = jax.vjp(convolve, x, w)
        return y, *back(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))

    return run


def _assert_same(ours, theirs, x, w):
    got, expected = _value_and_gradients(ours)(x, w), _value_and_gradients(theirs)(x, w)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * float(jnp.abs(other).max()))


@pytest.mark.parametrize(
    ("image", "side", "co", "stride", "padding", "form"),
    [(*case[:-1], Form(name)) for case in CASES for name in case[-1].split()],
)
def test_every_form_agrees_with_lax(image, side, co, stride, padding, form):
    x, w = _operands(image, side, co)
    pads = padding
    if isinstance(padding, str):
        pads = tuple(lax.padtype_to_pads(image[1:3], (side, side), (stride, stride), padding))
    _assert_same(lambda x, w: conv2d_as(form, x, w, stride, pads), _lax(stride, padding), x, w)


def test_conv2d_agrees_with_lax_in_the_form_that_it_chooses():
    x, w = _operands((2, 32, 32, 64), 3, 72)
    assert choose_form(x.shape, w.shape, 1, (32, 32)) is Form.WINOGRAD
    _assert_same(conv2d, _lax(1, "SAME"), x, w)


def test_winograd_keeps_single_precision():
    x, w = _operands((1, 16, 16, 256), 3, 64)
    padded = np.pad(np.asarray(x, np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    exact = sum(
        padded[:, i : i + 16, j : j + 16] @ np.asarray(w[i, j], np.float64)
        for i in range(3)
        for j in range(3)
    )
    y = conv2d_as(Form.WINOGRAD, x, w, 1, ((1, 1), (1, 1)))
    error = np.sqrt(np.mean((y - exact) ** 2)) / np.std(exact)
    assert error < 1e-5


@pytest.mark.parametrize(
    ("image", "kernel", "stride", "form"),
    [
        ((32, 64, 64, 3), (5, 5, 3, 128), 2, Form.MATMUL),
        ((32, 32, 32, 128), (5, 5, 128, 256), 2, Form.WINOGRAD),
        ((32, 8, 8, 512), (5, 5, 512, 1024), 2, Form.MATMUL),
        ((32, 4, 4, 1024), (3, 3, 1024, 2048), 1, Form.MATMUL),
        ((16, 8, 8, 512), (3, 3, 512, 1024), 1, Form.WINOGRAD),
        ((16, 64, 64, 64), (5, 5, 64, 3), 1, Form.TAPS),
        ((16, 64, 64, 16), (3, 3, 16, 16), 1, Form.LAX),
    ],
)
def test_the_form_follows_the_shape(image, kernel, stride, form):
    out = (image[1] // stride, image[2] // stride)
    assert choose_form(image, kernel, stride, out) is form


def _layer(**options):
    return nnx.Conv(4, 6, (3, 3), rngs=nnx.Rngs(2), **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strides": 2},
        {"strides": (1, 2)},
        {"kernel_dilation": 2},
        {"input_dilation": 2, "padding": 1},
        {"feature_group_count": 2},
        {"padding": "CIRCULAR"},
        {"precision": "highest"},
        {"dtype": jnp.bfloat16},
    ],
    ids=str,
)
def test_a_layer_answers_as_it_does_without_it(options):
    x, _ = _operands((2, 8, 8, 4), 3, 6)
    ours = _layer(conv_general_dilated=conv_general_dilated, **options)(x)
    plain = _layer(**options)(x)
    assert ours.dtype == plain.dtype
    np.testing.assert_allclose(
        np.asarray(ours, np.float32), np.asarray(plain, np.float32), atol=2e-5
    )

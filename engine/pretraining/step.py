"""One step of a base model: somebody's face in, somebody else's doing the same out.

The encoder is shown one person in a pose, expression and light, and the decoder has to answer with
another person in the very same. All people share one decoder; who is wanted is a vector that is
added to the code, learnt with everything else. The vectors have mean 0, so the plain decoder is
that of the average person: what every decoder of a swap can begin as.

Besides, the codes of two people who do the same are drawn together (after Bardes, Ponce and LeCun,
"VICReg", ICLR 2022, whose other terms the decoder makes needless here), so that a code says what a
face does and not whose it is. And what a rendered face does is read off its code by a linear layer:
a smile changes so few pixels that an encoder would rather take it for a wide mouth.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp

from engine.nets.presets import Preset
from engine.pretraining.faces import DOES, Faces
from engine.training import optimisers
from engine.training.augment import Batch, displacement, hide, look_up, place, relight
from engine.training.losses import chip_loss
from engine.training.model import Model, Params, fresh_params
from engine.training.sampling import step_key
from engine.training.settings import TrainSettings
from engine.training.start import ANYONE
from engine.training.step import Metrics, State, averaged

PEOPLE: Final = "people"
"""Where the vectors are in the parameters: float32 [people, *code]."""
INVARIANCE: Final = 0.05
"""Weight of the distance of two people's codes, as a share of the codes' own spread."""
READER: Final = "reader"
"""Where the layer is in the parameters that reads what a face does: kernel [code, DOES], bias."""
READING: Final = 0.1
"""Weight of the mean squared error of what is read, in units of its variance."""
_FIRST: Final = 0.1
"""Standard deviation of the first vectors."""


class FacesOnDevice(NamedTuple):
    """`Faces` as arrays of the device."""

    pixels: jax.Array
    who: jax.Array
    peers: jax.Array
    does: jax.Array


def on_device(faces: Faces) -> FacesOnDevice:
    """All faces as arrays of the default device."""
    return FacesOnDevice(
        jnp.asarray(faces.pixels),
        jnp.asarray(faces.who),
        jnp.asarray(faces.peers),
        jnp.asarray(faces.does),
    )


def first_base_state(preset: Preset, settings: TrainSettings, model: Model, people: int) -> State:
    """The state of a base before its first step; model: of the preset, with the role ANYONE."""
    params = fresh_params(preset, settings.seed, (ANYONE,))
    chip = jax.eval_shape(lambda: jnp.zeros((1, preset.size, preset.size, 3)))
    code = jax.eval_shape(model.encode, params, chip)
    key = jax.random.fold_in(jax.random.key(settings.seed), people)
    vectors = _FIRST * jax.random.normal(key, (people, *code.shape[1:]))
    params[PEOPLE] = {"vectors": vectors}
    params[READER] = {
        "kernel": jnp.zeros((code.size // len(code), len(DOES))),
        "bias": jnp.zeros(len(DOES)),
    }
    average = jax.tree.map(jnp.copy, params)
    moments = optimisers.optimiser(settings).init(params)
    return State(jnp.zeros((), jnp.int32), params, average, moments)


def make_base_step(
    model: Model, settings: TrainSettings, margin: float
) -> Callable[[State, FacesOnDevice], tuple[State, Metrics]]:
    """The function (state, faces) -> (state, metrics), to be compiled with the state donated.

    margin: how many times a chip's side the faces' pixels show.
    """
    return partial(_step, model=model, settings=settings, margin=margin)


def _step(
    state: State, faces: FacesOnDevice, *, model: Model, settings: TrainSettings, margin: float
) -> tuple[State, Metrics]:
    key = step_key(settings.seed, state.step)
    shown = _shown(faces, key, model.preset.size, settings, margin)
    loss = partial(_loss, shown=shown, model=model, settings=settings)
    gradients, metrics = jax.grad(loss, has_aux=True)(state.params)
    params, moments = optimisers.apply(gradients, state.optimiser, state.params, settings)
    return State(state.step + 1, params, averaged(state, params, settings), moments), metrics


class _Shown(NamedTuple):
    """A batch: what is wanted of whom, and what two people look like who do it."""

    batch: Batch
    who: jax.Array  # int32 [B]
    other: jax.Array  # [B, S, S, 3], as batch.seen
    does: jax.Array  # float32 [B, DOES], NaN where nobody knows


def _shown(
    faces: FacesOnDevice, key: jax.Array, size: int, settings: TrainSettings, margin: float
) -> _Shown:
    how, count = settings.augmentation, 2 * settings.batch
    k_wanted, k_place, k_warp, *k_seen = jax.random.split(key, 7)
    wanted = jax.random.randint(k_wanted, (count,), 0, faces.who.shape[0])
    field = place(k_place, count, size, how)
    bent = field + displacement(k_warp, count, size, how.warp) if how.warp else field
    truth = look_up(faces.pixels, wanted, field, margin)

    def seen(k_peer: jax.Array, k_light: jax.Array) -> jax.Array:
        peer = jax.random.randint(k_peer, (count,), 0, faces.peers.shape[1])
        chip = look_up(faces.pixels, faces.peers[wanted, peer], bent, margin)
        return hide(relight(chip[..., :3], k_light, how), chip[..., 3:4])

    batch = Batch(
        seen(k_seen[0], k_seen[1]),
        truth[..., :3],
        truth[..., 3:4],
        truth[..., 4:5],
        truth[..., 5:6],
    )
    return _Shown(batch, faces.who[wanted], seen(k_seen[2], k_seen[3]), faces.does[wanted])


def _loss(
    params: Params, *, shown: _Shown, model: Model, settings: TrainSettings
) -> tuple[jax.Array, Metrics]:
    both = model.encode(params, jnp.concatenate([shown.batch.seen, shown.other]))
    code, other = jnp.split(both, 2)
    vectors = params[PEOPLE]["vectors"]
    rgb, mask = model.decode(params, ANYONE, code + (vectors - vectors.mean(0))[shown.who])
    loss, parts = chip_loss(rgb, mask, shown.batch, settings.losses)
    spread = jnp.square(both - both.mean(0)).sum() / len(both)
    apart = jnp.square(code - other).sum() / len(code) / (2 * spread + 1e-6)
    misread = _misread(params, both, jnp.concatenate([shown.does, shown.does]))
    total = loss + INVARIANCE * apart + READING * misread
    return total, {**parts, "apart": apart, "misread": misread, "loss": total}


def _misread(params: Params, code: jax.Array, does: jax.Array) -> jax.Array:
    """Mean squared error of what is read off codes [B, ...], where it is known at all."""
    layer = params[READER]
    read = code.reshape(len(code), -1) @ layer["kernel"] + layer["bias"]
    known = jnp.isfinite(does)
    error = jnp.where(known, read - jnp.nan_to_num(does), 0.0)
    return jnp.square(error).sum() / jnp.maximum(known.sum(), 1)

"""Colours of one person given to another, so that the encoder cannot tell people by them."""

from collections.abc import Sequence
from typing import Final

import jax
import jax.numpy as jnp

from engine.training.lab import lab_to_rgb, rgb_to_lab

LEAST_FACE: Final = 0.02
"""The part of a chip that must be face for its colours to be known."""
MOST_STRETCH: Final = 2.0
"""How many times as much, or as little, contrast a chip gets at most."""


def transfer(
    people: Sequence[jax.Array], keys: Sequence[jax.Array], often: float
) -> list[jax.Array]:
    """Some chips of everybody with the colours of a random chip of somebody else.

    E. Reinhard and others, "Color transfer between images", IEEE CG&A 21(5), 2001: mean and
    standard deviation of each channel become those of the other chip; here in CIE L*a*b* and
    under the masks of the faces, for what shows around a face says nothing about its complexion.

    people: float32 [B, S, S, C] in 0..1 for each person; the channels are red, green, blue and
    the mask of the face, and what follows stays as it is. keys: one a person. often: the share of
    the chips that are changed. With one person alone nothing is.
    """
    if len(people) < 2:
        return list(people)
    labs = [rgb_to_lab(chips[..., :3]) for chips in people]
    known = [_colours(lab, chips[..., 3:4]) for lab, chips in zip(labs, people, strict=True)]
    changed = []
    for number, (chips, lab, key) in enumerate(zip(people, labs, keys, strict=True)):
        k_which, k_often = jax.random.split(key)
        others = [one for n, one in enumerate(known) if n != number]
        means, spreads, sure = (jnp.concatenate(part) for part in zip(*others, strict=True))
        count = chips.shape[0]
        which = jax.random.randint(k_which, (count,), 0, means.shape[0])
        mean, spread, own_sure = known[number]
        stretch = jnp.clip(spreads[which] / spread, 1 / MOST_STRETCH, MOST_STRETCH)
        moved = (lab - mean) * stretch + means[which]
        chosen = jax.random.bernoulli(k_often, often, (count,)) & own_sure & sure[which]
        rgb = jnp.where(chosen[:, None, None, None], lab_to_rgb(moved), chips[..., :3])
        changed.append(jnp.concatenate([rgb, chips[..., 3:]], -1))
    return changed


def _colours(lab: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Mean and standard deviation [B, 1, 1, 3] under the mask, and whether [B] they are known."""
    area = mask.sum((1, 2), keepdims=True)
    share = mask / jnp.maximum(area, 1e-6)
    mean = (lab * share).sum((1, 2), keepdims=True)
    variance = ((lab - mean) ** 2 * share).sum((1, 2), keepdims=True)
    # Half a unit of L*a*b* cannot be seen: without it a flat chip would be stretched without end.
    return mean, jnp.sqrt(variance + 0.25), mask.mean((1, 2, 3)) > LEAST_FACE

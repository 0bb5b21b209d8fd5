"""Parts of a model that are left as they are: for good, or until a step.

What is frozen for good has no gradient and no moments: neither is worked out or kept. What thaws at
a step has both from the first step on, and its updates are left out until then.
"""

import jax
import jax.numpy as jnp

from engine.nets.presets import SHARED
from engine.training.model import Params
from engine.training.settings import TrainSettings

ENCODER = "encoder"
_DECODER = "decoder"  # liae's one


def frozen(names: set[str], freeze: str) -> set[str]:
    """Which of a model's networks, by their names, the setting `freeze` means.

    In df `decoders` are everybody's; in liae they are the one that there is, and `inters` stand
    before it. `shared` is all that the people have in common.
    """
    match freeze:
        case "encoder":
            return names & {ENCODER}
        case "decoders" if _DECODER in names:
            return {_DECODER}
        case "decoders":
            return names - {ENCODER}
        case "inters" if _DECODER in names:
            return names - {ENCODER, _DECODER}
        case "shared":
            return names & {ENCODER, SHARED, _DECODER}
    return set()


def learning(params: Params, settings: TrainSettings) -> Params:
    """The networks that ever learn: all of them, unless some are frozen for good."""
    if settings.freeze_until:
        return params
    still = frozen(set(params), settings.freeze)
    return {name: network for name, network in params.items() if name not in still}


def thawed(after: Params, before: Params, settings: TrainSettings, step: jax.Array) -> Params:
    """The networks `after` a step, those as they were `before` it that are frozen until later."""
    if not settings.freeze_until:
        return after
    waits = step < settings.freeze_until
    still = {
        name: jax.tree.map(lambda a, b: jnp.where(waits, b, a), after[name], before[name])
        for name in frozen(set(after), settings.freeze)
    }
    return {**after, **still}

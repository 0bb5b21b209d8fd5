"""What can be set about a training: the settings of a swap, and the limits of one run.

Settings decide the weights and belong to the swap; they are nested in its swap.toml, as
`[settings]` and `[settings.augmentation]`, and have a dot in their name here, as in
`augmentation.warp`. The limits belong to one run. `engine.training.settings` and `.limits` hold
the same as values that cannot change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from projects.devices import OPTIONS as DEVICE
from projects.devices import check_asked, how_many
from projects.errors import CommandError
from projects.names import printable
from projects.options import Option, Value, checked
from projects.presets import PRESETS
from projects.together import OPTIONS as TOGETHER

DEFAULT_RECIPE = {"classic-64": "original", "light-64": "based", "light-128": "based"}
"""Presets that are not trained with the recipe `swapdeck`."""

_SWAPDECK: dict[str, Value] = {
    # A chip is aligned again before it is swapped, so the model sees little turning and shifting
    # in use; what it spends on more is missing from the face. A complexion that changes all the
    # time cannot tell the encoder who it sees.
    "learning_rate": 2e-3,
    "augmentation.rotate": 5.0,
    "augmentation.zoom": 0.03,
    "augmentation.shift": 0.02,
    "augmentation.warp": 0.03,
    "augmentation.tint": 0.25,
    "losses.edges": 1.0,
    "losses.mask": 0.3,
    "losses.eyes": 3.0,
    "losses.mouth": 3.0,
    "losses.outside": 0.05,
    # Blinks and open mouths are rare in footage, and what is rarely drawn never crosses.
    "sampling.expression_uniform": 0.5,
}

RECIPES: dict[str, dict[str, Value]] = {
    "swapdeck": _SWAPDECK,
    # For a training that begins with a base. Its encoder tells already what a face does and not
    # whose it is, so it is changed slowly and nothing has to be hidden from it; what is left of
    # the two people's difference is taken out of their codes.
    "based": {
        **_SWAPDECK,
        "base": "auto",
        "encoder_rate": 0.2,
        "augmentation.warp": 0.0,
        "augmentation.gain": 0.08,
        "augmentation.gamma": 0.08,
        "augmentation.tint": 0.05,
        "losses.code": 0.4,
    },
    # The published defaults of faceswap's `original`, for those who know it.
    "original": {
        "learning_rate": 5e-5,
        "warm_up": 0,
        "epsilon": 1e-7,
        "masked": False,
        "augmentation.clahe": 0.5,
        "augmentation.lightness": 0.3,
        "augmentation.colour": 0.08,
        "augmentation.warp": 1.25 / 64,
        "augmentation.gain": 0.0,
        "augmentation.gamma": 0.0,
        "augmentation.tint": 0.0,
        "losses.l1": 0.0,
        "losses.mse": 1.0,
        "losses.dssim": 1.0,
        "losses.eyes": 4.0,
        "losses.mouth": 3.0,
    },
    # The least that works, and what the demo is compared with: plain L1 on the whole chip.
    "naive": {
        "learning_rate": 2e-3,
        "masked": False,
        "augmentation.gain": 0.0,
        "augmentation.gamma": 0.0,
        "augmentation.tint": 0.0,
        "losses.outside": 1.0,
    },
}
"""Named settings, each as what differs from the defaults below."""

OPTIMISERS = ("adam", "adamw", "adabelief", "lion")
SCHEDULES = ("constant", "cosine", "plateau")
FREEZES = ("none", "encoder", "decoders", "inters", "shared")

_BASIC, _CHANGE, _LIGHT, _LOSS = "Training", "Both chips change", "Only the input changes", "Loss"
_STEP, _PARTS = "Optimiser", "Parts"


def _augmentation(
    name: str, label: str, default: float, most: float, group: str, help: str, unit: str = ""
) -> Option:
    return Option(
        f"augmentation.{name}", label, "float", default, 0, most, unit=unit, help=help, group=group
    )


def _loss(name: str, label: str, default: float, most: float, help: str) -> Option:
    return Option(f"losses.{name}", label, "float", default, 0, most, help=help, group=_LOSS)


SETTINGS: tuple[Option, ...] = (
    Option(
        "recipe", "Recipe", "choice", "swapdeck", choices=tuple(RECIPES), group=_BASIC,
        help="Where every setting starts; what is set besides it differs from the recipe.",
    ),
    Option(
        "base", "Base", "text", "none", group=_BASIC,
        help="What it begins with: a base of the workspace by its name, auto for the one shipped "
        "with the preset, or none. Counts before the first step only.",
    ),
    Option(
        "batch", "Batch", "int", 16, 1, 1024, unit="chips", group=_BASIC,
        help="Chips of each person in a step: more make a step steadier, slower and larger.",
    ),
    Option(
        "precision", "Precision", "choice", "auto", choices=("auto", "float32", "bfloat16"),
        group=_BASIC,
        help="What it computes in; auto takes bfloat16 where the device is faster at it.",
    ),
    Option(
        "remat", "Save memory", "choice", "auto", choices=("auto", "yes", "no"), group=_BASIC,
        help="Compute inner results again instead of keeping them; auto: from 256 px if need be.",
    ),
    Option(
        "accumulate", "Accumulate", "int", 1, 1, 1024, unit="parts", group=_BASIC,
        help="Parts in which a batch goes through the network: more need less memory and more "
        "time, and give the same step.",
    ),
    Option(
        "optimiser", "Optimiser", "choice", "adam", choices=OPTIMISERS, group=_STEP,
        help="How gradients become a step. Lion wants a fifth of the learning rate of the others.",
    ),
    Option(
        "learning_rate", "Learning rate", "float", 5e-4, 1e-8, group=_STEP,
        help="How far a step goes. Higher learns faster until the numbers run away.",
    ),
    Option(
        "warm_up", "Warm-up", "int", 100, 0, unit="steps", group=_STEP,
        help="Steps over which the learning rate rises from nothing.",
    ),
    Option(
        "schedule", "Schedule", "choice", "constant", choices=SCHEDULES, group=_STEP,
        help="How the learning rate goes on: cosine falls over so many steps, plateau halves it "
        "whenever the held-out score levels off.",
    ),
    Option(
        "schedule_steps", "Schedule's length", "int", 0, 0, unit="steps", group=_STEP,
        help="Steps over which cosine falls to a hundredth.",
    ),
    Option(
        "beta2", "Beta 2", "float", 0.999, 0, 0.999999, group=_STEP,
        help="How long Adam and AdaBelief remember the size of gradients.",
    ),
    Option(
        "epsilon", "Epsilon", "float", 1e-8, 1e-12, 1, group=_STEP,
        help="What they add to that size; larger damps small gradients.",
    ),
    Option(
        "decay", "Weight decay", "float", 0.0, 0, 10, group=_STEP,
        help="How strongly weights are drawn to nothing; biases are left alone.",
    ),
    Option(
        "clip", "Clip", "float", 0.0, 0, group=_STEP,
        help="The longest that all gradients together may be; 0 leaves them as they are.",
    ),
    Option(
        "adaptive_clip", "Adaptive clip", "float", 0.0, 0, 10, group=_STEP,
        help="The longest that a unit's gradient may be, as a part of its weights; 0 for any.",
    ),
    Option(
        "average", "Running average", "float", 0.998, 0, 0.999999, group=_BASIC,
        help="Decay of the average of the weights that previews and conversions use.",
    ),
    Option(
        "freeze", "Freeze", "choice", "none", choices=FREEZES, group=_PARTS,
        help="Networks that stay as they are; shared means all that the people have in common.",
    ),
    Option(
        "freeze_until", "Freeze until", "int", 0, 0, unit="steps", group=_PARTS,
        help="The step from which those learn too; 0 for never.",
    ),
    Option(
        "encoder_rate", "Encoder's rate", "float", 1.0, 1e-4, 100, group=_PARTS,
        help="The encoder learns at so many times the learning rate: less keeps what it knows.",
    ),
    Option(
        "masked", "Hide the background", "bool", True, group=_BASIC,
        help="Hide all outside the face from the encoder, so that no background tells who it is.",
    ),
    Option(
        "warp_until", "Warp until", "int", 0, 0, unit="steps", group=_LIGHT,
        help="The step from which the input is not warped any more; 0 for never.",
    ),
    Option(
        "adversary_rate", "Adversary's rate", "float", 2e-4, 1e-8, group=_LOSS,
        help="The learning rate of the adversary, where its weight is more than 0.",
    ),
    Option(
        "adversary_from", "Adversary from", "int", 0, 0, unit="steps", group=_LOSS,
        help="The step from which the adversary learns and is listened to.",
    ),
    _augmentation("rotate", "Rotate", 10.0, 180, _CHANGE, unit="degrees",
                  help="Turned by up to this, either way."),
    _augmentation("zoom", "Zoom", 0.05, 0.9, _CHANGE, help="Larger or smaller by up to this part."),
    _augmentation("shift", "Shift", 0.05, 0.5, _CHANGE,
                  help="Moved by up to this part of the side, along each axis."),
    _augmentation("flip", "Mirror", 0.5, 1, _CHANGE, help="Probability of a mirrored chip."),
    _augmentation("clahe", "Equalise", 0.0, 1, _CHANGE,
                  help="Probability of a chip whose local contrast was equalised."),
    _augmentation("lightness", "Lightness", 0.0, 1, _CHANGE,
                  help="Lighter or darker by up to this part."),
    _augmentation("colour", "Colour", 0.0, 1, _CHANGE,
                  help="Colours moved by up to this part of their range."),
    _augmentation("warp", "Warp", 0.02, 0.2, _LIGHT,
                  help="How far the points of a grid are moved, as a part of the side."),
    _augmentation("gain", "Brightness", 0.25, 2, _LIGHT, help="Spread of the brightness."),
    _augmentation("gamma", "Gamma", 0.25, 2, _LIGHT, help="Spread of the gamma."),
    _augmentation("tint", "Tint", 0.08, 2, _LIGHT,
                  help="Spread of each colour channel: hides whose complexion it is."),
    _augmentation("transfer", "Others' colours", 0.0, 1, _LIGHT,
                  help="Probability of a chip in the colours of somebody else's face."),
    _augmentation("blur", "Blur", 0.0, 0.2, _LIGHT,
                  help="Blurred by up to this part of the side, as footage out of focus is."),
    _augmentation("noise", "Noise", 0.0, 1, _LIGHT,
                  help="Grain of up to this part of white, as in footage shot in the dark."),
    _augmentation("blocks", "Compression", 0.0, 1, _LIGHT,
                  help="Compressed by up to this: 1 is a JPEG of quality 10, 0.2 one of 50."),
    _loss("l1", "L1", 1.0, 1000, "Weight of the absolute difference."),
    _loss("mse", "Squared", 0.0, 1000, "Weight of the squared difference."),
    _loss("dssim", "DSSIM", 0.0, 1000, "Weight of the structural difference."),
    _loss("msdssim", "Multi-scale DSSIM", 0.0, 1000,
          "Weight of the structural difference at several sizes of the picture."),
    _loss("laplacian", "Laplacian", 0.0, 1000,
          "Weight of the difference of details of every size alike."),
    _loss("edges", "Edges", 0.0, 1000, "Weight of differences between neighbouring pixels."),
    _loss("mask", "Mask", 0.0, 1000, "Weight of the learnt mask, where the preset has one."),
    _loss("code", "Code", 0.0, 1000,
          "Weight of how far the people's codes lie apart: hides from the decoder who it is."),
    _loss("adversary", "Adversary", 0.0, 1000,
          "Weight of a network that learns to tell decoded patches from real ones."),
    _loss("eyes", "Eyes", 1.0, 1000, "How much a pixel of the eyes counts; one of skin counts 1."),
    _loss("mouth", "Mouth", 1.0, 1000, "How much a pixel of the mouth counts."),
    _loss("outside", "Outside", 0.0, 1000, "How much a pixel outside the face counts."),
    Option(
        "sampling.expression_uniform", "Rare expressions", "float", 0.0, 0, 1, group="Sampling",
        help="Share of a batch in which every expression is as likely as any other: a mouth that "
        "is closed, open or wide open, eyes that are open or closed.",
    ),
    Option(
        "sampling.pose_uniform", "Rare poses", "float", 0.0, 0, 1, group="Sampling",
        help="Share of the rest in which every pose is as likely as any other, however rare.",
    ),
)  # fmt: skip

LIMITS: tuple[Option, ...] = (
    Option(
        "steps", "To step", "int", None, 1, unit="steps",
        help="Train to this step, counted from the first run.",
    ),
    Option(
        "minutes", "Minutes", "float", None, 0.01, unit="minutes", help="Train this long now.",
    ),
    Option(
        "until_plateau", "Until it levels off", "bool", False,
        help="End when the held-out score levels off.",
    ),
    Option(
        "checkpoint_every", "Save every", "duration", 60.0, 1, 86_400,
        help="At most this much work is lost to a power cut.",
    ),
    Option(
        "preview_every", "Preview every", "duration", 20.0, 1, 86_400,
        help="How often a preview is drawn.",
    ),
    Option(
        "score_every", "Score every", "duration", 60.0, 5, 86_400,
        help="How often it is tried on the held-out faces, which takes about a second.",
    ),
    Option(
        "keep", "Checkpoints", "int", 3, 1, 1000,
        help="How many of the newest are kept, besides the best and the one in use.",
    ),
    Option(
        "tensorboard", "TensorBoard", "bool", False,
        help="Also write losses, scores and previews for TensorBoard, into SWAP/tensorboard.",
    ),
    Option(
        "dataset", "Faces", "choice", "auto", choices=("auto", "device", "stream"), group="Device",
        help="Where the faces are: all on the device, or read from the disk batch by batch; auto "
        "looks at how much memory is free.",
    ),
    Option(
        "devices", "Devices", "text", "1", group="Device",
        help="How many train together, each with a share of every batch: a number, or all.",
    ),
)  # fmt: skip


RUN: tuple[Option, ...] = (*LIMITS, *DEVICE)
"""All that can be said about one run: its limits, and its device."""


FINDER: tuple[Option, ...] = (
    Option(
        "steps", "Steps", "int", 100, 20, 10_000, unit="steps",
        help="Steps over which the learning rate rises; more make a finer curve.",
    ),
    Option(
        "apply", "Apply", "bool", False, help="Put the suggested rate into the swap's settings.",
    ),
    *DEVICE,
)  # fmt: skip
"""What can be said about the search for a learning rate."""


def recipe_of(preset: str, settings: Mapping[str, Any]) -> str:
    """The recipe of a swap with these settings, which may name one."""
    return str(settings.get("recipe") or DEFAULT_RECIPE.get(preset, "swapdeck"))


def preset_values(preset: str, recipe: str) -> dict[str, Value]:
    """What a preset sets itself: its batch, and with its own recipe its learning rate."""
    facts = PRESETS.get(preset)
    if facts is None:
        return {}
    own = recipe == DEFAULT_RECIPE.get(preset, "swapdeck")
    rate = {"learning_rate": facts.learning_rate} if own and facts.learning_rate else {}
    return {"batch": facts.batch, **rate}


def options_for(preset: str, recipe: str | None = None) -> tuple[Option, ...]:
    """SETTINGS with the defaults of a recipe, which is the preset's own where none is said."""
    name = recipe or DEFAULT_RECIPE.get(preset, "swapdeck")
    differs = {**RECIPES.get(name, {}), **preset_values(preset, name), "recipe": name}
    return tuple(replace(one, default=differs.get(one.name, one.default)) for one in SETTINGS)


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, as a swap has them, by the names of the options."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            found[str(name)] = value
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flat`."""
    settings: dict[str, Any] = {}
    for name, value in values.items():
        table, dot, part = name.partition(".")
        if dot:
            settings.setdefault(table, {})[part] = value
        else:
            settings[name] = value
    return settings


def values_of(preset: str, settings: Mapping[str, Any]) -> dict[str, Value]:
    """Every setting of a swap, by the options' names: what it says itself, else its recipe's."""
    options = options_for(preset, recipe_of(preset, settings))
    return {one.name: one.default for one in options} | flat(settings)


def changed(
    preset: str, settings: Mapping[str, Any], changes: Mapping[str, Value]
) -> dict[str, Any]:
    """The nested settings of a swap after `changes`; what equals the recipe's is left out.

    Raises:
        CommandError: a change, or what the swap has already, cannot be.
    """
    values = checked(SETTINGS, {**flat(settings), **changes}, "A training")
    wanted = options_for(preset, recipe_of(preset, values))
    usual = {one.name: one.default for one in wanted}
    usual["recipe"] = DEFAULT_RECIPE.get(preset, "swapdeck")
    check_together({**usual, **{n: v for n, v in values.items() if v is not None}})
    check_parts(preset, str(values.get("freeze") or "none"))
    kept = {n: v for n, v in values.items() if v is not None and v != usual[n]}
    return nested(kept)


def read_changes(words: Sequence[str]) -> dict[str, Value]:
    """`NAME=VALUE` as written on the command line, by the options' names; None for no VALUE.

    Raises:
        CommandError: a word without a name, an unknown name, a value that cannot be.
    """
    known = {one.name: one for one in SETTINGS}
    found: dict[str, Value] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or name.strip() not in known:
            raise CommandError(
                f"'{printable(word)}' sets nothing. Write it as NAME=VALUE, with one of these "
                f"names: {', '.join(known)}."
            )
        found[name.strip()] = known[name.strip()].parse(text) if text.strip() else None
    return found


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise CommandError unless every one of these nested settings is within its bounds."""
    checked(SETTINGS, flat(settings), "A training")


def check_together(values: Mapping[str, Any]) -> None:
    """Raise CommandError for settings, all of them by their options' names, that do not go
    together, though each is within its bounds."""
    if values["schedule"] == "cosine" and not values["schedule_steps"]:
        raise CommandError(
            "The schedule cosine needs its length. Set schedule_steps to the number of steps that "
            "you mean to train."
        )
    if values["batch"] % values["accumulate"]:
        raise CommandError(
            f"A batch of {values['batch']} cannot be cut into {values['accumulate']} equal parts. "
            "Set accumulate to a number that divides it."
        )


def check_parts(preset: str, freeze: str) -> None:
    """Raise CommandError where the preset has none of the networks that are to be frozen."""
    facts = PRESETS.get(preset)
    if freeze == "inters" and facts is not None and facts.family != "liae":
        raise CommandError(
            f"The preset {preset} has no inters. Freeze its encoder or its decoders, or choose a "
            "preset whose name ends with -liae."
        )


def train_arguments(swap: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a `train` job of the swap with this slug; `said` by the names of RUN and of
    `together.OPTIONS`.

    Raises:
        CommandError: a limit cannot be, or nothing is called as the device.
    """
    return _job_arguments((*RUN, *TOGETHER), swap, said)


def finder_arguments(swap: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a `find-rate` job, as `train_arguments`; `said` by the names of FINDER."""
    return _job_arguments(FINDER, swap, said)


def _job_arguments(options: Sequence[Option], swap: str, said: Mapping[str, Any]) -> dict[str, Any]:
    values = checked(options, {n: v for n, v in said.items() if v is not None}, "A training")
    if "device" in values:
        check_asked(str(values["device"]))
    if "devices" in values:
        how_many(str(values["devices"]), there=1)
    return {"swap": swap, **values}

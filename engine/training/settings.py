"""What a training is told: one frozen value, written into the swap and into every checkpoint."""

import math
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from projects import training_options
from projects.errors import CommandError
from projects.training_options import (
    DEFAULT_RECIPE,
    FREEZES,
    OPTIMISERS,
    SCHEDULES,
    check_parts,
    check_settings,
    check_together,
    nested,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a chip; lengths are fractions of its side.

    The encoder's input and the wanted answer share the first seven; the others change the input
    alone.
    """

    rotate: float = 10.0
    """Degrees, uniform in ±."""
    zoom: float = 0.05
    """Uniform in 1 ±."""
    shift: float = 0.05
    """Uniform in ±, along each axis."""
    flip: float = 0.5
    """Probability of a mirrored chip."""
    clahe: float = 0.0
    """Probability of a chip whose local contrast was equalised (CLAHE)."""
    lightness: float = 0.0
    """Gain of CIE L*, uniform in 1 ±."""
    colour: float = 0.0
    """Shift of CIE a* and b*, uniform in ± this fraction of their range."""
    warp: float = 0.02
    """Standard deviation of a 5 x 5 grid of displacements."""
    gain: float = 0.25
    """Brightness: exp(N(0, gain))."""
    gamma: float = 0.25
    """Gamma: exp(N(0, gamma))."""
    tint: float = 0.08
    """Gain of each colour channel: exp(N(0, tint))."""
    transfer: float = 0.0
    """Probability of a chip with the colours of somebody else."""
    blur: float = 0.0
    """Gaussian blur, its standard deviation uniform up to this."""
    noise: float = 0.0
    """Gaussian noise, its standard deviation uniform up to this part of white."""
    blocks: float = 0.0
    """JPEG's quantisation, uniform up to this; 1 is quality 10, 0.2 about 50."""


@dataclass(frozen=True)
class Losses:
    """Weights of the loss's parts; 0 leaves one out."""

    l1: float = 1.0
    mse: float = 0.0
    dssim: float = 0.0
    msdssim: float = 0.0
    """DSSIM at several sizes."""
    laplacian: float = 0.0
    """L1 between the levels of both pictures' Laplacian pyramids."""
    edges: float = 0.0
    """L1 between the horizontal and vertical differences of neighbouring pixels."""
    mask: float = 0.0
    code: float = 0.0
    """Distance between the distributions of the people's codes."""
    adversary: float = 0.0
    """Of a network for each person that judges patches; see `adversary`."""
    eyes: float = 1.0
    """How much a pixel of the eyes counts in L1 and MSE, where one of the skin counts 1."""
    mouth: float = 1.0
    """How much a pixel of the mouth counts."""
    outside: float = 0.0
    """How much a pixel outside the face mask counts in all of them."""


@dataclass(frozen=True)
class Sampling:
    """Which faces are drawn."""

    expression_uniform: float = 0.0
    """Share of a batch in which every expression that occurs is as likely as any other."""
    pose_uniform: float = 0.0
    """The same of poses, as a share of the rest."""


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides the weights, besides the dataset and the number of steps."""

    preset: str = "light-64"
    recipe: str = "swapdeck"
    seed: int = 0
    base: str = "none"
    """What a training begins with: a base of the workspace, auto for the one that is shipped for
    the preset, where there is one, or none for random weights. See `engine.pretraining`."""
    batch: int = 16
    """Chips of each person in a step."""
    precision: str = "auto"
    """What it computes in: auto, float32 or bfloat16. See `engine.training.precision`."""
    remat: str = "auto"
    """Whether blocks are computed again in the backward pass, to save memory: auto, yes or no."""
    accumulate: int = 1
    """Parts in which a batch goes through the network, one after the other."""
    optimiser: str = "adam"
    learning_rate: float = 5e-4
    warm_up: int = 100
    """Steps over which the learning rate rises from nothing."""
    schedule: str = "constant"
    """How the learning rate goes on from there; see `optimisers`."""
    schedule_steps: int = 0
    """Steps over which cosine falls."""
    beta2: float = 0.999
    """Of Adam and AdaBelief."""
    epsilon: float = 1e-8
    """Of Adam and AdaBelief."""
    decay: float = 0.0
    """Weight decay, not of biases."""
    clip: float = 0.0
    """Greatest norm of all gradients together; 0 for any."""
    adaptive_clip: float = 0.0
    """Greatest norm of a unit's gradient as a part of that of its weights; 0 for any."""
    average: float = 0.998
    """Decay of the running average of the weights, which previews and conversion use."""
    freeze: str = "none"
    """Which networks are left as they are; see `freezing`."""
    freeze_until: int = 0
    """The step from which they learn after all; 0 for never."""
    encoder_rate: float = 1.0
    """What the learning rate of the encoder is multiplied by."""
    masked: bool = True
    """Hide everything outside the face from the encoder."""
    warp_until: int = 0
    """The step from which the encoder's input is not warped any more; 0 for never."""
    adversary_rate: float = 2e-4
    """Learning rate of the adversary."""
    adversary_from: int = 0
    """The step from which the adversary learns and counts."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    losses: Losses = field(default_factory=Losses)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.learning_rate <= 0 or not 0 <= self.average < 1:
            raise CommandError(
                "batch must be 1 or more, learning_rate more than 0, and average from 0 to under 1."
            )
        if self.optimiser not in OPTIMISERS or self.schedule not in SCHEDULES:
            raise CommandError(
                f"optimiser must be one of {', '.join(OPTIMISERS)}, and schedule one of "
                f"{', '.join(SCHEDULES)}."
            )
        if self.freeze not in FREEZES or self.freeze_until < 0 or self.encoder_rate <= 0:
            raise CommandError(
                f"freeze must be one of {', '.join(FREEZES)}, freeze_until 0 or more, and "
                "encoder_rate more than 0."
            )
        if self.accumulate < 1:
            raise CommandError("accumulate must be 1 or more.")
        check_together(vars(self))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for TOML and JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainSettings":
        """The inverse of `as_dict`. Raises CommandError for what is not a setting."""
        return _filled(cls, values, "settings")


def _filled(kind: type[T], values: dict[str, Any], place: str) -> T:
    """A frozen dataclass from plain values, each of the type of its default."""
    known = {f.name: getattr(kind(), f.name) for f in fields(kind)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise CommandError(
                f"There is no setting '{name}' under [{place}]. There are: {', '.join(known)}."
            )
        default = known[name]
        if is_dataclass(default) and isinstance(value, dict):
            given[name] = _filled(type(default), value, f"{place}.{name}")
        elif isinstance(default, float) and type(value) in (int, float) and math.isfinite(value):
            given[name] = float(value)
        elif type(value) is type(default) and not isinstance(default, float):
            given[name] = value
        else:
            wanted = "a number" if isinstance(default, float) else f"like {default!r}"
            raise CommandError(f"{name} under [{place}] is {value!r}, and must be {wanted}.")
    return kind(**given)


RECIPES: dict[str, TrainSettings] = {
    name: TrainSettings.from_dict(nested({**differs, "recipe": name}))
    for name, differs in training_options.RECIPES.items()
}


def settings_for(
    preset: str, *, recipe: str | None = None, seed: int = 0, **changes: Any
) -> TrainSettings:
    """The settings of a preset with some of them changed, by their names in `TrainSettings`.

    What is not said is the recipe's, and batch and learning rate the preset's own.

    Raises CommandError for a recipe or a setting that does not exist, or a value out of bounds.
    """
    name = recipe or DEFAULT_RECIPE.get(preset, "swapdeck")
    if name not in RECIPES:
        raise CommandError(f"There is no recipe {name!r}. Choose one of: {', '.join(RECIPES)}.")
    values = RECIPES[name].as_dict() | training_options.preset_values(preset, name)
    for key, value in changes.items():
        part = values.get(key)
        if isinstance(part, dict) and isinstance(value, dict):
            value = {**part, **value}
        values[key] = value
    settings = TrainSettings.from_dict({**values, "preset": preset, "seed": seed})
    check_settings({n: v for n, v in settings.as_dict().items() if n not in ("preset", "seed")})
    check_parts(preset, settings.freeze)
    return settings

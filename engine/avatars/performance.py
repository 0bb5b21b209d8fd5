"""What a synthetic person does over time: talking, looking about, blinking, under moving light.

Everything is a function of the time and a seed, so any moment can be rendered on its own and a
longer clip begins like a shorter one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, pi, sin

import numpy as np

from engine.avatars.parameters import Pose

Draw = Callable[[np.random.Generator], float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Manner:
    """How a person moves and is lit; angles in degrees, times in seconds."""

    pace: float = 1.5  # mean time between turns of the head
    yaw: float = 25.0  # furthest turn to either side
    pitch: float = 14.0
    pitch_rest: float = 0.0
    talking: float = 0.78  # share of the time
    mouth: float = 1.0  # widest opening while talking
    light_azimuth: Range = (-40.0, 40.0)
    light_elevation: Range = (15.0, 42.0)
    light: Range = (0.8, 1.12)
    ambient: Range = (0.85, 1.15)


ANNA = Manner(
    pace=0.95,
    yaw=25,
    pitch=13,
    pitch_rest=1.0,
    light_azimuth=(-45, 25),
    light_elevation=(20, 45),
    light=(0.88, 1.08),
    ambient=(0.9, 1.1),
)
BRUNO = Manner(
    pace=1.1,
    yaw=25,
    pitch=14,
    pitch_rest=-1.0,
    mouth=0.95,
    light_azimuth=(-35, 45),
    light_elevation=(12, 40),
    light=(0.78, 1.14),
    ambient=(0.82, 1.18),
)


def _eased(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (x * (6 * x - 15) + 10)


def _choice(values: tuple[float, ...], odds: tuple[float, ...]) -> Draw:
    return lambda rng: float(rng.choice(values, p=odds))


def _uniform(bounds: Range) -> Draw:
    return lambda rng: float(rng.uniform(*bounds))


def _clipped_normal(mean: float, spread: float, furthest: float) -> Draw:
    return lambda rng: float(np.clip(rng.normal(mean, spread), -furthest, furthest))


@dataclass(frozen=True)
class Performance:
    """A seeded sequence of poses."""

    seed: int
    manner: Manner = Manner()

    def pose(self, t: float) -> Pose:
        """The pose at t seconds."""
        m = self.manner
        talk = self._talking(t)
        mouth = self.mouth_open(t)
        nod = 1.2 * sin(2 * pi * 0.9 * t + self.seed) * talk
        turn = _clipped_normal(0, 0.8 * m.yaw, m.yaw - 1.2)
        tilt = _clipped_normal(m.pitch_rest, 0.7 * m.pitch, m.pitch - 1)
        yaw = self._held("yaw", t, m.pace, turn, 0.75) + nod
        pitch = self._held("pitch", t, 0.85 * m.pace, tilt, 0.8) + 0.7 * (mouth - 0.3) * talk
        blink = self._blink(t)
        gaze_x = self._held("gaze x", t, 0.8, _clipped_normal(0, 7, 15), 0.15)
        gaze_y = self._held("gaze y", t, 0.8, _clipped_normal(0, 4, 9), 0.15)
        return Pose(
            yaw=yaw,
            pitch=pitch,
            roll=self._held("roll", t, 1.2 * m.pace, _clipped_normal(0, 4, 8), 0.8),
            mouth_open=mouth,
            smile=self._held("smile", t, 1.9, _SMILES, 0.4),
            blink_left=blink,
            blink_right=blink,
            brow_raise=self._peaks("brow", t, 1.2, _BROW_RAISES, 0.5),
            # The eyes make up for about half of the head's turn.
            gaze_x=float(np.clip(gaze_x - 0.5 * yaw, -24, 24)),
            gaze_y=float(np.clip(gaze_y - 0.5 * pitch, -14, 14)),
            light_azimuth=self._held("azimuth", t, 2.2, _uniform(m.light_azimuth), 1.0),
            light_elevation=self._held("elevation", t, 2.4, _uniform(m.light_elevation), 1.0),
            light=self._held("light", t, 2.1, _uniform(m.light), 1.0),
            ambient=self._held("ambient", t, 2.3, _uniform(m.ambient), 1.0),
            shift_x=0.004 * yaw + 0.05 * sin(0.7 * t + self.seed),
            shift_y=0.03 * sin(0.9 * t + 2 * self.seed),
            shift_z=self._held("distance", t, 2.5, _uniform((-0.25, 0.2)), 1.0),
        )

    def mouth_open(self, t: float) -> float:
        """How far the mouth is open at t seconds, [0, 1]; what the voice follows."""
        syllable = self._peaks("syllable", t, 0.21, _SYLLABLES, 0.13)
        return min(max(syllable * self._talking(t) * self.manner.mouth, 0.0), 1.0)

    def _talking(self, t: float) -> float:
        share = self.manner.talking
        return self._held("talk", t, 1.7, lambda rng: float(rng.uniform() < share), 0.25)

    def _rng(self, channel: str, cell: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *channel.encode(), cell + 1_000_000])

    def _held(self, channel: str, t: float, period: float, draw: Draw, move: float) -> float:
        """Values held for a while, then moved from; `move` is the share of time in motion."""

        def key(cell: int) -> tuple[float, float]:
            rng = self._rng(channel, cell)
            return (cell + 0.5 + 0.3 * rng.uniform(-1, 1)) * period, draw(rng)

        cell = floor(t / period)
        if t < key(cell)[0]:
            cell -= 1
        (start, before), (end, after) = key(cell), key(cell + 1)
        progress = ((t - start) / (end - start) - (1 - move)) / move
        return before + (after - before) * _eased(progress)

    def _peaks(self, channel: str, t: float, period: float, draw: Draw, width: float) -> float:
        """Separate rises and falls, one a period; of two that overlap, the larger."""
        cell, best = floor(t / period), 0.0
        for c in range(cell - 2, cell + 3):
            rng = self._rng(channel, c)
            middle = (c + 0.5 + 0.25 * rng.uniform(-1, 1)) * period
            height = draw(rng)
            away = abs(t - middle) / (width * rng.uniform(0.8, 1.3))
            value = height * (0.5 + 0.5 * cos(pi * away)) if away < 1 else 0.0
            best = value if abs(value) > abs(best) else best
        return best

    def _blink(self, t: float) -> float:
        best, period = 0.0, 1.5
        for cell in range(floor(t / period) - 1, floor(t / period) + 2):
            rng = self._rng("blink", cell)
            since = t - (cell + 0.5 + 0.35 * rng.uniform(-1, 1)) * period
            shut = float(rng.choice((0.02, 0.15), p=(0.75, 0.25)))
            closing = _eased((since + 0.12) / 0.12)
            best = max(best, closing * (1 - _eased((since - shut) / 0.2)))
        return best


_SMILES = _choice((0.0, 0.15, 0.6, 0.95, -0.25), (0.3, 0.2, 0.2, 0.2, 0.1))
_BROW_RAISES = _choice((0.0, 0.5, 1.0, -0.5), (0.3, 0.25, 0.25, 0.2))
_SYLLABLES = _choice((0.22, 0.4, 0.65, 0.95), (0.3, 0.35, 0.25, 0.1))

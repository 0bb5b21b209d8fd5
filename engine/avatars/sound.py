"""A voice-like tone that follows the mouth, and clicks whose times are known.

The clicks make drift measurable: one every second, the first after FIRST_CLICK seconds. They are
short bursts far above the voice, so they can be found again after any codec.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

Samples = np.ndarray[Any, np.dtype[np.float32]]
RATE = 48_000
FIRST_CLICK = 0.5
CLICK_PERIOD = 1.0
_CLICK_SECONDS = 0.004
_CLICK_HERTZ = 6_000.0


def click_times(duration: float) -> list[float]:
    """Times of the clicks in a track of so many seconds."""
    count = int(np.ceil(max(duration - _CLICK_SECONDS - FIRST_CLICK, 0) / CLICK_PERIOD))
    return [FIRST_CLICK + i * CLICK_PERIOD for i in range(count)]


def _click(rate: int) -> Samples:
    t = np.arange(round(_CLICK_SECONDS * rate)) / rate
    wave = np.sin(2 * np.pi * _CLICK_HERTZ * t) * np.exp(-t / (_CLICK_SECONDS / 4))
    return wave.astype(np.float32)


def voice(mouth_open: Callable[[float], float], duration: float, *, pitch: float = 120) -> Samples:
    """A tone as loud as the mouth is open, with clicks: float32 [N] in [-1, 1], mono at RATE."""
    t = np.arange(round(duration * RATE)) / RATE
    coarse = np.arange(0, duration + 0.02, 0.01)
    opened = np.interp(t, coarse, [mouth_open(float(c)) for c in coarse])
    melody = pitch * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * t) + 0.10 * opened)
    phase = 2 * np.pi * np.cumsum(melody) / RATE
    tone = np.zeros_like(t)
    for harmonic in range(1, 16):
        # The formant rises as the mouth opens, as from "oo" to "ah".
        formant = 350 + 500 * opened
        away = (harmonic * melody - formant) / 220
        tone += np.sin(harmonic * phase) * (0.3 / harmonic + np.exp(-away * away))
    track = 0.10 * tone * np.sqrt(opened)
    click = 0.6 * _click(RATE)
    for at in click_times(duration):
        start = round(at * RATE)
        track[start : start + click.size] += click
    return np.clip(track, -1, 1).astype(np.float32)


def find_clicks(samples: np.ndarray[Any, Any], rate: int) -> list[float]:
    """Times in seconds at which clicks begin in a mono track, float [N] in [-1, 1].

    By correlation with the click itself; good to well under a millisecond.
    """
    click = _click(rate).astype(np.float64)
    if samples.size < click.size:
        return []
    size = 1 << int(np.ceil(np.log2(samples.size + click.size)))
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(click, size))
    # The voice has next to nothing above 3 kHz.
    spectrum[: round(3_000 / rate * size)] = 0
    match = np.abs(np.fft.irfft(spectrum, size)[: samples.size]) / float(click @ click)
    times, distance = [], round(0.5 * CLICK_PERIOD * rate)
    while match.max(initial=0.0) > 0.2:
        best = int(match.argmax())
        times.append(best / rate)
        match[max(0, best - distance) : best + distance] = 0
    return sorted(times)


def read_sound(path: Path) -> tuple[Samples, int]:
    """The first audio track as float32 [N] mono in [-1, 1] and its rate; sample i is at i / rate.

    Timestamps are honoured: what precedes time zero is dropped, gaps are silent. A file without
    sound gives no samples and the rate 0.
    """
    pieces: list[tuple[int, Samples]] = []
    rate = 0
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32), 0
        track = container.streams.audio[0]
        rate = track.codec_context.sample_rate
        mono = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        for decoded in container.decode(track):
            start = round(float(decoded.time or 0.0) * rate)
            decoded.pts = None
            for frame in mono.resample(decoded):
                pieces.append((start, frame.to_ndarray()[0].astype(np.float32)))
                start += frame.samples
    track_end = max((start + piece.size for start, piece in pieces), default=0)
    samples = np.zeros(max(track_end, 0), np.float32)
    for start, piece in pieces:
        skipped = max(0, -start)
        samples[start + skipped : start + piece.size] = piece[skipped:]
    return samples, rate

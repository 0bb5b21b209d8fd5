"""Clips of synthetic people with sound, and the command that renders the shipped ones again.

python -m engine.avatars.clips FOLDER [--frames N] [--size WxH]
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from engine.avatars.identities import PEOPLE, Identity, swap
from engine.avatars.landmarks import true_landmarks
from engine.avatars.performance import ANNA, BRUNO, Performance
from engine.avatars.render import Rendered, render_frame
from engine.avatars.sound import RATE as SOUND_RATE
from engine.avatars.sound import voice

Array = np.ndarray[Any, np.dtype[Any]]
FRAME_RATE = 25
TRAINING_FRAMES, SCENE_FRAMES = 240, 96
SIZE = (480, 360)
ANNA_TRAINING = Performance(13, ANNA)
BRUNO_TRAINING = Performance(2, BRUNO)
BRUNO_SCENE = Performance(108, BRUNO)


@dataclass(frozen=True)
class ClipTruth:
    """What is known about every frame of a clip."""

    face: Array  # uint8 [T, H, W], share of each pixel that shows the face, 0 … 255
    landmarks: Array  # float32 [T, 68, 2], pixels (x, y); the jaw line is NaN


def render_frames(
    identity: Identity, performance: Performance, frames: int, size: tuple[int, int] = SIZE
) -> Iterator[tuple[Rendered, Array]]:
    """Frames at FRAME_RATE with their true landmarks.

    The grain of the picture depends on the performance and the frame only: a swap of the same
    performance has the same grain.
    """
    for index in range(frames):
        pose = performance.pose(index / FRAME_RATE)
        grain = performance.seed * 100_000 + index
        rendered = render_frame(identity, pose, size, noise_seed=grain)
        yield rendered, true_landmarks(identity, pose, size)


def render_clip(
    identity: Identity,
    performance: Performance,
    frames: int,
    size: tuple[int, int],
    path: Path,
    *,
    crf: int = 14,
    pitch: float = 120,
) -> ClipTruth:
    """Write an H.264 clip at FRAME_RATE with its voice as AAC; size is (width, height), even.

    `crf` is x264's quality (lower is better), `pitch` the voice's in hertz. BT.709, limited range.
    """
    faces, landmarks = [], []
    sound = voice(performance.mouth_open, frames / FRAME_RATE, pitch=pitch)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        options = {"crf": str(crf), "preset": "slow", "g": "50"}
        video = container.add_stream("libx264", FRAME_RATE, options=options)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = Colorspace.ITU709.value
        context.color_range = ColorRange.MPEG.value
        audio = container.add_stream("aac", SOUND_RATE, layout="mono")
        audio.bit_rate = 96_000
        for index, (rendered, points) in enumerate(
            render_frames(identity, performance, frames, size)
        ):
            faces.append(rendered.face)
            landmarks.append(points)
            container.mux(video.encode(_video_frame(rendered.rgb, index)))
            bounds = [round(i * SOUND_RATE / FRAME_RATE) for i in (index, index + 1)]
            container.mux(audio.encode(_audio_frame(sound[bounds[0] : bounds[1]], bounds[0])))
        container.mux(video.encode())
        container.mux(audio.encode())
    return ClipTruth(np.stack(faces), np.stack(landmarks))


def _video_frame(rgb: Array, index: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
    frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
    return frame


def _audio_frame(samples: Array, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = SOUND_RATE
    frame.pts, frame.time_base = start, Fraction(1, SOUND_RATE)
    return frame


def _listed(landmarks: Array) -> list[list[list[float] | None]]:
    return [
        [None if np.isnan(x) else [round(float(x), 2), round(float(y), 2)] for x, y in frame]
        for frame in landmarks
    ]


def render_demo_clips(
    folder: Path, training_frames: int = TRAINING_FRAMES, size: tuple[int, int] = SIZE
) -> None:
    """Render the demo's clips and its truth into a folder, under the shipped names."""
    folder.mkdir(parents=True, exist_ok=True)
    anna, bruno = PEOPLE["anna"], PEOPLE["bruno"]
    scene_frames = max(1, training_frames * SCENE_FRAMES // TRAINING_FRAMES)

    def rendered(
        name: str, who: Identity, performance: Performance, frames: int, crf: int, pitch: float
    ) -> ClipTruth:
        click.echo(f"{name}.mp4: {frames} frames")
        path = folder / f"{name}.mp4"
        return render_clip(who, performance, frames, size, path, crf=crf, pitch=pitch)

    scene = rendered("bruno-scene", bruno, BRUNO_SCENE, scene_frames, 14, 110)
    swapped = swap(bruno, anna)
    truth = rendered("bruno-scene-truth", swapped, BRUNO_SCENE, scene_frames, 8, 110)
    np.savez_compressed(folder / "bruno-scene-mask.npz", face=truth.face)
    landmarks = {
        "version": 1,
        "size": list(size),
        "scene": _listed(scene.landmarks),
        "truth": _listed(truth.landmarks),
    }
    (folder / "bruno-scene-landmarks.json").write_text(json.dumps(landmarks) + "\n")
    rendered("anna", anna, ANNA_TRAINING, training_frames, 14, 210)
    rendered("bruno", bruno, BRUNO_TRAINING, training_frames, 14, 110)


def _size(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) % 2 == int(height) % 2 == 0):
        raise click.BadParameter("give an even width and height, like 480x360")
    return int(width), int(height)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--frames", default=TRAINING_FRAMES, type=click.IntRange(1), show_default=True)
@click.option("--size", default="480x360", callback=_size, show_default=True, metavar="WxH")
def main(folder: Path, frames: int, size: tuple[int, int]) -> None:
    """Render the demo's clips into FOLDER: FRAMES of training footage for each person, and a scene
    of two fifths as many frames with the truth of its swap."""
    render_demo_clips(folder, frames, size)


if __name__ == "__main__":
    main()

"""Workspaces as the engine would leave them, written through `projects`."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

from PIL import Image, ImageDraw

from projects import checkpoints, jobs
from projects.consent import Consent
from projects.faces import Face, FaceIndex
from projects.people import Person, add_person
from projects.sources import add_source
from projects.swaps import Swap, new_swap
from projects.texts import append_line
from projects.workspace import Workspace, open_workspace

CONSENT = Consent("synthetic", "any use", "tests", "2026-11-01")
RELEASE = Consent("release", "one film", "tests", "2026-11-01", uses=("training", "conversion"))


def empty(root: Path) -> Workspace:
    return open_workspace(root, create=True)


def person(ws: Workspace, name: str, consent: Consent = CONSENT, *, faces: int = 0) -> Person:
    """A person with one source and `faces` faces, every eighth of them a stranger's."""
    made = add_person(ws, name, consent)
    if not faces:
        return made
    clip = ws.root / "clip.mp4"
    clip.write_bytes(f"not really a clip of {name}".encode())
    source, _ = add_source(made, clip, "video", str(clip))
    clip.unlink()
    draw = random.Random(name)
    hue = draw.randrange(256)
    rows = []
    for number in range(faces):
        crop = f"{number:06d}.png"
        yaw = 40 * math.sin(number)
        face_picture(hue, yaw).save(made.faces_dir / crop)
        rows.append(_face(source.digest, number, crop, yaw, stranger=number % 8 == 7))
    with FaceIndex(made.index_path) as index:
        index.start(source.digest, "{}")
        index.add_frames(source.digest, rows, faces)
        index.finish(source.digest)
    return made


def _face(digest: str, frame: int, crop: str, yaw: float, *, stranger: bool) -> Face:
    return Face(
        id=0,
        source=digest,
        frame=frame,
        time=frame / 25,
        box=(10, 10, 90, 90),
        yaw=yaw,
        pitch=0.0,
        roll=0.0,
        sharpness=10.0 + frame % 5,
        size=80.0,
        crop=crop,
        kept=not stranger,
        reason="stranger" if stranger else "",
        landmarks=struct.pack("<136f", *range(136)),
        transform=struct.pack("<6d", *range(6)),
        embedding=struct.pack("<128f", *range(128)),
    )


def face_picture(hue: int, yaw: float, size: int = 64) -> Image.Image:
    """A drawn face, so that pictures in the dashboard show something."""
    picture = Image.new("HSV", (size, size), (hue, 60, 70))
    pen = ImageDraw.Draw(picture)
    middle = size / 2 + yaw / 90 * size / 2
    pen.ellipse((size * 0.15, size * 0.08, size * 0.85, size * 0.95), fill=(16, 110, 215))
    for eye in (-0.16, 0.16):
        x = middle + eye * size
        pen.ellipse((x - 5, size * 0.38, x + 5, size * 0.46), fill=(0, 0, 250))
        pen.ellipse((x - 2, size * 0.39, x + 2, size * 0.45), fill=(hue, 200, 90))
    pen.polygon(
        [(middle, size * 0.42), (middle - 4, size * 0.62), (middle + 5, size * 0.62)],
        fill=(16, 130, 180),
    )
    pen.chord((middle - 12, size * 0.62, middle + 12, size * 0.8), 10, 170, fill=(250, 150, 160))
    return picture.convert("RGB")


def preview(swap: Swap, step: int) -> Path:
    """A preview sheet: four rows of source, reconstruction, target, reconstruction, swap."""
    sheet = Image.new("RGB", (5 * 66, 4 * 66))
    for row in range(4):
        for column, hue in enumerate((140, 140, 20, 20, 140)):
            sheet.paste(face_picture(hue, 25 * math.sin(row * 2 + column)), (column * 66, row * 66))
    path = swap.previews_dir / f"{step:08d}.png"
    sheet.save(path)
    return path


def loss(step: int) -> float:
    return 0.02 + 0.2 / (1 + step / 60) + 0.004 * math.sin(step * 1.7)


def trained_swap(ws: Workspace, source: str, target: str, steps: int) -> Swap:
    """A swap with a history, a checkpoint, a preview and a result."""
    swap = new_swap(ws, None, source, target, preset="light-64", seed=1, settings={})
    for step in range(10, steps + 1, 10):
        append_line(swap.history_path, step_event(step, steps))
    checkpoints.save(swap.checkpoints_dir, steps, {"state.safetensors": b"weights"})
    preview(swap, steps)
    (swap.results_dir / f"{target}-{swap.slug}.mp4").write_bytes(b"x" * 4_200_000)
    return swap


def step_event(step: int, steps: int) -> dict[str, object]:
    return {
        "step": step,
        "steps": steps,
        "loss": loss(step),
        "losses": {"source": loss(step) * 0.9, "target": loss(step) * 1.1, "mask": 0.011},
        "rate": 11.4,
        "eta": (steps - step) / 11.4,
        "seconds": step / 11.4,
    }


def running_job(ws: Workspace, swap: Swap) -> tuple[jobs.Job, jobs.EventLog]:
    """A training's folder and its event log. Hold its lock to make it look alive."""
    job = jobs.create_job(ws, "train", swap.slug, {})
    log = jobs.EventLog(job)
    log.emit("started", title=f"train {swap.slug}")
    log.emit("stage", name="train", total=2000, unit="steps")
    return job, log


def ended_job(ws: Workspace, verb: str, subject: str, code: int, reason: str) -> jobs.Job:
    job = jobs.create_job(ws, verb, subject, {})
    jobs.EventLog(job).emit("result", faces=24)
    jobs.write_exit(job, code, reason)
    return job

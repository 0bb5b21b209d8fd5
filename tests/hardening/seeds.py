"""Good files to be damaged: a small workspace with one of everything, and pictures and videos."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from engine.credentials.manifest import Statement, sign
from engine.nets.presets import PRESETS
from projects import ledger
from projects.consent import Consent
from projects.face_query import EVERY, of_ids
from projects.faces import Face, FaceIndex
from projects.jobs import EventLog, create_job, request, write_exit
from projects.people import Person, add_person
from projects.sources import add_source
from projects.swaps import new_swap
from projects.workspace import Workspace, open_workspace
from tests.hardening.tiny import register_tiny

STEP = 4


def pictures() -> dict[str, bytes]:
    """Files of every format that is read, in the modes that are odd."""
    rng = np.random.default_rng(1)
    rgb = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    made: dict[str, bytes] = {}
    for name, picture, options in (
        ("a.jpg", rgb, {"format": "JPEG", "exif": exif}),
        ("cmyk.jpg", rgb.convert("CMYK"), {"format": "JPEG", "progressive": True}),
        ("a.png", rgb, {"format": "PNG", "exif": exif}),
        ("palette.png", rgb.convert("P"), {"format": "PNG", "transparency": 3}),
        ("grey16.png", rgb.convert("I;16"), {"format": "PNG"}),
        ("a.webp", rgb, {"format": "WEBP", "exif": exif}),
        ("a.bmp", rgb, {"format": "BMP"}),
        ("a.tif", rgb, {"format": "TIFF", "compression": "tiff_lzw"}),
        ("jpeg.tif", rgb, {"format": "TIFF", "compression": "jpeg"}),
        ("float.tif", rgb.convert("F"), {"format": "TIFF"}),
        ("a.ppm.png", rgb, {"format": "PPM"}),
    ):
        file = io.BytesIO()
        picture.save(file, **options)
        made[name] = file.getvalue()
    return made


def videos() -> dict[str, bytes]:
    """Containers and codecs, with sound."""
    return {
        name: _video(name, codec, sound)
        for name, codec, sound in (
            ("a.mp4", "libx264", "aac"),
            ("a.mov", "mpeg4", "pcm_s16le"),
            ("a.mkv", "libx264", "flac"),
            ("a.webm", "libvpx-vp9", "libopus"),
            ("a.avi", "mjpeg", "pcm_s16le"),
            ("a.ts", "mpeg2video", "mp2"),
            ("a.gif", "gif", ""),
            ("b.mkv", "ffv1", ""),
        )
    }


def build_workspace(root: Path) -> None:
    """One of everything that a workspace holds, made by the product's own functions.

    Beside it lie, in folders that `targets.BESIDE` names, what was given to others, what people
    write by hand, and results with credentials.
    """
    from engine.training.export import export_swap

    ws = open_workspace(root, create=True)
    consent = Consent(
        basis="synthetic",
        scope="tests",
        recorded_by="the tests",
        recorded_at="2026-11-23T10:00:00+00:00",
    )
    ada, ben = (add_person(ws, name, consent) for name in ("Ada", "Ben"))
    for person in (ada, ben):
        _faces(person)
    swap = new_swap(ws, None, ada, ben, preset="tiny", seed=0, settings={})
    register_tiny()
    _checkpoints(swap.checkpoints_dir)
    swap.history_path.write_text(
        "".join(
            json.dumps({"step": step, "loss": 1 / step, "losses": {"l1": 0.5}, "rate": 2.0}) + "\n"
            for step in range(1, STEP + 1)
        )
    )
    job = create_job(ws, "train", swap.slug, {"swap": swap.slug, "steps": 9})
    log = EventLog(job)
    log.emit("started", title="train")
    log.emit("step", step=3, steps=9, loss=0.5, losses={"l1": 0.5}, rate=2.0, eta=3.0, seconds=1.5)
    log.emit("preview", step=3, path="previews/00000003.png")
    log.emit("warning", text="something")
    request(job, "save")
    write_exit(job, 0, "Done.")
    job.output_path.write_text("what a library printed\n")
    for number in range(3):
        ledger.append(ws, "test", file=f"{number}.mp4", people=["ada", "ben"])
    export_swap(ws, swap, root.parent / "given")
    _dataset(ws, ada, root.parent / "dataset")
    _by_hand(root.parent / "byhand")
    _signed(ws, root.parent / "signed")


def _faces(person: Person) -> None:
    from engine.faces.align import CROP_SIZE
    from engine.faces.details import save_detail
    from engine.media.pictures import save_png

    rng = np.random.default_rng(2)
    file = person.root.parent.parent / f"{person.slug}.png"
    file.write_bytes(pictures()["a.png"] + person.slug.encode())
    source, _ = add_source(person, file, "image", "/media/a.png")
    file.unlink()
    person.faces_dir.mkdir(exist_ok=True)
    angles = np.linspace(0, 6, 68, endpoint=False)
    points = np.stack([100 + 40 * np.cos(angles), 100 + 40 * np.sin(angles)], axis=1)
    with FaceIndex(person.index_path) as index:
        index.start(source.digest, "{}")
        faces = []
        for number in range(5):
            crop = f"{source.digest[:16]}-{number:07d}-0.png"
            picture = np.full((CROP_SIZE, CROP_SIZE, 3), 40 * number, np.uint8)
            save_png(person.faces_dir / crop, picture)
            if number == 3:
                grain = np.random.default_rng(3).integers(0, 256, (512, 512, 1), np.uint8)
                save_detail(person.root, crop, grain.repeat(3, axis=2))
            faces.append(
                face_like(
                    source=source.digest,
                    frame=number,
                    box=(60, 60, 140, 140),
                    landmarks=points.astype("<f4").tobytes(),
                    transform=np.array([[0.01, 0, -0.5], [0, 0.01, -0.5]], "<f8").tobytes(),
                    embedding=rng.normal(size=128).astype("<f4").tobytes(),
                    crop=crop,
                    kept=number != 0,
                    reason="by hand" if number == 0 else "",
                )
            )
        index.add_frames(source.digest, faces, 5)
        index.finish(source.digest)
        found = {"box": [60, 60, 140, 140], "landmarks": points.tolist()}
        index.set_meta(f"before mending {source.digest[:16]}-0000001-0", json.dumps(found))
        for kept in (False, True):
            reason = "by hand"
            index.decide(of_ids([5]), kept=kept, reason=reason, what=f"the fifth: {kept}")


def _dataset(ws: Workspace, person: Person, folder: Path) -> None:
    """Faces as they are given to others, one of them with a mask."""
    from engine.datasets.exporting import MASK, export_faces

    export_faces(ws, person, folder, EVERY)
    first = min(folder.glob("*-0000001-0.png"))
    first.with_name(f"{first.stem}{MASK}").write_bytes(_mask("PNG"))


def _by_hand(folder: Path) -> None:
    """What people write to correct faces: masks, polygons and places."""
    folder.mkdir()
    (folder / "mask.png").write_bytes(_mask("PNG"))
    (folder / "mask.jpg").write_bytes(_mask("JPEG"))
    (folder / "mask-of-frame.png").write_bytes(pictures()["a.png"])
    corner = [[10, 10], [200, 20.5], [100, 240]]
    masks = [
        {"face": 2, "space": "crop", "include": [corner], "exclude": [corner[::-1]]},
        {"face": 3, "space": "frame", "exclude": [corner, corner]},
    ]
    landmarks = [[100 + number % 9 * 4, 90 + number // 9 * 4] for number in range(68)]
    mends = [  # of faces that somebody has who took in `_dataset`
        {"face": 7, "points": {"36": [110.5, 112], "67": [120, 111]}, "space": "crop"},
        {"face": 8, "box": [60, 60, 140, 140]},
        {"face": 9, "landmarks": landmarks},
    ]
    for name, said in (("masks", {"masks": masks}), ("mends", {"faces": mends})):
        text = json.dumps({"version": 1, **said}, indent=1)
        (folder / f"{name}.json").write_text(text)
    # One face each, because the first that is wrong ends the reading of a file.
    for number, one in enumerate(mends):
        text = json.dumps({"version": 1, "faces": [one]}, indent=1)
        (folder / f"mend-{number}.json").write_text(text)


def _mask(kind: str) -> bytes:
    from engine.faces.align import CROP_SIZE

    rows, columns = np.mgrid[:CROP_SIZE, :CROP_SIZE] - CROP_SIZE / 2
    picture = np.where(np.hypot(rows, columns) < CROP_SIZE / 3, 255, 0).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format=kind)
    return file.getvalue()


def statement() -> Statement:
    """What the signed results say of themselves."""
    return Statement("ada-as-ben", STEP, "0123abcd", (("ada", "synthetic"), ("ben", "synthetic")))


def _signed(ws: Workspace, folder: Path) -> None:
    """Results with credentials, in the file or beside it; they need XDG_CONFIG_HOME to be ours."""
    from engine.credentials.identity import signing

    folder.mkdir()
    source = folder / "source.mp4"
    source.write_bytes(videos()["a.mp4"])
    made = {**pictures(), **videos()}
    for name in ("a.png", "a.jpg", "a.webp", "a.mp4", "a.mkv"):
        (folder / name).write_bytes(made[name])
        sign(folder / name, folder / name, source, statement(), signing(ws))
    source.unlink()


def face_like(**given: Any) -> Face:
    """A face with the given fields, and nothing in the others."""
    nothing = {"int": 0, "float": 0.5, "str": "", "bool": False, "bytes": b""}
    values = {field.name: nothing.get(str(field.type)) for field in dataclasses.fields(Face)}
    return Face(**{**values, **given})


def _checkpoints(folder: Path) -> None:
    from engine.training.checkpoint import save_state
    from engine.training.settings import TrainSettings
    from engine.training.step import compile_first_state

    settings = TrainSettings(preset="tiny", batch=2)
    state = compile_first_state(PRESETS["tiny"], settings)
    for step in (STEP - 2, STEP):
        save_state(folder, state._replace(step=state.step + step), settings, {}, 3)


def _video(name: str, codec: str, sound: str) -> bytes:
    rng = np.random.default_rng(3)
    suffix = name.rpartition(".")[2]
    muxer = {"mkv": "matroska", "ts": "mpegts"}.get(suffix, suffix)
    formats = {"gif": "rgb8", "mjpeg": "yuvj420p", "ffv1": "yuv420p"}
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        video = container.add_stream(codec, 25)
        video.width, video.height = 48, 32
        video.pix_fmt = formats.get(codec, "yuv420p")
        track = container.add_stream(sound, 48000, layout="mono") if sound else None
        for number in range(6):
            noise = rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=video.pix_fmt)
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if track is not None:
            samples = av.AudioFrame.from_ndarray(
                np.zeros((1, 4800), np.int16), format="s16", layout="mono"
            )
            samples.sample_rate, samples.pts = 48000, 0
            resampler = av.AudioResampler(track.format, track.layout, 48000, track.frame_size or 0)
            for part in [*resampler.resample(samples), *resampler.resample(None)]:
                container.mux(track.encode(part))
            container.mux(track.encode(None))
    return file.getvalue()

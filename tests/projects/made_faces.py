"""Faces as a search would leave them, without the search."""

from __future__ import annotations

import struct

from projects.faces import Face


def face(source: str, frame: int, yaw: float) -> Face:
    return Face(
        id=0, source=source, frame=frame, time=frame / 25, box=(0, 0, 50, 50), yaw=yaw,
        pitch=-4.0, roll=0.0, sharpness=float(frame), crop=f"{source[:16]}-{frame}.png", kept=True,
        reason="", landmarks=struct.pack("<136f", *range(136)),
        transform=struct.pack("<6d", *range(6)), embedding=struct.pack("<128f", *range(128)),
    )  # fmt: skip

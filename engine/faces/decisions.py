"""What people decided about faces, kept while a source is searched anew."""

import json
from collections.abc import Sequence
from typing import Any

from engine.faces.detectors import overlap
from engine.faces.judge import OWN_REASONS
from projects.faces import Face, FaceIndex

_SAME = 0.5


def put_aside(index: FaceIndex, source: str) -> None:
    """Note every decision by hand about the faces of a source, before they are dropped."""
    noted = _noted(index, source) + [
        {"frame": face.frame, "box": list(face.box), "kept": face.kept, "reason": face.reason}
        for face in index.faces(source=source)
        if face.reason not in OWN_REASONS
    ]
    if noted:
        index.set_meta(_key(source), json.dumps(noted))


def put_back(index: FaceIndex, source: str) -> int:
    """Decide the same about the faces that are found in the same places; how many those are.

    Of two decisions about one face, the later one counts. What no face was found for, such as in
    frames that were left out this time, is kept for the next time.
    """
    noted = _noted(index, source)
    if not noted:
        return 0
    by_frame: dict[int, list[Face]] = {}
    for face in index.faces(source=source):
        by_frame.setdefault(face.frame, []).append(face)
    verdicts: dict[int, tuple[bool, str]] = {}
    left = []
    for one in noted:
        x1, y1, x2, y2 = one["box"]
        box = (x1, y1, x2, y2)
        here: Sequence[Face] = by_frame.get(one["frame"], ())
        same = max(here, key=lambda face: overlap(face.box, box), default=None)
        if same is not None and overlap(same.box, box) >= _SAME:
            verdicts[same.id] = (one["kept"], one["reason"])
        else:
            left.append(one)
    index.judge(verdicts)
    index.set_meta(_key(source), json.dumps(left) if left else "")
    return len(verdicts)


def _key(source: str) -> str:
    return f"decided {source}"


def _noted(index: FaceIndex, source: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(index.meta(_key(source)) or "[]")
        return [
            {
                "frame": int(one["frame"]),
                "box": [int(side) for side in one["box"]][:4],
                "kept": bool(one["kept"]),
                "reason": str(one["reason"]),
            }
            for one in found
            if len(one["box"]) == 4
        ]
    except (ValueError, TypeError, KeyError):
        return []

"""Models beside each other: the same frames, answered by each of them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_SIDE: Final = 128
_WORDS: Final = 112
"""Pixels for the names at the left."""
_LETTERS: Final = 14
"""Of a name in one line there."""

Picture = NDArray[np.uint8]


def compared(sheets: Mapping[str, Picture]) -> Picture:
    """What was asked, what each model answered and what is true, row by row with their names.

    sheets: uint8 [3 S, N S, 3] RGB by a model's name, each as `Exam.sheet` draws it, of the same N
    frames; S may differ. Returns uint8 [(2 + models) 128, 112 + N 128, 3] RGB.
    """
    first = next(iter(sheets.values()))
    rows = {"asked": _row(first, 0)}
    rows |= {name: _row(sheet, 1) for name, sheet in sheets.items()}
    rows["true"] = _row(first, 2)
    return np.concatenate([np.hstack([_words(name), row]) for name, row in rows.items()])


def _row(sheet: Picture, number: int) -> Picture:
    side = len(sheet) // 3
    faces = sheet[number * side : (number + 1) * side]
    size = (faces.shape[1] // side * _SIDE, _SIDE)
    return np.asarray(cv2.resize(faces, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _words(name: str) -> Picture:
    panel = Image.new("RGB", (_WORDS, _SIDE), "white")
    words = textwrap.fill(name, _LETTERS)
    at = (_WORDS / 2, _SIDE / 2)
    font = ImageFont.load_default(size=14)
    ImageDraw.Draw(panel).text(at, words, "black", font, "mm", align="center")
    return np.asarray(panel, np.uint8)

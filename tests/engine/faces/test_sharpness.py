"""Sharpness falls with blur, and not with the light."""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.faces.sharpness import sharpness


def picture() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)


def test_each_stronger_blur_is_less_sharp() -> None:
    blurred = [sharpness(cv2.GaussianBlur(picture(), (0, 0), s)) for s in (0.5, 1, 2, 4)]
    assert sharpness(picture()) > blurred[0]
    assert blurred == sorted(blurred, reverse=True)


def test_less_light_is_about_as_sharp() -> None:
    dim = (picture() * 0.5 + 20).astype(np.uint8)
    assert abs(sharpness(dim) / sharpness(picture()) - 1) < 0.25


def test_only_the_middle_of_the_face_counts() -> None:
    framed = picture()
    framed[:50] = 0
    framed[:, -50:] = 255
    assert sharpness(framed) == sharpness(picture())


def test_an_even_surface_has_none() -> None:
    assert sharpness(np.full((256, 256, 3), 77, np.uint8)) == 0.0

"""Imported by the fork server of `engine.faces.searchers` alone: what it has loaded, the processes
that come from it have at once, and in the same memory."""

import contextlib

import engine.faces.scan  # noqa: F401 - its modules are wanted, not its names
from engine.faces.detectors import Hog
from engine.faces.models import ModelError, load_embedding_model, load_landmark_model

with contextlib.suppress(ModelError):  # who searches raises it, where it can be told
    load_landmark_model(None)
    load_embedding_model()
    Hog()

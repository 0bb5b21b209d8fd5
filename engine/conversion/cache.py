"""Results of a conversion's stages, kept in the workspace's cache under what they follow from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from projects import cache
from projects.errors import SwapdeckError
from projects.workspace import Workspace

Arrays = dict[str, npt.NDArray[np.generic]]


class Store(Protocol):
    """Keeps arrays by kind and key."""

    def load(self, kind: str, key: str) -> Arrays | None: ...

    def store(self, kind: str, key: str, arrays: Arrays) -> None: ...

    def discard(self, kind: str, key: str) -> None: ...


class Nothing:
    """Keeps nothing; for work that is measured, and for tests of what comes from elsewhere."""

    def load(self, kind: str, key: str) -> Arrays | None:
        return None

    def store(self, kind: str, key: str, arrays: Arrays) -> None:
        pass

    def discard(self, kind: str, key: str) -> None:
        pass


@dataclass(frozen=True)
class WorkspaceCache:
    """The cache of a workspace. What cannot be read is as if it were not there."""

    workspace: Workspace

    def load(self, kind: str, key: str) -> Arrays | None:
        data = cache.load(self.workspace, kind, key)
        if data is None:
            return None
        try:
            return dict(load_arrays(data))
        except (SafetensorError, ValueError):
            return None

    def store(self, kind: str, key: str, arrays: Arrays) -> None:
        """Raises SwapdeckError on a full disk."""
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        cache.store(self.workspace, kind, key, save_arrays(whole))

    def discard(self, kind: str, key: str) -> None:
        cache.discard(self.workspace, kind, key)


def keep(store: Store, kind: str, key: str, arrays: Arrays) -> None:
    """Store what is only kept to save time: where there is no room for it, it is not."""
    try:
        store.store(kind, key, arrays)
    except SwapdeckError:
        store.discard(kind, key)


def key_of(*parts: Any) -> str:
    """A key for what follows from `parts`: JSON values, bytes, paths and arrays."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update(json.dumps(part, sort_keys=True, default=_plain).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:40]


def text_array(text: str) -> npt.NDArray[np.generic]:
    """A text as an array that can be stored."""
    return np.frombuffer(text.encode(), np.uint8).copy()


def text_of(array: npt.NDArray[np.generic]) -> str:
    """The text of `text_array`."""
    return array.astype(np.uint8).tobytes().decode(errors="replace")


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a key")

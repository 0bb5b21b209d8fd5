"""Where everybody's faces are in a source: from the cache, from an extraction, or by a search."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.conversion.cache import Nothing, Store, keep, key_of, text_array, text_of
from engine.conversion.extracted import extracted
from engine.conversion.followed import with_motion
from engine.conversion.search import Eyes, search
from engine.conversion.settings import ConvertSettings
from engine.conversion.tracks import Seen
from engine.faces.scan import VERSION as SEARCH_VERSION
from engine.media import probe
from engine.media.pictures import list_pictures
from engine.reporting import Reporter
from projects.files import sha256_file
from projects.workspace import Workspace

_VERSION: Final = 2
"""Of what is stored here; what another version stored is not looked at."""


@dataclass(frozen=True)
class Found:
    """Everybody in a source. how: "cache", "extraction" or "search". digest: the SHA-256 of the
    source's bytes; of a folder's pictures, of all of them together."""

    seen: Seen
    how: str
    digest: str


def find_faces(
    source: Path,
    settings: ConvertSettings,
    reporter: Reporter,
    *,
    eyes: Eyes | None = None,
    workspace: Workspace | None = None,
    store: Store | None = None,
) -> Found:
    """Search a source only where nobody has, and keep what was found.

    workspace: where an extraction may have found the faces already.
    Raises MediaError, ModelError, StopRequested.
    """
    store = store or Nothing()
    digest = digest_of(source)
    key = faces_key(digest, settings)
    known = load_faces(store, key)
    if known is not None:
        return Found(known, "cache", digest)
    if workspace is not None and eyes is None:
        there = extracted(workspace, digest, settings.landmark_model, settings.upsample)
        if there is not None:
            there = with_motion(source, there)
            _keep(store, key, there)
            return Found(there, "extraction", digest)
    seen = search(source, eyes or eyes_for(settings), reporter)
    _keep(store, key, seen)
    return Found(seen, "search", digest)


def _keep(store: Store, key: str, seen: Seen) -> None:
    keep(store, "faces", key, {**seen.arrays(), "shortfall": text_array(seen.shortfall or " ")})


def known_faces(
    source: Path, settings: ConvertSettings, workspace: Workspace, store: Store
) -> Seen | None:
    """What `find_faces` would give without any search, perhaps without how faces move; None where
    it would search."""
    digest = digest_of(source)
    known = load_faces(store, faces_key(digest, settings))
    return known or extracted(workspace, digest, settings.landmark_model, settings.upsample)


def load_faces(store: Store, key: str) -> Seen | None:
    arrays = store.load("faces", key)
    if arrays is None:
        return None
    try:
        shortfall = text_of(arrays["shortfall"]).strip()
        return Seen.from_arrays(arrays, shortfall)
    except (KeyError, ValueError, IndexError):
        return None


def faces_key(digest: str, settings: ConvertSettings) -> str:
    """Under what the faces of a source are kept."""
    model = settings.landmark_model
    return key_of(
        _VERSION,
        SEARCH_VERSION,
        digest,
        None if model is None else sha256_file(model),
        settings.upsample,
    )


def eyes_for(settings: ConvertSettings) -> Eyes:
    """The installed models, or the one that was chosen."""
    return Eyes.installed(settings.landmark_model, settings.upsample)


def digest_of(source: Path) -> str:
    """The SHA-256 of a source's bytes; of a folder's pictures, of all of theirs in order."""
    if probe(source).kind != "images":
        return sha256_file(source)
    pictures = list_pictures(source)
    return key_of([[path.name, sha256_file(path)] for path in pictures])

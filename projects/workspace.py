"""The workspace: the folder that holds people, swaps, jobs and the trash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import inside, read_errors, remove_tree, sweep, write_errors
from projects.names import printable
from projects.texts import check_version, read_json, versioned_toml, write_json, write_text

VERSION = 1
_FILE = "swapdeck.toml"
_FOLDERS = ("people", "swaps", "bases", "jobs", "trash")
_ORIGIN = "trash.json"


@dataclass(frozen=True)
class Workspace:
    root: Path

    @property
    def people(self) -> Path:
        return self.root / "people"

    @property
    def swaps(self) -> Path:
        return self.root / "swaps"

    @property
    def bases(self) -> Path:
        return self.root / "bases"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def trash(self) -> Path:
        return self.root / "trash"


def now() -> str:
    """The present as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def default_root() -> Path:
    """$SWAPDECK_WORKSPACE, else ~/swapdeck."""
    try:
        chosen = os.environ.get("SWAPDECK_WORKSPACE")
        return Path(chosen).expanduser().absolute() if chosen else Path.home() / "swapdeck"
    except RuntimeError as error:
        raise CommandError(
            "Your home folder is not known here. Say where the workspace is with --workspace or "
            "SWAPDECK_WORKSPACE."
        ) from error


def is_writable(root: Path) -> bool:
    """Whether the workspace at `root` can be changed, or made where there is none yet."""
    place = next((one for one in (root, *root.parents) if os.path.lexists(one)), root)
    return os.access(place, os.W_OK | os.X_OK)


def is_workspace(root: Path) -> bool:
    """Whether a workspace was started at `root`; whether it can be used is another question."""
    return os.path.lexists(root / _FILE)


def open_workspace(root: Path, *, create: bool = False, readonly: bool = False) -> Workspace:
    """The workspace at `root`; with `create`, a new one where there is nothing yet.

    With `readonly` nothing is made, and it need not be writable; its folders may then be missing.

    Raises:
        CommandError: `root` is not a workspace, or is something else.
        NewerVersionError, DamagedError: its swapdeck.toml.
        SwapdeckError: it is locked or read-only.
    """
    root = Path(root).absolute()
    shown = printable(str(root))
    _check_folder(root, shown, create)
    marker = root / _FILE
    if not os.path.lexists(marker):
        _start(root, shown, create)
    versioned_toml(marker, VERSION)
    if readonly:
        for name in _FOLDERS:
            inside(root, name)
        return Workspace(root)
    if not os.access(root, os.W_OK):
        with write_errors(root / _FOLDERS[0]):
            _raise_unwritable(root)
    for name in _FOLDERS:
        folder = inside(root, name)
        with write_errors(folder):
            folder.mkdir(exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise SwapdeckError(
                f"You have no permission to use {folder}. Change its owner or its permissions."
            )
    return Workspace(root)


def move_to_trash(ws: Workspace, path: Path, beside: Path | None = None) -> Path:
    """Move a file or folder of the workspace to the trash, in one rename; its path there.

    `beside` is a file of the same folder that belongs to `path` and comes and goes with it: it
    goes first and comes back last.

    Raises:
        CommandError: `path` is not in the workspace, or is gone.
    """
    relative = _relative(ws, path)
    if beside is not None and beside.parent != path.parent:
        raise ValueError(f"{beside} is not beside {path}")
    if not os.path.lexists(path):
        raise CommandError(f"{path} is not there any more. There is nothing to remove.")
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    with write_errors(ws.trash):
        for place in (ws.trash, *ws.trash.iterdir()):  # what a killed removal left
            sweep(place)
        for number in range(1, 10_000):
            place = ws.trash / (f"{stamp}-{path.name}" + (f"-{number}" if number > 1 else ""))
            try:
                place.mkdir()
                break
            except FileExistsError:
                continue
        try:
            record = {"version": VERSION, "from": str(relative), "removed": now()}
            if beside is not None and os.path.lexists(beside):
                write_json(place / _ORIGIN, {**record, "beside": beside.name})
                beside.rename(place / beside.name)
            else:
                write_json(place / _ORIGIN, record)
            path.rename(place / path.name)
        except BaseException:
            if not os.path.lexists(place / path.name):
                if beside is not None and os.path.lexists(place / beside.name):
                    (place / beside.name).rename(beside)
                remove_tree(place)
            raise
    return place / path.name


def restore_from_trash(ws: Workspace, trashed: Path) -> Path:
    """Move what `move_to_trash` returned back to where it was; that path.

    Raises:
        CommandError: something else is there now, or `trashed` is not in the trash.
        DamagedError: the record of where it came from.
    """
    place = trashed.parent
    if place.parent != ws.trash or not os.path.lexists(trashed):
        raise CommandError(f"{trashed} is not in the trash of this workspace.")
    record = place / _ORIGIN
    document = read_json(record)
    check_version(record, document, VERSION)
    if not isinstance(document.get("from"), str):
        raise DamagedError(f"{record} does not say where {trashed.name} was. Move it by hand.")
    origin = inside(ws.root, document["from"])
    if os.path.lexists(origin):
        raise CommandError(
            f"{origin} exists again. Remove or rename it first, then restore {trashed.name}."
        )
    beside = document.get("beside")
    with write_errors(origin):
        trashed.rename(origin)
        if isinstance(beside, str) and (place / beside).is_file():
            back = inside(origin.parent, beside)
            if not os.path.lexists(back):
                (place / beside).rename(back)
    remove_tree(place)
    return origin


def list_trash(ws: Workspace) -> list[Path]:
    """What can be restored, the last removed first; each as `move_to_trash` returned it."""
    found = []
    with read_errors(ws.trash):
        for place in sorted(ws.trash.iterdir(), reverse=True):
            if place.is_dir():
                found += [entry for entry in place.iterdir() if entry.name not in _beside(place)]
    return found


def _beside(place: Path) -> set[str]:
    """What in a place of the trash is no thing by itself."""
    try:
        beside = read_json(place / _ORIGIN).get("beside")
    except (SwapdeckError, AttributeError):
        beside = None
    return {_ORIGIN, beside} if isinstance(beside, str) else {_ORIGIN}


def _check_folder(root: Path, shown: str, create: bool) -> None:
    try:
        if root.is_dir():
            if not os.access(root, os.R_OK | os.X_OK):
                raise SwapdeckError(
                    f"The folder {shown} is locked: you have no permission to read it. Change "
                    "its owner or its permissions, or choose another workspace."
                )
            return
        exists = os.path.lexists(root)
    except PermissionError as error:
        raise SwapdeckError(
            f"You have no permission to look into {printable(str(root.parent))}. Change its "
            "permissions, or choose another workspace."
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{shown} cannot be the path of a workspace ({error}).") from error
    if exists:
        raise CommandError(f"{shown} is not a folder. Choose a folder with --workspace.")
    if not create:
        raise CommandError(
            f"There is no workspace at {shown}. Check --workspace and SWAPDECK_WORKSPACE, or "
            "start one there with: swapdeck person add NAME"
        )
    with write_errors(root):
        root.mkdir(parents=True, exist_ok=True)


def _start(root: Path, shown: str, create: bool) -> None:
    with read_errors(root):
        others = sorted(e.name for e in root.iterdir() if not e.name.startswith("."))
    if any(name not in _FOLDERS for name in others) or (others and not create):
        raise CommandError(
            f"{shown} is not a workspace: it has no {_FILE}, but it holds other things. Choose "
            "the workspace's own folder, or an empty one to start a new workspace in."
        )
    if not create:
        raise CommandError(
            f"{shown} is not a workspace: it is empty. Check --workspace and SWAPDECK_WORKSPACE, "
            "or start one there with: swapdeck person add NAME"
        )
    write_text(
        root / _FILE,
        f'# This folder is a swapdeck workspace.\nversion = {VERSION}\ncreated = "{now()}"\n',
    )


def _raise_unwritable(root: Path) -> None:
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        raise SwapdeckError(
            f"The workspace {root} is on a disk that is mounted read-only. Mount it for writing, "
            "or copy the workspace to another disk."
        )
    raise SwapdeckError(
        f"The workspace {root} is read-only for you. Change its owner or its permissions "
        f"(chmod u+w {root}), or copy it to a folder of yours."
    )


def _relative(ws: Workspace, path: Path) -> Path:
    try:
        relative = path.relative_to(ws.root)
    except ValueError:
        relative = Path()
    if len(relative.parts) < 2 or ".." in relative.parts or relative.parts[0] == "trash":
        raise CommandError(f"{path} is not something in this workspace that can be removed.")
    inside(ws.root, str(relative.parent))
    return relative

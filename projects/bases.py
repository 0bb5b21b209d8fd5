"""Base models of a workspace: bases/NAME with base.toml, its checkpoints and its history.

A base knows many people and swaps nobody: swaps begin with its weights instead of random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from projects import ledger
from projects.documents import field
from projects.errors import CommandError, SwapdeckError
from projects.files import folder_replacing, inside, slug, versioned_toml, write_toml
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.workspace import Workspace, move_to_trash, now

VERSION = 1
FOLDER = "bases"
AUTO, NONE = "auto", "none"
"""The shipped base of a preset where there is one, and no base at all: no base is called so."""
_FILE = "base.toml"


@dataclass(frozen=True)
class Base:
    root: Path
    slug: str
    name: str
    preset: str
    seed: int
    people: tuple[str, ...]  # slugs of the workspace's people that it is trained on
    crowd: int  # synthetic people that it is trained on besides
    steps: int  # that its training is to have, since the learning rate falls towards its end
    created: str

    @property
    def checkpoints_dir(self) -> Path:
        return self.root / "checkpoints"

    @property
    def history_path(self) -> Path:
        return self.root / "history.jsonl"


def new_base(
    ws: Workspace,
    name: str,
    *,
    preset: str,
    seed: int,
    people: Sequence[str],
    crowd: int,
    steps: int,
) -> Base:
    """A new base's folder, complete or absent.

    Raises:
        CommandError: a name that cannot be used or is taken, nobody to learn from.
    """
    name = clean_name(name, "base's name")
    if slug(name) in (AUTO, NONE):
        raise CommandError(f"A base cannot be called '{name}'. Choose another name.")
    if len(people) + crowd < 2:
        raise CommandError("A base needs at least two people. Name more, or raise --crowd.")
    root = inside(_folder(ws), slug(name))
    base = Base(root, root.name, name, preset, seed, tuple(people), crowd, steps, now())
    taken = f"There is already a base in the folder '{base.slug}'. Choose another name."
    if root.exists():
        raise CommandError(taken)
    root.parent.mkdir(exist_ok=True)
    try:
        with folder_replacing(root, replace=False) as temporary:
            (temporary / "checkpoints").mkdir()
            write_toml(
                temporary / _FILE,
                {
                    "version": VERSION,
                    "name": name,
                    "preset": preset,
                    "seed": seed,
                    "people": list(people),
                    "crowd": crowd,
                    "steps": steps,
                    "created": base.created,
                },
            )
    except CommandError as error:  # somebody made the same base meanwhile
        raise CommandError(taken) from error
    return base


def get_base(ws: Workspace, name: str) -> Base:
    """The base called `name`. Raises CommandError, which lists what there is, and DamagedError."""
    root = inside(_folder(ws), slug(name))
    if root.is_dir():
        return load_base(root)
    known = ", ".join(folder.name for folder in _folders(ws)) or "none yet"
    raise CommandError(
        f"There is no base called '{printable(name)}'. There is: {known}. Make one with: "
        "swapdeck pretrain NAME"
    )


def list_bases(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Base]:
    """Every base, in the order of their folders; `problems` as for `list_people`."""
    return load_all(_folders(ws), load_base, problems)


def load_base(root: Path) -> Base:
    """The base in the folder `root`. Raises DamagedError, NewerVersionError."""
    path = root / _FILE
    document = versioned_toml(path, VERSION)
    for part in ("checkpoints", "history.jsonl"):
        inside(root, part)
    return Base(
        root,
        root.name,
        printable(field(path, document, "name", str)) or root.name,
        field(path, document, "preset", str),
        field(path, document, "seed", int),
        tuple(slug(str(one)) for one in field(path, document, "people", list)),
        field(path, document, "crowd", int),
        field(path, document, "steps", int),
        str(document.get("created", "")),
    )


def remove_base(ws: Workspace, base: Base) -> Path:
    """Move the base to the trash; the path there."""
    trashed = move_to_trash(ws, base.root)
    ledger.append(
        ws,
        "removal",
        base=base.slug,
        people=list(base.people),
        trash=trashed.relative_to(ws.root),
    )
    return trashed


def _folders(ws: Workspace) -> list[Path]:
    # Most workspaces have no bases, and those of before had no place for them.
    return folders(_folder(ws)) if _folder(ws).is_dir() else []


def _folder(ws: Workspace) -> Path:
    return ws.root / FOLDER

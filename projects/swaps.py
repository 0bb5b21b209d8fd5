"""Swap projects: a source person, a target person, a model preset, and what was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from projects import ledger
from projects.consent import require
from projects.documents import field, update
from projects.errors import CommandError, RefusedError, SwapdeckError
from projects.files import (
    folder_replacing,
    inside,
    slug,
    versioned_toml,
    without_none,
    write_toml,
)
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.people import Person, get_person
from projects.workspace import Workspace, move_to_trash, now

VERSION = 1
_FILE = "swap.toml"
_FOLDERS = ("checkpoints", "previews", "results")
_WRITTEN = ("history.jsonl", "scores.jsonl", "runs.jsonl", "tensorboard")
"""What a training adds, which must not lead out of the folder either."""
_CHANGEABLE = {"name", "preset", "seed", "settings", "fingerprints"}


@dataclass(frozen=True)
class Swap:
    root: Path
    slug: str
    name: str
    source: str  # slug of the person whose face will be seen
    target: str  # slug of the person whose footage is altered
    preset: str
    seed: int
    settings: dict[str, Any]  # what differs from the preset's defaults
    fingerprints: dict[str, str]  # of the datasets that it was trained on
    created: str

    @property
    def checkpoints_dir(self) -> Path:
        return self.root / "checkpoints"

    @property
    def previews_dir(self) -> Path:
        return self.root / "previews"

    @property
    def results_dir(self) -> Path:
        return self.root / "results"

    @property
    def history_path(self) -> Path:
        return self.root / "history.jsonl"


def new_swap(
    ws: Workspace,
    name: str | None,
    source: str | Person,
    target: str | Person,
    *,
    preset: str,
    seed: int,
    settings: Mapping[str, Any],
    fingerprints: Mapping[str, str] | None = None,
    fill: Callable[[Path], None] | None = None,
) -> Swap:
    """A new swap's folder, complete or absent. Without a name it is SOURCE-as-TARGET.

    `fill` may write more into the folder before it gets its name.

    Raises:
        CommandError: an unknown person, one person twice, a name that cannot be used or is taken.
    """
    people = [p if isinstance(p, Person) else get_person(ws, p) for p in (source, target)]
    if people[0].slug == people[1].slug:
        raise CommandError(
            f"Source and target are both '{people[0].name}'. A swap needs two people."
        )
    name = clean_name(name, "swap's name") if name else f"{people[0].slug}-as-{people[1].slug}"
    root = inside(ws.swaps, slug(name))
    swap = Swap(
        root,
        root.name,
        name,
        people[0].slug,
        people[1].slug,
        preset,
        seed,
        without_none(settings),
        dict(fingerprints or {}),
        now(),
    )
    _check_seed(seed)
    taken = (
        f"There is already a swap in the folder '{swap.slug}'. Choose another name for this one, "
        f"or remove that one with: swapdeck swap remove {swap.slug}"
    )
    if root.exists():
        raise CommandError(taken)
    try:
        with folder_replacing(root, replace=False) as temporary:
            for folder in _FOLDERS:
                (temporary / folder).mkdir()
            write_toml(
                temporary / _FILE,
                {
                    "version": VERSION,
                    "name": name,
                    "source": swap.source,
                    "target": swap.target,
                    "preset": preset,
                    "seed": seed,
                    "created": swap.created,
                    "settings": swap.settings,
                    "fingerprints": swap.fingerprints,
                },
            )
            if fill is not None:
                fill(temporary)
    except CommandError as error:  # somebody made the same swap meanwhile
        raise CommandError(taken) from error
    return swap


def get_swap(ws: Workspace, name: str) -> Swap:
    """The swap called `name`, or whose folder is called so.

    Raises:
        CommandError: there is none; the sentence lists which there are.
        DamagedError: its swap.toml.
    """
    root = inside(ws.swaps, slug(name))
    if root.is_dir():
        return load_swap(root)
    known = ", ".join(folder.name for folder in folders(ws.swaps)) or "none yet"
    raise CommandError(
        f"There is no swap called '{printable(name)}'. There is: {known}. Make one with: "
        "swapdeck swap new"
    )


def list_swaps(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Swap]:
    """Every swap, in the order of their folders; `problems` as for `list_people`."""
    return load_all(folders(ws.swaps), load_swap, problems)


def load_swap(root: Path) -> Swap:
    """The swap in the folder `root`.

    Raises:
        DamagedError, NewerVersionError: the swap.toml.
        CommandError: a symbolic link leads out of the folder.
    """
    path = root / _FILE
    document = versioned_toml(path, VERSION)
    for name in (*_FOLDERS, *_WRITTEN):
        inside(root, name)
    fingerprints = field(path, {"fingerprints": {}, **document}, "fingerprints", dict)
    return Swap(
        root,
        root.name,
        printable(field(path, document, "name", str)) or root.name,
        slug(field(path, document, "source", str)),
        slug(field(path, document, "target", str)),
        field(path, document, "preset", str),
        field(path, document, "seed", int),
        field(path, {"settings": {}, **document}, "settings", dict),
        {str(k): str(v) for k, v in fingerprints.items()},
        str(document.get("created", "")),
    )


def update_swap(swap: Swap, **changes: Any) -> Swap:
    """Change name, preset, seed, settings or fingerprints; comments in the file are kept.

    `settings` and `fingerprints` are replaced whole. The folder keeps its name.
    """
    if unknown := changes.keys() - _CHANGEABLE:
        raise ValueError(f"a swap's {', '.join(sorted(unknown))} cannot be changed")
    if "name" in changes:
        changes["name"] = clean_name(changes["name"], "swap's name")
    if "seed" in changes:
        _check_seed(changes["seed"])
    if "settings" in changes:
        changes["settings"] = without_none(changes["settings"])
    update(swap.root / _FILE, VERSION, changes)
    return replace(swap, **changes)


def replace_person(swap: Swap, old: str, new: str) -> Swap:
    """Let `new` stand where the person with the slug `old` stood; comments are kept."""
    source, target = (new if side == old else side for side in (swap.source, swap.target))
    update(swap.root / _FILE, VERSION, {"source": source, "target": target})
    return replace(swap, source=source, target=target)


def remove_swap(ws: Workspace, swap: Swap) -> Path:
    """Move the swap, with its checkpoints and results, to the trash; the path there."""
    trashed = move_to_trash(ws, swap.root)
    ledger.append(
        ws,
        "removal",
        swap=swap.slug,
        people=[swap.source, swap.target],
        trash=trashed.relative_to(ws.root),
    )
    return trashed


def people_of(ws: Workspace, swap: Swap) -> list[Person]:
    """The swap's source person and its target person.

    Raises:
        RefusedError: one of them is not here or cannot be read, so nobody knows of a consent; or
            somebody else of the same name was added since.
    """
    people = []
    for slug_ in (swap.source, swap.target):
        try:
            person = get_person(ws, slug_)
        except SwapdeckError as error:
            raise RefusedError(
                f"{swap.name} is made of '{slug_}', of whom there is no consent record that can "
                f"be read here. {error}"
            ) from error
        if swap.created and person.created > swap.created:  # ISO 8601 in UTC, both written here
            raise RefusedError(
                f"{person.name} was added on {person.created}, after {swap.name} was made of "
                f"somebody of that name on {swap.created}, whose consent is not here. Make a new "
                "swap with: swapdeck swap new"
            )
        people.append(person)
    return people


def require_consent(ws: Workspace, swap: Swap, use: str) -> None:
    """Raise RefusedError unless both people of the swap have a consent that covers `use` now."""
    for person in people_of(ws, swap):
        require(person, use)


def swaps_of(ws: Workspace, person: Person) -> list[Swap]:
    """The readable swaps in which `person` is source or target."""
    return [s for s in list_swaps(ws, problems=[]) if person.slug in (s.source, s.target)]


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise CommandError(f"The seed {seed} is out of range. Use a whole number from 0 up.")

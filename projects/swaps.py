"""Swap projects: a source person, a target person, a model preset, and what was trained.

More people may share the encoder. Whoever shares it, or is in the weights that the model began
with, is one of the swap's people, as source and target are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from projects import ledger
from projects.consent import require
from projects.documents import field, update
from projects.errors import CommandError, SwapdeckError
from projects.files import folder_replacing, inside, slug
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.people import Person, get_person, people_in_model
from projects.starts import TABLE, Start, read_start, slugs
from projects.texts import versioned_toml, without_none, write_toml
from projects.workspace import Workspace, move_to_trash, now

VERSION = 2  # 1 knew of two people only, and asked nobody else for consent
_FILE = "swap.toml"
_FOLDERS = ("checkpoints", "previews", "results")
_WRITTEN = ("history.jsonl", "scores.jsonl", "runs.jsonl", "tensorboard")
"""What a training adds, which must not lead out of the folder either."""
_ALSO = "also-"
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
    others: tuple[str, ...] = ()  # slugs of further people who share the encoder
    start: Start | None = None  # None where it began with random weights

    @property
    def roles(self) -> dict[str, str]:
        """Who is trained, by the role: source, target, also-1, also-2, …

        The roles name parts of the model, so they stay when somebody is merged with another.
        """
        also = {f"{_ALSO}{number}": who for number, who in enumerate(self.others, 1)}
        return {"source": self.source, "target": self.target, **also}

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whose face is in the model, source and target first."""
        began = self.start.people if self.start is not None else ()
        return tuple(dict.fromkeys((self.source, self.target, *self.others, *began)))

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
    others: Sequence[str | Person] = (),
    start: Start | None = None,
    fill: Callable[[Path], None] | None = None,
) -> Swap:
    """A new swap's folder, complete or absent. Without a name it is SOURCE-as-TARGET.

    `others` share the encoder. `fill` may write more into the folder before it gets its name, such
    as the checkpoint that `start` tells of.

    Raises:
        CommandError: an unknown person, one person twice, a name that cannot be used or is taken.
    """
    asked = (source, target, *others)
    people = [p if isinstance(p, Person) else get_person(ws, p) for p in asked]
    _check_distinct(people)
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
        tuple(person.slug for person in people[2:]),
        start,
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
                    **({"others": list(swap.others)} if swap.others else {}),
                    "preset": preset,
                    "seed": seed,
                    "created": swap.created,
                    "settings": swap.settings,
                    "fingerprints": swap.fingerprints,
                    **({TABLE: start.table()} if start is not None else {}),
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
        slugs(path, document, "others"),
        read_start(path, document),
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
    source, target, *others = (new if who == old else who for who in swap.roles.values())
    changes: dict[str, Any] = {"source": source, "target": target}
    if swap.others:
        changes["others"] = others
    start = swap.start
    if start is not None:
        started = (new if who == old else who for who in start.people)
        start = replace(start, people=tuple(dict.fromkeys(started)))
        changes[TABLE] = start.table()
    update(swap.root / _FILE, VERSION, changes)
    return replace(swap, source=source, target=target, others=tuple(others), start=start)


def set_start(swap: Swap, start: Start | None) -> Swap:
    """Write down with what the model begins; comments in the file are kept."""
    update(swap.root / _FILE, VERSION, {TABLE: None if start is None else start.table()})
    return replace(swap, start=start)


def remove_swap(ws: Workspace, swap: Swap) -> Path:
    """Move the swap, with its checkpoints and results, to the trash; the path there."""
    trashed = move_to_trash(ws, swap.root)
    ledger.append(
        ws,
        "removal",
        swap=swap.slug,
        people=list(swap.people),
        trash=trashed.relative_to(ws.root),
    )
    return trashed


def people_of(ws: Workspace, swap: Swap) -> list[Person]:
    """Everybody whose face is in the swap's model: source, target, and whoever else there is.

    Raises:
        RefusedError: one of them is not here or cannot be read, so nobody knows of a consent; or
            somebody else of the same name was added since.
    """
    return people_in_model(
        ws,
        swap.people,
        swap.created or None,
        made_of=f"{swap.name} is made of",
        model=swap.name,
        again="Make a new swap with: swapdeck swap new",
    )


def use_of(swap: Swap, person: Person, use: str) -> str:
    """What a person of the swap must have agreed to for `use` of its model.

    Who only shares the encoder is never seen in a conversion: of them it takes what they gave to
    the training. Whose decoder the model may have begun with may be seen.
    """
    seen = {swap.source, swap.target, *(swap.start.people if swap.start is not None else ())}
    return "training" if use == "conversion" and person.slug not in seen else use


def require_consent(ws: Workspace, swap: Swap, use: str) -> None:
    """Raise RefusedError unless all people of the swap have a consent that covers `use` now; see
    `use_of`."""
    for person in people_of(ws, swap):
        require(person, use_of(swap, person, use))


def swaps_of(ws: Workspace, person: Person) -> list[Swap]:
    """The readable swaps whose model has the face of `person` in it, in any role."""
    return [s for s in list_swaps(ws, problems=[]) if person.slug in s.people]


def _check_distinct(people: Sequence[Person]) -> None:
    source, target = people[:2]
    if source.slug == target.slug:
        raise CommandError(f"Source and target are both '{source.name}'. A swap needs two people.")
    for number, person in enumerate(people):
        if person.slug in {before.slug for before in people[:number]}:
            raise CommandError(f"'{person.name}' is in this swap twice. Name everybody once.")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**63:
        raise CommandError(f"The seed {seed} is out of range. Use a whole number from 0 up.")

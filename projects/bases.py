"""Base models of a workspace: bases/NAME with base.toml, its checkpoints and its history.

A base knows many people and swaps nobody: swaps begin with its weights instead of random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from projects import ledger
from projects.checkpoints import MANIFEST, newest, steps
from projects.documents import field, update
from projects.errors import CommandError, SwapdeckError
from projects.files import folder_replacing, inside, sha256_file, slug
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.people import Person, people_in_model
from projects.starts import Start
from projects.swaps import Swap, set_start
from projects.texts import versioned_toml, write_toml
from projects.training_options import values_of
from projects.workspace import Workspace, move_to_trash, now

VERSION = 1
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
    root = inside(ws.bases, slug(name))
    base = Base(root, root.name, name, preset, seed, tuple(people), crowd, steps, now())
    taken = f"There is already a base in the folder '{base.slug}'. Choose another name."
    if root.exists():
        raise CommandError(taken)
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
    root = inside(ws.bases, slug(name))
    if root.is_dir():
        return load_base(root)
    known = ", ".join(folder.name for folder in folders(ws.bases)) or "none yet"
    raise CommandError(
        f"There is no base called '{printable(name)}'. There is: {known}. Make one with: "
        "swapdeck pretrain NAME"
    )


def list_bases(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Base]:
    """Every base, in the order of their folders; `problems` as for `list_people`."""
    return load_all(folders(ws.bases), load_base, problems)


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


def people_in_base(ws: Workspace, base: Base) -> list[Person]:
    """The people of the workspace that the base is trained on. Raises RefusedError as `people_of`
    of a swap does."""
    return people_in_model(
        ws,
        base.people,
        base.created or None,
        made_of=f"The base {base.name} is made of",
        model=f"the base {base.name}",
        again="Make a new base with: swapdeck pretrain NAME",
    )


def bases_of(ws: Workspace, person: Person) -> list[Base]:
    """The readable bases that were, or are to be, trained on the person's faces."""
    return [base for base in list_bases(ws, problems=[]) if person.slug in base.people]


def replace_in_base(base: Base, old: str, new: str) -> None:
    """Let `new` stand where the person with the slug `old` stood; comments are kept."""
    people = dict.fromkeys(new if who == old else who for who in base.people)
    update(base.root / _FILE, VERSION, {"people": list(people)})


def write_down_start(ws: Workspace, swap: Swap) -> Swap:
    """The swap, its swap.toml saying which base of the workspace its first training begins with.

    Whoever is in that base is one of the swap's people from then on. A swap that has weights
    already stays as it is. Raises CommandError and DamagedError as `get_base`.
    """
    if steps(swap.checkpoints_dir):
        return swap
    name = str(values_of(swap.preset, swap.settings)["base"])
    start = None if name in (AUTO, NONE) else _start(get_base(ws, name))
    return swap if start == swap.start else set_start(swap, start)


def _start(base: Base) -> Start | None:
    checkpoint, _ = newest(base.checkpoints_dir)
    if checkpoint is None:  # whoever wants its weights says what to do
        return None
    digest = sha256_file(checkpoint / MANIFEST)
    return Start(f"bases/{base.slug}", int(checkpoint.name), digest, base.people)


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

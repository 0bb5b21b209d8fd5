"""People: a folder each, with a name, a consent record, sources and a dataset of faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from projects.consent import Consent, from_table, to_table
from projects.documents import field, update
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.files import folder_replacing, inside, slug, versioned_toml, write_toml
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.workspace import Workspace, move_to_trash, now

VERSION = 1
_FILE = "person.toml"


@dataclass(frozen=True)
class Person:
    root: Path
    slug: str
    name: str
    consent: Consent
    created: str

    @property
    def sources_dir(self) -> Path:
        return self.root / "sources"

    @property
    def faces_dir(self) -> Path:
        return self.root / "faces"

    @property
    def index_path(self) -> Path:
        return self.root / "faces.sqlite"


def add_person(ws: Workspace, name: str, consent: Consent) -> Person:
    """A new person's folder, complete or absent.

    Raises:
        CommandError: the name cannot be used, somebody has it, or the consent is incomplete.
    """
    name = clean_name(name, "person's name")
    folder = slug(name)
    consent.validate()
    root = inside(ws.people, folder)
    if root.exists():
        raise CommandError(_taken(ws, name, folder))
    created = now()
    try:
        with folder_replacing(root, replace=False) as temporary:
            (temporary / "sources").mkdir()
            (temporary / "faces").mkdir()
            write_toml(
                temporary / _FILE,
                {
                    "version": VERSION,
                    "name": name,
                    "created": created,
                    "consent": to_table(consent),
                },
            )
    except CommandError as error:  # somebody added the same name meanwhile
        raise CommandError(_taken(ws, name, folder)) from error
    return Person(root, folder, name, consent, created)


def get_person(ws: Workspace, name: str) -> Person:
    """The person called `name`, or whose folder is called so.

    Raises:
        CommandError: there is none; the sentence lists who there is.
        DamagedError: their person.toml.
    """
    root = inside(ws.people, slug(name))
    if root.is_dir():
        return load_person(root)
    known = ", ".join(folder.name for folder in folders(ws.people)) or "nobody yet"
    raise CommandError(
        f"There is no person called '{printable(name)}'. There is: {known}. Add somebody with: "
        "swapdeck person add NAME"
    )


def list_people(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Person]:
    """Everybody, in the order of their folders.

    Folders that cannot be read are put into `problems` when it is given; otherwise the first of
    them is raised.
    """
    return load_all(folders(ws.people), load_person, problems)


def load_person(root: Path) -> Person:
    """The person in the folder `root`.

    Raises:
        DamagedError, NewerVersionError: the person.toml.
        CommandError: a symbolic link leads out of the folder.
    """
    path = root / _FILE
    document = versioned_toml(path, VERSION)
    table = field(path, document, "consent", dict)
    try:
        consent = from_table(table)
    except CommandError as error:
        raise DamagedError(f"{path} needs correcting in an editor. {error}") from error
    for name in ("sources", "faces", "faces.sqlite"):
        inside(root, name)
    return Person(
        root,
        root.name,
        printable(field(path, document, "name", str)) or root.name,
        consent,
        str(document.get("created", "")),
    )


def set_consent(person: Person, consent: Consent) -> Person:
    """Replace the consent record; comments in the file are kept.

    Raises:
        CommandError: the consent is incomplete.
    """
    consent.validate()
    update(person.root / _FILE, VERSION, {"consent": to_table(consent)})
    return replace(person, consent=consent)


def remove_person(ws: Workspace, person: Person) -> Path:
    """Move the person, with sources and faces, to the trash; the path there."""
    return move_to_trash(ws, person.root)


def _taken(ws: Workspace, name: str, folder: str) -> str:
    try:
        existing = load_person(ws.people / folder).name
    except SwapdeckError:
        existing = folder
    same = "" if existing == name else f", and '{name}' would have the same folder '{folder}'"
    return f"There is already a person called '{existing}'{same}. Choose another name."

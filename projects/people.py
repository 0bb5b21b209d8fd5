"""People: a folder each, with a name, a consent record, sources and a dataset of faces."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from projects import ledger
from projects.consent import FILE, VERSION, Consent, State, in_document, read_consent, to_table
from projects.documents import field, update
from projects.errors import (
    CommandError,
    DamagedError,
    NewerVersionError,
    RefusedError,
    SwapdeckError,
)
from projects.files import folder_replacing, inside, locked, slug
from projects.listing import folders, load_all
from projects.names import clean_name, printable
from projects.texts import versioned_toml, write_toml
from projects.workspace import Workspace, move_to_trash, now


@dataclass(frozen=True)
class Person:
    root: Path
    slug: str
    name: str
    consent: Consent | None  # None when it is missing or damaged; ask projects.consent.require
    created: str
    damage: str = ""  # why the consent record cannot be read, as a sentence

    @property
    def basis(self) -> str:
        """The basis of the consent; "" without one that can be read."""
        return self.consent.basis if self.consent is not None else ""

    @property
    def consent_state(self) -> State:
        """Whether there is a consent that holds now."""
        if self.consent is not None:
            return self.consent.state()
        return "damaged" if self.damage else "missing"

    @property
    def consent_problem(self) -> str:
        """Why there is no consent that holds now, as a sentence; "" when there is."""
        if self.consent is not None:
            return self.consent.problem()
        return self.damage or "There is no consent record."

    @property
    def releases_dir(self) -> Path:
        return self.root / "consent"

    @property
    def sources_dir(self) -> Path:
        return self.root / "sources"

    @property
    def faces_dir(self) -> Path:
        return self.root / "faces"

    @property
    def index_path(self) -> Path:
        return self.root / "faces.sqlite"


def add_person(ws: Workspace, name: str, consent: Consent | None) -> Person:
    """A new person's folder, complete or absent, and an entry in the ledger.

    Without a consent, footage of the person can be brought in, and nothing be made from it.

    Raises:
        CommandError: the name cannot be used, somebody has it, or the consent is incomplete.
    """
    name = clean_name(name, "person's name")
    folder = slug(name)
    if consent is not None:
        consent.validate()
    root = inside(ws.people, folder)
    if root.exists() or _called(ws, folder) is not None:
        raise CommandError(_taken(ws, name, folder))
    created = now()
    try:
        with folder_replacing(root, replace=False) as temporary:
            (temporary / "sources").mkdir()
            (temporary / "faces").mkdir()
            write_toml(
                temporary / FILE,
                {
                    "version": VERSION,
                    "name": name,
                    "created": created,
                    "consent": None if consent is None else to_table(consent),
                },
            )
    except CommandError as error:  # somebody added the same name meanwhile
        raise CommandError(_taken(ws, name, folder)) from error
    ledger.append(ws, "consent", act="added", person=folder, consent=_values(consent))
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
    renamed = _called(ws, root.name)
    if renamed is not None:
        return renamed
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
    """The person in the folder `root`, also when their consent record is missing or damaged.

    Raises:
        DamagedError, NewerVersionError: the person.toml.
        CommandError: a symbolic link leads out of the folder.
    """
    path = root / FILE
    document = versioned_toml(path, VERSION)
    consent, damage = None, ""
    try:
        consent = in_document(path, document)
    except DamagedError as error:
        damage = str(error)
    for name in ("sources", "faces", "faces.sqlite", "consent"):
        inside(root, name)
    return Person(
        root,
        root.name,
        printable(field(path, document, "name", str)) or root.name,
        consent,
        str(document.get("created", "")),
        damage,
    )


def rename_person(ws: Workspace, person: Person, name: str) -> Person:
    """Give the person another name. The folder keeps its own, by which swaps, jobs and the ledger
    know it; comments in the file are kept.

    Raises:
        CommandError: the name cannot be used, or somebody else has it.
    """
    name = clean_name(name, "person's name")
    folder = slug(name)
    with locked(ws.people):
        called = _called(ws, folder)
        elsewhere = folder != person.slug and inside(ws.people, folder).exists()
        if elsewhere or (called is not None and called.slug != person.slug):
            raise CommandError(_taken(ws, name, folder))
        if name == person.name:
            return person
        update(person.root / FILE, VERSION, {"name": name})
        ledger.append(ws, "renaming", person=person.slug, before=person.name, name=name)
    return replace(person, name=name)


def set_consent(person: Person, consent: Consent) -> Person:
    """Replace the consent record; see `change_consent`."""
    return change_consent(person, lambda _: consent)


def change_consent(
    person: Person, change: Callable[[Consent | None], Consent], act: str = "changed"
) -> Person:
    """Replace the consent record by what `change` makes of the one on the disk.

    Comments in the file are kept, the ledger gets an entry, and of two processes that change one
    record neither undoes the other.

    Raises:
        CommandError: the consent is incomplete; what `change` raises.
        SwapdeckError: the file cannot be read or written.
    """
    workspace = Workspace(person.root.parent.parent)
    with locked(workspace.people):
        try:
            before = read_consent(person.root)
        except NewerVersionError:
            raise
        except DamagedError:
            before = None
        consent = change(before)
        consent.validate()
        update(person.root / FILE, VERSION, {"consent": to_table(consent)})
        ledger.append(
            workspace,
            "consent",
            act=act if before is not None else "recorded",
            person=person.slug,
            consent=_values(consent),
        )
    return replace(person, consent=consent, damage="")


def remove_person(ws: Workspace, person: Person) -> Path:
    """Move the person, with sources and faces, to the trash; the path there."""
    trashed = move_to_trash(ws, person.root)
    ledger.append(ws, "removal", person=person.slug, trash=trashed.relative_to(ws.root))
    return trashed


def _values(consent: Consent | None) -> dict[str, object] | None:
    if consent is None:
        return None
    return {name: value for name, value in to_table(consent).items() if value is not None}


def _called(ws: Workspace, folder: str) -> Person | None:
    """Who was given a name that would have this folder."""
    for person in list_people(ws, []):
        with contextlib.suppress(CommandError):  # a name that was edited into something unusable
            if slug(person.name) == folder:
                return person
    return None


def _taken(ws: Workspace, name: str, folder: str) -> str:
    try:
        existing = load_person(ws.people / folder).name
    except SwapdeckError:
        called = _called(ws, folder)
        existing = folder if called is None else called.name
    same = "" if existing == name else f", and '{name}' would have the same folder '{folder}'"
    return f"There is already a person called '{existing}'{same}. Choose another name."


def people_in_model(
    ws: Workspace,
    slugs: Sequence[str],
    created: str | None,
    *,
    made_of: str,
    model: str,
    again: str,
) -> list[Person]:
    """The people whose faces are in a model that was made at `created`; None where nobody knows.

    made_of, model, again: words for a refusal: "X is made of", "X", and how to make another.

    Raises:
        RefusedError: one of them is not here or cannot be read, so nobody knows of a consent; or
            somebody else of the same name was added since.
    """
    people = []
    for slug_ in slugs:
        try:
            person = get_person(ws, slug_)
        except SwapdeckError as error:
            raise RefusedError(
                f"{made_of} '{slug_}', of whom there is no consent record that can be read here. "
                f"{error}"
            ) from error
        # ISO 8601 in UTC, both written here.
        if created is not None and person.created > created:
            raise RefusedError(
                f"{person.name} was added on {person.created}, after {model} was made of somebody "
                f"of that name on {created}, whose consent is not here. {again}"
            )
        people.append(person)
    return people

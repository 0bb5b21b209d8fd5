"""What can be done with a person, from the question to the work: forms, consequences, undo."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from projects import consent_options, extract_request, gather_request
from projects.consent import FORBIDDEN, Consent
from projects.consent_entry import add_with_consent, first_consent, record, withdraw
from projects.errors import CommandError
from projects.merging import Merge, merge, plan_merge
from projects.names import clean_name, slug
from projects.options import Option, Value
from projects.people import (
    Person,
    get_person,
    load_person,
    remove_person,
    rename_person,
    set_consent,
)
from projects.swaps import swaps_of
from projects.traces import Traces, made_from, put_in_trash, require_idle
from projects.workspace import Workspace, open_workspace, restore_from_trash
from tui.dialogs import Confirm
from tui.filepicker import PickFiles
from tui.forms import Form
from tui.services import Services
from tui.snapshot import PersonRow
from tui.text import clean, count, plural
from tui.traces_window import TracesWindow


def add(dashboard: Services, people: Sequence[PersonRow]) -> None:
    """Ask for a name and the consent, and add the person."""
    taken = {row.slug: row.name for row in people}

    def check(values: Mapping[str, Value]) -> None:
        name = clean_name(str(values["name"]), "person's name")
        if slug(name) in taken:
            raise CommandError(
                f"There is already a person called '{taken[slug(name)]}'. Choose another name."
            )
        _check_consent(consent_options.said_first(values))

    def work(values: Mapping[str, Value]) -> Person:
        said = consent_options.said_first(values)
        return add_with_consent(
            open_workspace(dashboard.root, create=True), str(values["name"]), said
        )

    def added(person: Person) -> None:
        dashboard.push_undo(f"the adding of {person.name}", partial(_away, dashboard, person.slug))
        holds = "" if person.consent else ", without a consent yet"
        key = dashboard.keys_of("next-step")
        dashboard.say(f"Added {clean(person.name)}{holds}. {key} does what comes next.")

    def answered(values: dict[str, Value] | None) -> None:
        if values is not None:
            dashboard.do(partial(work, values), added)

    dashboard.push_screen(
        Form("Add a person", consent_options.OPTIONS, check=check, note=FORBIDDEN), answered
    )


def edit(dashboard: Services, row: PersonRow) -> None:
    """Ask for another name or another consent, starting from what there is."""

    def ask(person: Person) -> None:
        before = consent_options.shown(person.name, person.consent)

        def check(values: Mapping[str, Value]) -> None:
            clean_name(str(values["name"]), "person's name")
            said = consent_options.said_changes(before, values, person.consent)
            if said and (person.consent_state in ("missing", "damaged", "withdrawn")):
                _check_consent(said)
            elif "basis" in said or "document" in said:
                _check_consent({"basis": person.basis, "scope": "as before", **said})

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                dashboard.do(partial(_change, dashboard, person, before, values), changed)

        def changed(changes: tuple[str, ...]) -> None:
            if not changes:
                dashboard.say("Nothing was changed.")
                return
            if person.consent is not None or "consent" not in changes:
                dashboard.push_undo(
                    f"the change of {person.name}",
                    partial(_change_back, dashboard, person, changes),
                )
            dashboard.say(f"{clean(person.name)}: {' and '.join(changes)} changed.")

        state = "" if person.consent_state == "valid" else clean(person.consent_problem)
        dashboard.push_screen(
            Form(f"Edit {person.name}", consent_options.OPTIONS, before, check=check, note=state),
            answered,
        )

    dashboard.do(partial(_person, dashboard, row.slug), ask)


def trash(dashboard: Services, row: PersonRow) -> None:
    """Ask, then move the person to the trash."""

    def remove(ws: Workspace) -> Path:
        person = get_person(ws, row.slug)
        require_idle(ws, {row.slug, *(swap.slug for swap in swaps_of(ws, person))}, row.name)
        return remove_person(ws, person)

    gone = [plural(len(row.sources), "source"), f"{count(row.kept + row.rejected)} faces"]
    dashboard.trash(
        f"Move {row.name} to the trash?",
        f"With them go {' and '.join(gone)} and the record of their consent. Swaps of theirs stay, "
        "but cannot be trained or converted with until they are back.",
        remove,
        row.name,
    )


def end_consent(dashboard: Services, row: PersonRow) -> None:
    """Ask, note the withdrawal, and show what was made from the person's data."""

    def work() -> tuple[str, Traces]:
        workspace = open_workspace(dashboard.root)
        person = withdraw(get_person(workspace, row.slug))
        return person.name, made_from(workspace, person)

    def show(found: tuple[str, Traces]) -> None:
        name, traces = found

        def answered(everything: bool | None) -> None:
            if everything:
                dashboard.do(partial(_all_away, dashboard, row.slug), moved)

        def moved(trashed: Sequence[Path]) -> None:
            dashboard.push_undo(f"the removal of {name}", partial(_all_back, dashboard, trashed))
            dashboard.say(f"{clean(name)} and what was made of them are in the trash.")

        dashboard.push_screen(TracesWindow(row.slug, name, traces), answered)

    def answered(yes: bool | None) -> None:
        if yes:
            dashboard.do(work, show)

    if row.consent == "withdrawn":
        dashboard.do(work, show)
        return
    dashboard.push_screen(
        Confirm(
            f"Did {row.name} withdraw their consent?",
            "Nothing is trained, converted or exported with their face from then on, and work that "
            "runs is stopped. What was made from their data is listed next. This is not undone by "
            "a key: if they agree again, that is a new consent.",
            "They did",
        ),
        answered,
    )


def merge_with(dashboard: Services, row: PersonRow, people: Sequence[PersonRow]) -> None:
    """Ask who is the same human being, say what will be, and merge."""
    others = tuple(one.slug for one in people if one.slug != row.slug)
    if not others:
        dashboard.say("There is nobody else to merge with.")
        return
    option = Option(
        "other", "The same as", "choice", others[0], choices=others,
        help=f"Whose folder shows the same human being as {row.name}'s. Two people who are not the "
        "same must never be merged.",
    )  # fmt: skip

    def plan(other: str) -> Merge:
        workspace = open_workspace(dashboard.root)
        return plan_merge(workspace, get_person(workspace, row.slug), get_person(workspace, other))

    def ask(found: Merge) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                dashboard.do(lambda: merge(open_workspace(dashboard.root), found), merged)

        dashboard.push_screen(
            Confirm(
                f"Are {found.into.name} and {found.other.name} the same human being?",
                "\n".join([*map(clean, found.sentences()), "This is not undone by a key."]),
                "Merge them",
            ),
            answered,
        )

    def merged(done: tuple[Person, Path]) -> None:
        name = clean(done[0].name)
        key = dashboard.keys_of("extract")
        dashboard.say(f"They are {name} now. {key} judges the faces together.")

    def answered(values: dict[str, Value] | None) -> None:
        if values is not None:
            dashboard.do(partial(plan, str(values["other"])), ask)

    dashboard.push_screen(Form(f"Merge into {row.name}", [option]), answered)


def gather(dashboard: Services, row: PersonRow) -> None:
    """Choose files and folders, then say the rest, and start the job."""

    def picked(paths: tuple[Path, ...] | None) -> None:
        sources = " ".join(shlex.quote(str(path)) for path in paths or ())
        arguments: dict[str, Any] = {}

        def check(values: Mapping[str, Value]) -> None:
            arguments.update(_asked(gather_request.from_form, row.slug, values))

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                dashboard.start_job("gather", row.slug, arguments)

        dashboard.push_screen(
            Form(
                f"Gather for {row.name}",
                gather_request.OPTIONS,
                {"sources": sources},
                check=check,
                note="Use only footage that you have the right to use: licences are noted, not "
                "judged.",
            ),
            answered,
        )

    dashboard.push_screen(
        PickFiles(
            f"Footage of {row.name}; Esc for links and a search",
            _here(),
            ("video", "picture", "folder"),
            many=True,
        ),
        picked,
    )


def extract(dashboard: Services, row: PersonRow) -> None:
    """Ask how, and start the search for faces."""
    if not row.sources:
        key = dashboard.keys_of("gather")
        dashboard.complain(f"{row.name} has no sources yet. {key} brings some in.")
        return
    arguments: dict[str, Any] = {}

    def check(values: Mapping[str, Value]) -> None:
        arguments.update(_asked(extract_request.from_form, row.slug, values))

    def answered(values: dict[str, Value] | None) -> None:
        if values is not None:
            dashboard.start_job("extract", row.slug, arguments)

    dashboard.push_screen(
        Form(
            f"Find the faces of {row.name}",
            extract_request.OPTIONS,
            check=check,
            note="Only what is new is searched; what was kept or rejected by hand stays so.",
        ),
        answered,
    )


def _asked(
    read: Callable[[str, Mapping[str, Value]], dict[str, Any]],
    person: str,
    values: Mapping[str, Value],
) -> dict[str, Any]:
    """A job's arguments from a form.

    Raises:
        CommandError: they cannot be, also because paths cannot be looked up.
    """
    try:
        return read(person, values)
    except OSError as error:
        raise CommandError(
            f"The paths cannot be looked up ({error.strerror}). Write them from / on."
        ) from error


def _here() -> Path:
    """Where the dashboard was opened, if that is still there."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def _check_consent(said: Mapping[str, Any]) -> None:
    """Raise CommandError unless this makes a record; the document is not read yet."""
    document = said.get("document")
    if document is not None and not Path(document).is_file():
        raise CommandError(f"There is no file {clean(document)}. Check the path.")
    if said and not said.get("basis"):
        raise CommandError("A consent needs a basis. Choose one, or leave out what is about it.")
    if said:
        first_consent({name: value for name, value in said.items() if name != "document"})


# What runs in a thread.


def _person(dashboard: Services, name: str) -> Person:
    return get_person(open_workspace(dashboard.root), name)


def _change(
    dashboard: Services, person: Person, before: Mapping[str, Value], values: Mapping[str, Value]
) -> tuple[str, ...]:
    """Write what is different; what that was."""
    workspace = open_workspace(dashboard.root)
    now = load_person(person.root)
    if now.consent != person.consent:
        raise CommandError(
            f"The consent of {now.name} was changed elsewhere meanwhile. Look at it and edit again."
        )
    changes = []
    if values["name"] != person.name:
        now = rename_person(workspace, now, str(values["name"]))
        changes.append("the name")
    said = consent_options.said_changes(before, values, person.consent)
    if said:
        record(now, said)
        changes.append("consent")
    return tuple(changes)


def _change_back(dashboard: Services, person: Person, changes: Sequence[str]) -> str:
    workspace = open_workspace(dashboard.root)
    now = load_person(person.root)
    if "consent" in changes and person.consent is not None:
        set_consent(now, _still(now, person.consent))
    if "the name" in changes:
        rename_person(workspace, now, person.name)
    return f"{clean(person.name)} is as before."


def _still(now: Person, before: Consent) -> Consent:
    """The record from before; a withdrawal that came since is not undone with it."""
    if now.consent is not None and now.consent.withdrawn_at and not before.withdrawn_at:
        raise CommandError(
            f"{now.name} withdrew their consent since, which is not taken back with a change. If "
            "they agreed again, record that as a new consent."
        )
    return before


def _away(dashboard: Services, name: str) -> str:
    workspace = open_workspace(dashboard.root)
    person = get_person(workspace, name)
    require_idle(workspace, {person.slug}, person.name)
    remove_person(workspace, person)
    return f"{clean(person.name)} is in the trash."


def _all_away(dashboard: Services, name: str) -> list[Path]:
    workspace = open_workspace(dashboard.root)
    person = get_person(workspace, name)
    found = made_from(workspace, person)
    require_idle(workspace, {person.slug, *found.swaps, *found.bases}, person.name)
    return put_in_trash(workspace, person, found)


def _all_back(dashboard: Services, trashed: Sequence[Path]) -> str:
    workspace = open_workspace(dashboard.root)
    for path in reversed(trashed):
        restore_from_trash(workspace, path)
    return "They are back. The withdrawal still holds."

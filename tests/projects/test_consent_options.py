"""From the fields of a form to a consent record, and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from projects.consent import BASES, USES, Consent
from projects.consent_entry import SAID, add_with_consent, record, withdraw
from projects.consent_options import OPTIONS, said_changes, said_first, shown
from projects.errors import CommandError
from projects.people import Person, get_person
from projects.workspace import Workspace

RELEASE = Consent(
    "release", "one film", "tests", "2026-11-01", expires="2030-01-01", uses=("training",)
)


def test_every_field_of_a_record_has_an_option_and_every_option_says_something() -> None:
    names = {option.name for option in OPTIONS}
    assert names == {"name", *USES, *SAID} - {"uses"}
    [basis] = [option for option in OPTIONS if option.name == "basis"]
    assert basis.choices == tuple(BASES)
    assert all(option.help for option in OPTIONS)


def test_what_was_said_first_makes_the_record(workspace: Workspace) -> None:
    said = said_first({"name": "Cy", "basis": "release", "scope": "x", "training": True})
    consent = add_with_consent(workspace, "Cy", said).consent
    assert consent is not None
    assert (consent.basis, consent.scope, consent.covers) == ("release", "x", ("training",))
    assert said_first({"name": "Dee", "basis": None, "scope": None, "training": None}) == {}
    assert add_with_consent(workspace, "Dee", {}).consent is None


def test_only_what_is_different_is_changed(workspace: Workspace, ada: Person) -> None:
    before = shown("Ada", RELEASE)
    assert said_changes(before, before, RELEASE) == {}
    assert said_changes(before, {**before, "expires": None}, RELEASE) == {"expires": "never"}
    assert said_changes(before, {**before, "export": True}, RELEASE) == {
        "uses": ("training", "export")
    }
    with pytest.raises(CommandError, match="withdraw it"):
        said_changes(before, {**before, "training": False}, RELEASE)


def test_another_basis_is_another_consent(workspace: Workspace, ada: Person) -> None:
    before = shown("Ada", RELEASE)
    said = said_changes(before, {**before, "basis": "self"}, RELEASE)
    changed = record(ada, said).consent
    assert changed is not None
    assert (changed.basis, changed.covers) == ("self", tuple(USES))


def test_after_a_withdrawal_there_is_nothing_to_change_but_a_new_consent(
    workspace: Workspace, ada: Person
) -> None:
    gone = withdraw(ada)
    assert gone.consent is not None
    assert shown("Ada", gone.consent) == {"name": "Ada"}
    with pytest.raises(CommandError, match="that is a new consent"):
        record(gone, {"scope": "more"})
    again = record(gone, said_changes({}, {"basis": "self", "name": "Ada"}, gone.consent))
    assert again.consent_state == "valid"
    assert get_person(workspace, "ada").consent_state == "valid"
    assert withdraw(withdraw(again)).consent_state == "withdrawn"


def test_somebody_without_a_record_has_none_to_withdraw(workspace: Workspace) -> None:
    with pytest.raises(CommandError, match="has no consent record"):
        withdraw(add_with_consent(workspace, "Cy", {}))


def test_a_record_of_older_days_shows_what_it_covers() -> None:
    assert shown("Ada", replace(RELEASE, uses=None))["conversion"] is True
